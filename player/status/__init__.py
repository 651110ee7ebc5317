"""What the player tells of itself: status, health, heartbeat, metrics."""
