"""Says what is wrong with settings, requests, files and arguments, in sentences for people."""
