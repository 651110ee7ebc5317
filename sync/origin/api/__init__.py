"""The routes, one file per resource of the HTTP API."""
