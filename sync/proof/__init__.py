"""What device, origin and verifier share of the signed log of plays: hash trees, keys of devices, checkpoints. Pure."""
