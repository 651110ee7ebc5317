"""libVLC: what it reads and decodes, how sound fades and where it goes. The only room that uses the library."""
