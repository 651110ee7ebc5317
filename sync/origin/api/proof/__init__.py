"""Proof of play over HTTP: devices deliver it, people read, judge and audit it."""
