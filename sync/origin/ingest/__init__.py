"""Receives uploads, deletes unfinished ones, and works off the queue until uploads are assets."""
