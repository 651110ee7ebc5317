"""What all routes share: callers and their keys, the check of the Host header, cached answers."""
