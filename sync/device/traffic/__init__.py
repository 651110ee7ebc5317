"""Counts the bytes that this device sends and receives in a month, and says what is left of its budget."""
