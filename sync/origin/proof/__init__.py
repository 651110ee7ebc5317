"""Pure: the audit of chains of plays, and CSV."""
