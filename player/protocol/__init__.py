"""Messages between the processes of the player as values (deck, overlays), and the documents of its status."""
