"""Two deck processes, the cuts between them, and the steps that follow a fault, up to a reboot."""
