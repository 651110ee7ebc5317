"""The doors to the origin's database and data folder."""
