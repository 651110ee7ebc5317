"""Receives files and works off the queue until they are assets."""
