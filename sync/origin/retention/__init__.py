"""Deletes assets and releases that nothing needs any more. Unfinished uploads are deleted by `ingest`."""
