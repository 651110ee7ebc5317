"""The schema of the origin's database over time: one file a revision, which is never edited once it is released."""
