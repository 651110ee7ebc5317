"""The last heartbeat of each device: held in memory, written in groups; and which devices are silent."""
