"""What both HTTP sides share: table of operations, problems, bodies, OpenAPI, listener, metrics."""
