"""The machine below the player: geometry, X connection, hardware decoders, child processes."""
