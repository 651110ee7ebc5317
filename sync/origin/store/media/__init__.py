"""The tables of media, of uploads, and of files that nothing needs any more (SQL)."""
