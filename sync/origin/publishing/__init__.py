"""Compiles, signs and publishes releases."""
