"""The origin's settings: the model, and the loader that merges their sources."""
