"""Edits of playlists, schedules and campaigns: what a person changed, merged with what others changed. Pure."""
