"""Playlists, campaigns and schedules over HTTP."""
