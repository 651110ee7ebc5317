"""The tables of the origin's database, the same on SQLite and PostgreSQL; the stores own the statements on them."""
