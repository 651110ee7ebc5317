"""What released versions wrote: databases of the origin and of the player, as SQL.

A schema that is released gets a dump here, with a row in each table; it is never edited.
"""

from pathlib import Path

DUMPS = sorted(Path(__file__).parent.glob("origin-*.sql"))
"""Databases of the origin, the oldest schema first."""
