"""libVLC, what it reads and where its sound goes; the only room that uses the library."""
