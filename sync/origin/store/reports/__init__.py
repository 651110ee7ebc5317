"""The statements of reports: rules of lines, plays counted by day, and what schedules promised."""
