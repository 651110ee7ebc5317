"""Takes rights away from processes that open foreign media: sight of files, sockets, and hold of other processes."""
