"""Publishes channels at instants that people planned."""
