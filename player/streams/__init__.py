"""Network streams: what may be reached, the way there, and which variant of an HLS stream is taken."""
