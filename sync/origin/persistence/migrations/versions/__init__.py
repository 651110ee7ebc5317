"""The revisions, each with the one before it: `revision_0001_what_it_changes.py`, by its number."""
