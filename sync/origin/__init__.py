"""The origin: takes media in, plans what plays, signs releases, and keeps the proof of what was shown.

Embedded it is SQLite and a folder; unchanged it runs on PostgreSQL and any static file host. It never imports `player`.
"""

__version__ = "0.1.0"
