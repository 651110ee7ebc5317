"""Pure: which ad lines cannot get what they bought, why, and what would help."""
