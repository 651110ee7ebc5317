"""An example of each operation: a story that is told to a real origin, and what was said, in `examples.json`."""
