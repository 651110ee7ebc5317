"""`plays.db`: ledger, quarantine, and whose evidence it is."""
