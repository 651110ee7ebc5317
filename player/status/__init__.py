"""What the player reports about itself: status, health, heartbeat, metrics."""
