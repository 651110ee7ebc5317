"""What people plan, as values: playlists, schedules with overlays, campaigns, and the `playlist.toml` of a folder."""
