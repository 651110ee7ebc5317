"""Messages and documents as values: screen, deck, overlays, orders, status."""
