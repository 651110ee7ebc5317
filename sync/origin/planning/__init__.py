"""What people plan, as values: playlists, schedules, campaigns, overlays, a folder's `playlist.toml`."""
