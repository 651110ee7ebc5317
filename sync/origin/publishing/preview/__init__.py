"""What a channel shows at a time, as it is published, ready or edited."""
