"""The origin's stores: one file per table family owns its statements; rows never leave, values do."""
