"""The machine the player runs on: display geometry, X connection, hardware decoders, child processes."""
