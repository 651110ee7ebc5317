"""Messages and documents as values: screen, deck, overlays, operator commands, status."""
