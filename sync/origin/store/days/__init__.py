"""The statements of days with plays: which changed, which are archived in files, and documents read back from these."""
