"""What a device says to its origin all the time: one exchange a period, over the live connection or HTTP, and hints."""
