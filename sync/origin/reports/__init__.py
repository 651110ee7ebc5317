"""Counts plays by day, keeps what the schedule promised, and makes reports of both."""
