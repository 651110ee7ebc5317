"""The player: decides what is on air, shows it through two libVLC decks, and records proof of play.

Everything here runs on the screen device, as one asyncio process (`player.app.daemon`) and two deck processes
(`player.deck`). It stands on `sync`, which brings the content and takes the proof away; `sync` never imports it.
"""

__version__ = "0.1.0"
