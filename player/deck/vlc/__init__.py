"""libVLC, what it reads and where it is heard; the only room that knows the library."""
