"""What people see and change of themselves and each other: log-in and sessions, their account, the list of people."""
