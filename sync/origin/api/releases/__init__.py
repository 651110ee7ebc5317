"""Serves releases: publishes, lists, previews them."""
