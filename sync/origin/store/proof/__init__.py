"""The statements about plays as evidence: plays, the logs they come from, and what contradicts them."""
