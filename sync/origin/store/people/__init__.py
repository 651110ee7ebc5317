"""The tables of people: accounts, keys, sessions, second factors; at least one administrator stays."""
