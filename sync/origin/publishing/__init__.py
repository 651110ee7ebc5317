"""Compiles, signs and publishes releases; publishes a folder."""
