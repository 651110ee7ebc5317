"""Turns a sent file into media that every player can show, with tools in a sandbox."""
