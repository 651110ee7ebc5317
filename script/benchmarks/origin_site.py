"""An origin for `script/bench origin`, with thousands of devices and a release; it is started and ended at will."""

import asyncio
import hashlib
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil
from aiohttp import ClientSession
from origin_bodies import CHANNEL, Shown, name_of, token_of
from sqlalchemy import func, insert, select, update

sys.path.insert(0, str(Path(__file__).parent.parent / "demonstration"))
from processes import free_port
from syncing_content import listening

from sync.origin.http.auth import make_key
from sync.origin.persistence.database import open_origin_database
from sync.origin.persistence.lists import named
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.store.people.keys import KeyStore
from sync.origin.tables.devices import devices
from sync.origin.tables.plays import plays
from sync.origin.tables.releases import releases
from sync.roles import Role
from sync.runtime.clock import SystemClock, unix_ms
from sync.trust.signing import token_hash
from sync.wire.content_paths import timestamp_path
from tests.origin.planning_origin import open_planning_origin

ITEMS = 20
_DAY_MS = 86_400_000
_STOP_WITHIN_S = 20.0


class Site:
    """One origin; `database` is the URL of PostgreSQL, empty for SQLite."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder, self._database = folder, database
        self.port = free_port(0)
        self.shown: Shown
        self._key = self._playlist = ""
        self._process: Process | None = None
        self.watched: psutil.Process

    @property
    def _url(self) -> str:
        return self._database or f"sqlite+aiosqlite:///{self.folder}/origin.db"

    async def fill(self, count: int, item_s: float) -> None:
        """Plan and publish a release, and let so many devices in."""
        clock, media = SystemClock(), [f"film-{number:02}" for number in range(ITEMS)]
        now_ms = unix_ms(clock.now())
        async with open_planning_origin(self.folder, clock, url=self._database or None) as planning:
            for one in media:
                await planning.make_media(one)
            items = tuple(PlaylistItem(media=one, title=one, duration_ms=round(item_s * 1000)) for one in media)
            playlist = await planning.playlists.create(PlaylistDraft(name="Lunch", items=items))
            plan = ScheduleDraft(zone="Europe/Berlin", default_playlist=playlist.id)
            await planning.schedules.create(CHANNEL, plan)
            done = await planning.publisher.publish(CHANNEL)
            release = await asyncio.to_thread(planning.publisher.read_release, done.record)
            async with planning.database.writing() as connection:
                await connection.execute(update(releases).values(created_ms=now_ms - _DAY_MS))
                paired = {"channel_id": CHANNEL, "channels": [CHANNEL], "paired_ms": now_ms - _DAY_MS, "version": 1}
                rows = [
                    {"id": name_of(number), "token_hash": token_hash(token_of(number)), **paired}
                    | named(name_of(number), name_of(number))
                    for number in range(count)
                ]
                await connection.execute(insert(devices), rows)
            _, self._key = await make_key(KeyStore(planning.database), clock, "bench", Role.ADMINISTRATOR)
        shown = release.playlists[0]
        self._playlist = playlist.id
        signed = await asyncio.to_thread((self.folder / "content" / timestamp_path(CHANNEL)).read_bytes)
        self.shown = Shown(
            done.record.sha256, tuple(one.asset for one in shown.items), tuple(one.id for one in shown.items),
            shown.id, item_s, now_ms / 1000, hashlib.sha256(signed).hexdigest(),
        )  # fmt: skip

    async def start(self) -> None:
        """Start it, and wait until it listens."""
        environment = {
            "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(self.folder),
            "SIGNAGE_ORIGIN__STORAGE__RESERVE_BYTES": "0",
            "SIGNAGE_ORIGIN__STORAGE__DATABASE_URL": self._database,
            "SIGNAGE_ORIGIN__SERVER__PORT": str(self.port),
        }
        command = ("setpriv", "--pdeathsig", "KILL", "--", sys.executable, "-m", "sync.origin.app.start", "serve")
        with (self.folder / "origin.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, stdin=DEVNULL, stdout=log, stderr=log, env={**os.environ, **environment},
                start_new_session=True,
            )  # fmt: skip
        self.watched = psutil.Process(self._process.pid)
        await listening(self.port)

    async def end(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal; wait until it has ended."""
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            await asyncio.wait_for(self._process.wait(), _STOP_WITHIN_S)
        except TimeoutError:
            self._process.kill()
            raise SystemExit(f"the origin did not end within {_STOP_WITHIN_S:.0f} s of {how.name}") from None
        self._process = None

    def cpu_s(self) -> float:
        """Return the processor time that the present process has used."""
        return sum(self.watched.cpu_times()[:2])

    def mib(self) -> float:
        """Return the memory of the present process."""
        return float(self.watched.memory_info().rss) / 2**20

    async def publish(self, nth: int) -> None:
        """Change the plan, and publish it."""
        async with ClientSession(
            f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {self._key}"}
        ) as client:
            async with client.get(f"/v1/playlists/{self._playlist}") as answer:
                plan, version = await answer.json(), answer.headers["ETag"]
            draft = PlaylistDraft.model_validate({name: plan[name] for name in PlaylistDraft.model_fields})
            draft = draft.model_copy(update={"name": f"Lunch {nth}"})
            headers, body = {"If-Match": version}, draft.model_dump(mode="json")
            async with client.put(f"/v1/playlists/{self._playlist}", headers=headers, json=body) as answer:
                assert answer.status == 200, await answer.text()
            async with client.post("/v1/releases", json={"channel": CHANNEL}) as answer:
                assert answer.status == 201, await answer.text()

    async def stored(self) -> tuple[dict[str, int], int]:
        """Return how many plays of each device are in the database, and how many of all are set aside."""
        async with open_origin_database(self._url) as database, database.reading() as connection:
            rows = await connection.execute(select(plays.c.device_id, func.count()).group_by(plays.c.device_id))
            aside = await connection.scalar(select(func.count()).where(plays.c.set_aside.is_not(None)))
            return {name: count for name, count in rows}, aside or 0

    def faults(self) -> int:
        """Return how many lines of its log are of faults."""
        log = (self.folder / "origin.log").read_text(errors="replace")
        return sum("Traceback" in line or " ERROR " in line or " WARNING " in line for line in log.splitlines())


@asynccontextmanager
async def open_site(count: int = 0, item_s: float = 10.0, database: str = "") -> AsyncIterator[Site]:
    """Make an origin in a folder of its own, a new one if there are no devices; it is ended at the end."""
    with TemporaryDirectory(dir=os.environ.get("BENCH_FOLDER"), ignore_cleanup_errors=True) as made:
        site = Site(Path(made), database)
        if count:
            await site.fill(count, item_s)
        try:
            yield site
        finally:
            await site.end(signal.SIGKILL)


def told(shown: Shown) -> dict[str, Any]:
    """Return what is shown as JSON has it."""
    return asdict(shown)
