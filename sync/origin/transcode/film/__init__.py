"""Decides what becomes of a film: its facts, copied or encoded, the filters of an encode. Runs no tools."""
