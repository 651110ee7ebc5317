"""The overlay process: a line of text and a logo over whatever the decks show, in windows of its own."""
