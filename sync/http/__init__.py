"""HTTP code for device and origin: the table of operations, problems, bodies, OpenAPI, listener, metrics."""
