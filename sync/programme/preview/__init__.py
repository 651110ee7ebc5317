"""Pure: what would be on air at an instant and in the hours after it, and why; for people."""
