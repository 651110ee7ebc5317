"""Puts the player together: command line, daemon, wiring, and the session of a paired device."""
