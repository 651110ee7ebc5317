"""The SQL statements of the origin, one file per family of tables; stores return values, never rows."""
