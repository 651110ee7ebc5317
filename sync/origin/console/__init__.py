"""Serves the console."""
