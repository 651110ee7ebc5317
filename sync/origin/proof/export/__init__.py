"""The export of plays that stands alone, pure: how it is written, and how anybody verifies it without this origin."""
