"""Takes bytes in and works the queue until they are assets."""
