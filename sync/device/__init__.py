"""Talks to the origin: pairs, checks for updates, downloads, activates, cleans up, delivers plays."""
