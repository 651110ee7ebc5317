"""`plays.db`: the ledger of takes and plays, the quarantine of failing media, and the device it belongs to."""
