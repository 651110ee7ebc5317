"""Publishes a folder of files with its plan."""
