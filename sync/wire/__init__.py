"""The documents between device and origin: models, value types, chunk lists, paths."""
