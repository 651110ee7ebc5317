"""Says on the error output how far a long benchmark is, so that a run that is ended early has told something."""

import sys
from collections.abc import Mapping
from typing import Any


def tell(row: Mapping[str, Any]) -> None:
    """Print a row that is done, its values beside each other."""
    told = (f"{value:.1f}" if isinstance(value, float) else str(value) for value in _flat(row))
    print("  ".join(told), file=sys.stderr, flush=True)


def _flat(row: Mapping[str, Any]) -> list[Any]:
    return [part for value in row.values() for part in (value.values() if isinstance(value, dict) else (value,))]
