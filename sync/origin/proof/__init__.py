"""Proof of play for auditors, pure: checks the chains of plays, and writes plays as CSV."""
