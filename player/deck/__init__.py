"""The deck process: loads one shot, shows it, watches its picture, told by `player.protocol.deck_messages`."""
