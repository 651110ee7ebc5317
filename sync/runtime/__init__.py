"""The operating system: clock, threads, waiting, supervision, systemd, watched files, durable files, SQLite."""
