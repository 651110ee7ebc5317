"""Command line, wiring, server."""
