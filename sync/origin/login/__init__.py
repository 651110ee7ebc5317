"""Checks who logs in: passwords and codes, how often somebody may try, and how many passwords are hashed at once."""
