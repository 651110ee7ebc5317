"""What released versions wrote: databases of the origin and of the player, as SQL; and the code of a version.

A schema that is released gets a dump here, with a row in each table; it is never edited.
"""

import sys
from pathlib import Path

DUMPS = sorted(Path(__file__).parent.glob("origin-*.sql"))
"""Databases of the origin, the oldest schema first."""

LOGS = sorted(Path(__file__).parent.glob("plays-*.sql"))
"""Logs of plays of a device (`plays.db`), the oldest schema first."""

CODE = Path(__file__).with_name("signage-2026-11-29.zip")
"""The folders `player` and `sync` of a version that screens and origins in the field may still have."""


def program_of(folder: Path, module: str) -> tuple[str, ...]:
    """Return the command that runs the `main` of a module of the code in `folder`."""
    run = ("env", "-C", str(folder), f"PYTHONPATH={folder}")  # the working folder comes first in what Python imports
    return (*run, sys.executable, "-c", f"from {module} import main; raise SystemExit(main())")
