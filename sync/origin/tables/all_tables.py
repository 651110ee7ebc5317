"""The schema with all of its tables, for whoever makes, changes or compares it."""

# a table is in the schema once its file is loaded
from sync.origin.tables import audit, devices, history, media, people, plans, plays, releases, reports, signing  # noqa: F401
from sync.origin.tables.columns import metadata as metadata
