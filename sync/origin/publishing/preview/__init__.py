"""What a channel shows at a time, as it is published, ready or edited, and what publishing would change of it."""
