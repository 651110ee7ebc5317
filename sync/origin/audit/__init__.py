"""Who does what: the person, program or machine that acts, what changes are called, and how two versions differ."""
