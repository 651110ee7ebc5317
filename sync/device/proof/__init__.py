"""What makes this device's log of plays evidence at the origin: the certificate of its key, and its checkpoints."""
