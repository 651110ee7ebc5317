"""What changed of what origins hold in memory: noted in the transaction of the change, read by all of them (SQL)."""
