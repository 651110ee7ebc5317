"""Signs the log of plays of this device: a checkpoint every hour, at a stop, and before another log begins."""
