"""Command line, daemon, wiring, the device with its origin."""
