"""Two deck processes and the cuts between them, and what a fault leads to, up to a reboot."""
