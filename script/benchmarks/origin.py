"""What one origin carries: `script/bench origin`, with all its parts, or one of them by `--part`.

`devices`: thousands of simulated ones hold WebSockets, report, show 10-second items, take a release, and come back
after the origin ended, on each database that is here. `plays`: what plays cost it. `static`: files of the content tree,
by the origin and by nginx. `idle`: the memory of one that nobody uses. The last rows are what is asked of an origin.
"""

import asyncio
from typing import Any

import origin_devices
import origin_plays
import origin_static
from origin_goals import goals
from origin_site import open_site
from postgresql import BINARIES

PARTS = ("idle", "devices", "plays", "static")
DATABASES = ("sqlite", "postgresql")
DEVICES = 10_000
BATCH = 50
SECONDS = 60.0
DEVICES_OF_PLAYS = 1_000
_SETTLED_S = 5.0

Rows = list[dict[str, Any]]


async def measure(part: str, database: str, count: int | None, batch: int, seconds: float) -> Rows:
    """Return the rows of a part; empty: of all parts, and what they come to. `count` None: as many as the part has."""
    if part not in ("", *PARTS):
        raise SystemExit(f"no part named {part}; there are: {', '.join(PARTS)}")
    if database not in ("", *DATABASES):
        raise SystemExit(f"no database named {database}; there are: {', '.join(DATABASES)}")
    rows = Rows()
    if part in ("", "idle"):
        rows += await _idle()
    if part in ("", "devices"):
        rows += await _devices(database, count or DEVICES, seconds)
    if part in ("", "plays"):
        rows += await origin_plays.measure(count or DEVICES_OF_PLAYS, batch, seconds)
    if part in ("", "static"):
        rows += await origin_static.measure()
    return rows + goals(rows)


async def _devices(database: str, count: int, seconds: float) -> Rows:
    here = [one for one in DATABASES if one == "sqlite" or BINARIES]
    wanted = [one for one in here if database in ("", one)]
    of_each = [await origin_devices.measure(one, count, seconds) for one in wanted]
    return [row for rows in of_each for row in rows[:-1]] + [rows[-1] for rows in of_each]


async def _idle() -> Rows:
    """Return what an origin needs that has just been started, with the embedded defaults."""
    async with open_site() as site:
        await site.start()
        await asyncio.sleep(_SETTLED_S)
        return [{"origin": "new, SQLite, nobody uses it", "idle_mib": round(site.mib(), 1)}]
