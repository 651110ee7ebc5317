"""What one thing costs an origin, as measured: what `scale` computes with, beside its assumptions.

Each has the command that measured it. A new measurement replaces the number here; `script/reference` then writes
docs/scale.md anew.
"""

from typing import NamedTuple


class Cost(NamedTuple):
    """A number with its unit, what it is, and the command that measured it, or why it is assumed."""

    value: float
    unit: str
    what: str
    source: str


_DEVICES = "`script/bench origin --part devices`"
_PLAYS = "`script/bench origin --part plays`"
_STATIC = "`script/bench origin --part static`"
_BUSY = "on a **busy** machine (load 8 to 11), to be measured again"

MINUTE_ON_SQLITE = Cost(
    4.5, "ms", "processor of the origin, a device and minute, SQLite", f"{_DEVICES}, 10,000 devices, 997 plays a second"
)
MINUTE_ON_POSTGRESQL = Cost(
    6.5, "ms", "the same, PostgreSQL", f"{_DEVICES} `--database postgresql`, 2,000 devices, {_BUSY}"
)
DATABASE_MINUTE = Cost(
    0.3, "ms", "processor of PostgreSQL, a device and minute", f"{_DEVICES} `--database postgresql`, {_BUSY}"
)
PLAY = Cost(74.0, "µs", "of that the origin's, a play: intake, sums and signature", f"{_PLAYS}, in batches of 50")
FILE_BY_NGINX = Cost(7.6, "µs", "a small file, by the nginx in front (by the origin 111)", f"{_STATIC}, {_BUSY}")
MEMORY_IDLE = Cost(133.0, "MiB", "memory of an origin that nobody uses", "`script/bench origin --part idle`")
MEMORY = Cost(30.9, "KiB", "memory of the origin, a device", f"{_DEVICES}, 10,000 devices")
PLAY_ROW = Cost(1_500.0, "bytes", "a play in the database, with its indexes", f"{_PLAYS} (`bytes_a_play`)")
ARCHIVED_PLAY = Cost(
    40.0, "bytes", "a play in the archive of old plays", "[decision](decisions/proof-old-plays-in-parquet.md)"
)
