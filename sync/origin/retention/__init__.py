"""Decides, finds and removes what nobody needs any more."""
