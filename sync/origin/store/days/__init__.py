"""The statements of days with plays: which changed, which are archived, their documents; many rows in a statement."""
