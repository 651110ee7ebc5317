"""What device and origin share: content comes down, proof goes up; both raise the errors of `errors.py`."""
