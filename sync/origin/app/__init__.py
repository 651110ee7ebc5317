"""Puts the origin together: command line, wiring, and the server with its services."""
