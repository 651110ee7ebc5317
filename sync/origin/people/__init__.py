"""The rules of accounts: names, passwords, second factors, and how often somebody may try. Pure."""
