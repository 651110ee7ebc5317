"""The documents between device and origin: models, value types, chunk lists, paths; messages about wrong input."""
