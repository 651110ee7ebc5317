"""Takes in what all devices send all the time: plays, durable before they are acknowledged, and heartbeats, or none."""
