"""The deck process: loads one shot, shows it and watches its picture, as `player.protocol.deck_messages` commands."""
