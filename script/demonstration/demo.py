"""The demo: an origin publishes, a screen syncs, plays and proves it; see `script/demo --help`."""

import argparse
import asyncio
import contextlib
import json
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import media
from board import Board
from processes import Stopped, display, free_port, running, watch
from story import ADS, ITEMS, Origin, OriginRefusal, tell
from witness import Witness, shown

VAR = Path(__file__).parents[2] / "var" / "demo"
BIN = Path(sys.executable).parent
ONCE_WITHIN_S = 300.0
UP_WITHIN_S = 30.0
_LOOK_EVERY_S = 0.25
_SETTLED_S = 0.7  # into a take before it is looked at


@dataclass(frozen=True, slots=True)
class Scene:
    """What runs: the display, both addresses, the person's key, and the player's HTTP session."""

    display: str
    origin: Origin
    player_url: str
    session: aiohttp.ClientSession
    folder: Path
    stopped: Awaitable[None]  # ends, by raising, when the origin does

    async def player(self, path: str) -> Any:
        """Ask the player's endpoint."""
        async with self.session.get(self.player_url + path) as answer:
            return await answer.json()


def main() -> int:
    """Run the demo; 0 when it did all it should."""
    parser = argparse.ArgumentParser(prog="script/demo", description=__doc__)
    parser.add_argument(
        "--once", action="store_true", help="end when every item and ad was seen and every play acknowledged"
    )
    parser.add_argument("--folder", type=Path, default=VAR, help="where media, origin and player live (%(default)s)")
    arguments = parser.parse_args()
    try:
        return asyncio.run(_until_interrupted(arguments.once, arguments.folder.resolve()))
    except (Stopped, OriginRefusal, TimeoutError, subprocess.CalledProcessError, aiohttp.ClientError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1


async def _until_interrupted(once: bool, folder: Path) -> int:
    """Run until done, or until Ctrl-C or SIGTERM cancels it; everything started is stopped on the way out."""
    task = asyncio.ensure_future(_run(once, folder))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return 130 if once else 0


async def _run(once: bool, folder: Path) -> int:
    began = time.monotonic()
    with Board() as board:
        await asyncio.to_thread(media.make_all, folder / "media", lambda name: board.report(name, "being made"))
        board.drop(*media.MEDIA)
        async with _scene(folder, board) as scene:
            release = await tell(scene.origin, folder / "media", board.report)
            board.drop(*media.MEDIA)
            async with _player(scene, board) as stopped:
                show = _show_once(scene, board, release) if once else _show_for_ever(scene, board)
                summary = await _first(show, stopped, scene.stopped)
    print(json.dumps({**summary, "seconds": round(time.monotonic() - began, 1)}))
    return 0


@contextlib.asynccontextmanager
async def _scene(folder: Path, board: Board) -> AsyncIterator[Scene]:
    """Start the display and the origin."""
    port = free_port(8090)
    environment = {
        "SIGNAGE_ORIGIN__STORAGE__DATA_DIR": str(folder / "origin"),
        "SIGNAGE_ORIGIN__SERVER__PORT": str(port),
        "SIGNAGE_ORIGIN__PUBLISH__ENROLMENT_KEY": _kept(folder / "enrolment-key"),
    }
    async with contextlib.AsyncExitStack() as stack:
        name = await stack.enter_async_context(display())
        log = folder / "log" / "origin.log"
        process = await stack.enter_async_context(running((str(BIN / "signage-origin"), "serve"), log, environment))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        url = f"http://127.0.0.1:{port}"
        stopped = asyncio.ensure_future(watch(process, "origin", log))
        stack.callback(stopped.cancel)
        await _first(_answering(session, url), stopped)
        key = await _key(folder, environment)
        board.report("console", f"{url}  (key: {key})")
        player = f"http://127.0.0.1:{free_port(8080)}"
        yield Scene(name, Origin(session, url, key), player, session, folder, stopped)


@contextlib.asynccontextmanager
async def _player(scene: Scene, board: Board) -> AsyncIterator[Awaitable[None]]:
    """Start the player; what is given ends, by raising, when the player does."""
    environment = {
        "DISPLAY": scene.display,
        "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(scene.folder / "player"),
        "SIGNAGE_PLAYER__ORIGIN__URL": scene.origin.url,
        "SIGNAGE_PLAYER__ORIGIN__NAME": "demo screen",
        "SIGNAGE_PLAYER__ORIGIN__ENROLMENT_KEY": _kept(scene.folder / "enrolment-key"),
        "SIGNAGE_PLAYER__ORIGIN__POLL_S": "5",
        "SIGNAGE_PLAYER__ORIGIN__PLAYS_S": "0",  # somebody looks on
        "SIGNAGE_PLAYER__ENDPOINT__PORT": scene.player_url.rsplit(":", 1)[1],
    }
    log = scene.folder / "log" / "player.log"
    async with running((str(BIN / "signage-player"), "run"), log, environment) as process:
        stopped = asyncio.ensure_future(watch(process, "player", log))
        try:
            await _first(_answering(scene.session, scene.player_url), stopped)
            board.report("player", f"{scene.player_url}  on display {scene.display}")
            yield stopped
        finally:
            stopped.cancel()


async def _show_for_ever(scene: Scene, board: Board) -> None:
    while True:
        await _report(scene, board, await scene.player("/v1/now"), await scene.player("/v1/status"))
        await asyncio.sleep(_LOOK_EVERY_S)


async def _show_once(scene: Scene, board: Board, release: str) -> dict[str, Any]:
    """Watch until the display showed everything, and the origin's books say so too."""
    since = datetime.now(UTC)
    witness = Witness(scene.display, scene.folder / "screenshots", scene.origin)
    await witness.prepare()
    until = time.monotonic() + ONCE_WITHIN_S
    while time.monotonic() < until:
        now, status = await scene.player("/v1/now"), await scene.player("/v1/status")
        await _report(scene, board, now, status)
        if _settled(now):
            await witness.look(now["title"])
        if not witness.missing and status["outbox_depth"] == 0:
            booked = await scene.origin.plays(since)
            items, ads = shown(booked, ITEMS), shown(booked, ADS)
            logged = [p for p in (await scene.player("/v1/plays?limit=500"))["plays"] if _after(p["started_at"], since)]
            if len(items) == len(ITEMS) and len(ads) == len(ADS) and len(logged) == len(booked):
                return {
                    "release": release,
                    **await _size(scene, release),
                    "items_shown": len(items),
                    "ads_shown": len(ads),
                    "plays_recorded": len(logged),
                    "plays_acknowledged": len(booked),
                    "screenshots": [str(path) for path in witness.seen.values()],
                }
        board.report("to be seen", ", ".join(witness.missing) or "all seen; waiting for the last plays")
        await asyncio.sleep(_LOOK_EVERY_S)
    missing = ", ".join(witness.missing) or "nothing, but the origin's books are not complete"
    raise TimeoutError(f"not done after {ONCE_WITHIN_S:.0f} s; never seen on the display: {missing}")


def _settled(now: dict[str, Any]) -> bool:
    began = now.get("since")
    return isinstance(began, str) and (datetime.now(UTC) - datetime.fromisoformat(began)).total_seconds() > _SETTLED_S


def _after(stamp: str, since: datetime) -> bool:
    return datetime.fromisoformat(stamp) >= since


async def _size(scene: Scene, release: str) -> dict[str, int]:
    document = json.loads(await scene.origin.fetch(f"/content/releases/{release}.json"))
    return {"assets": len(document["assets"]), "bytes": sum(asset["size_bytes"] for asset in document["assets"])}


async def _report(scene: Scene, board: Board, now: dict[str, Any], status: dict[str, Any]) -> None:
    sync = status["sync"]
    share = f"{100 * sync['bytes_done'] // sync['bytes_to_do']} %" if sync["bytes_to_do"] else ""
    board.report("sync", f"{sync['state']} {share} {sync['problem']}".strip())
    board.report("on air", f"{now['showing']}: {now['title']}" if now["title"] else now["showing"])
    if (following := now["next"])["title"]:
        board.report("next", f"{following['title']}{' (ready)' if following['readiness'] == 'ready' else ''}")
    board.report("plays", f"{status['outbox_depth']} waiting to be acknowledged")


async def _answering(session: aiohttp.ClientSession, url: str) -> None:
    """Wait until `url` answers that it is well."""
    until = time.monotonic() + UP_WITHIN_S
    while time.monotonic() < until:
        with contextlib.suppress(aiohttp.ClientError):
            async with session.get(f"{url}/healthz") as answer:
                if answer.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{url} does not answer after {UP_WITHIN_S:.0f} s; see {VAR / 'log'}")


async def _first(*races: Awaitable[Any]) -> Any:
    """Wait for the first to end; return its result, or raise what it raised."""
    tasks = [asyncio.ensure_future(race) for race in races]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return done.pop().result()
    finally:
        tasks[0].cancel()


def _kept(path: Path) -> str:
    """Return a random secret that lives in `path`, readable by its owner alone."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(24))
    return path.read_text()


async def _key(folder: Path, environment: dict[str, str]) -> str:
    """Return a full key to the origin: the one of an earlier run, or a new one."""
    path = folder / "console-key"
    if not path.exists():
        command = (str(BIN / "signage-origin"), "keys", "add", "demo", "--access", "write", "--json")
        made = await asyncio.to_thread(
            subprocess.run, command, env={**environment, "PATH": str(BIN)}, check=True, capture_output=True, text=True
        )
        path.touch(mode=0o600)
        path.write_text(json.loads(made.stdout)["token"])
    return path.read_text()


if __name__ == "__main__":
    sys.exit(main())
