# Sätze des Servers.
