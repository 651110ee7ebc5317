"""The operating system: clock, threads, waiting, supervision, states, systemd, watched files, durable files, SQLite."""
