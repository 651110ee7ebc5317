"""Access to the origin's database and to its data folder."""
