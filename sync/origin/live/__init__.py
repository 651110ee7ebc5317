"""Live connections over WebSocket: what devices and pages are told at once, and what they say there."""
