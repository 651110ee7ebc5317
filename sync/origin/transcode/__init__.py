"""Turns an uploaded file into media that every player can show: recognises it, and runs tools in a sandbox."""
