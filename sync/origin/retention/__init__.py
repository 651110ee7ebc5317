"""Deletes content that nothing needs any more."""
