"""Spaces over HTTP: which there are, what lies in which, and what is lent."""
