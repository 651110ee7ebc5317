"""The way to content and its transfer: the network, sources, deadlines, and worker threads that fetch and verify."""
