"""Which version of each plan is ready to go out; what is saved beside that is a draft."""
