"""Two machines with one identity: found out by their heartbeats, and one of them gets an identity of its own."""
