"""What all routes share: who calls, host check, live hints, cached answers."""
