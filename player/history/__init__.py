"""Watches what changes on this device beside its plays, and records it as its history."""
