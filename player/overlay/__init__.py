"""The overlay process: tickers and logos in windows of their own, above whatever the decks show."""
