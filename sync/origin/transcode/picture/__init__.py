"""What pictures mean and how they move: their colours, their frames, and the video of an animation."""
