"""The audit log and the histories of things over HTTP."""
