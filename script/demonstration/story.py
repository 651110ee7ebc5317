"""Tells the origin the demo's story over its public HTTP interface: uploads, playlist, campaigns, release."""

import asyncio
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
from tusclient.client import TusClient

CHANNEL = "main"
_UPLOAD_CHUNK_BYTES = 256 * 1024
_LOOK_EVERY_S = 0.3

Report = Callable[[str, str], None]  # what, how it stands

ITEMS: tuple[dict[str, Any], ...] = (
    {"file": "01-good-morning.mp4", "title": "Good morning"},
    {"file": "02-slow-coffee.jpg", "title": "Slow coffee", "duration_ms": 4000, "background": "#16232f"},
    {"file": "03-iced-mint-tea.mp4", "title": "Iced mint tea"},
    {"file": "04-members.png", "title": "Members", "duration_ms": 4000, "background": "#ffffff"},
    {"file": "05-after-work.webm", "title": "After work"},
    {"file": "06-menu.webp", "title": "Menu", "duration_ms": 4000},
    {"file": "07-cardamom-bun.avi", "title": "Cardamom bun", "background": "#f4acb7"},
    {"file": "08-steam.gif", "title": "Steam", "duration_ms": 4000, "background": "#f3e3bd"},
)
ADS: tuple[dict[str, Any], ...] = (
    {"file": "ad-fizzo-bubbles.mp4", "title": "Fizzo bubbles"},
    {"file": "ad-fizzo-lime.jpg", "title": "Fizzo lime", "duration_ms": 3000},
    {"file": "ad-aqua-nord.png", "title": "Aqua Nord", "duration_ms": 3000},
)


class OriginRefusal(Exception):
    """The origin answered a step of the story with a problem."""


class Origin:
    """The origin's HTTP interface, with a person's key."""

    def __init__(self, session: aiohttp.ClientSession, url: str, token: str) -> None:
        self._session = session
        self.url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def call(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Send JSON, return JSON; a problem becomes `OriginRefusal` with its own words."""
        async with self._session.request(method, self.url + path, json=body, headers=self._headers | headers) as answer:
            document = await answer.json(content_type=None) if answer.content_length != 0 else None
            if answer.status >= 400:
                raise OriginRefusal(f"{method} {path}: {document}")
            return document

    async def fetch(self, path: str) -> bytes:
        """Return the bytes at `path`."""
        async with self._session.get(self.url + path, headers=self._headers) as answer:
            answer.raise_for_status()
            return await answer.read()

    async def plays(self, since: datetime) -> list[dict[str, Any]]:
        """Return the plays that started since then, as the origin has them."""
        query = urlencode({"from": since.isoformat(), "limit": 1000})
        booked: list[dict[str, Any]] = (await self.call("GET", f"/v1/plays?{query}"))["plays"]
        return booked

    def upload(self, file: Path, report: Report) -> None:
        """Send one file in chunks with a checksum each, by a stock tus client; blocks."""
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        client = TusClient(f"{self.url}/v1/uploads", headers=self._headers)
        uploader = client.uploader(
            str(file),
            chunk_size=_UPLOAD_CHUNK_BYTES,
            metadata={"filename": file.name, "sha256": digest},
            upload_checksum=True,
        )
        size = uploader.get_file_size()
        while uploader.offset < size:
            uploader.upload_chunk()
            report(file.name, f"uploaded {100 * uploader.offset // size} %")


async def tell(origin: Origin, folder: Path, report: Report) -> str:
    """Bring everything in, plan it and publish; return the release. What is there already is used again."""
    media = await _bring_in(origin, folder, report)
    playlist = await _playlist(origin, media)
    await _schedule(origin, playlist)
    await _campaigns(origin, media)
    published = await origin.call("POST", "/v1/releases", {"channel": CHANNEL})
    report("release", f"{published['sha256'][:12]} signed as number {published['sequence']}")
    return str(published["sha256"])


async def _bring_in(origin: Origin, folder: Path, report: Report) -> dict[str, str]:
    wanted = [str(entry["file"]) for entry in (*ITEMS, *ADS)]
    held = {str(one["name"]): one for one in await _media(origin)}
    for name in wanted:
        if name not in held:
            await asyncio.to_thread(origin.upload, folder / name, report)
    while True:
        by_name = {str(one["name"]): one for one in await _media(origin)}
        states = [by_name[name] for name in wanted if name in by_name]
        for one in states:
            report(str(one["name"]), "ready" if one["state"] == "ready" else f"{one['state']} {one['progress']} %")
        if failed := [one for one in states if one["state"] == "failed"]:
            raise OriginRefusal("; ".join(f"{one['name']}: {one['problem']}" for one in failed))
        if len(states) == len(wanted) and all(one["state"] == "ready" for one in states):
            return {name: str(by_name[name]["id"]) for name in wanted}
        await asyncio.sleep(_LOOK_EVERY_S)


async def _media(origin: Origin) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = (await origin.call("GET", "/v1/media"))["media"]
    return listed


def _shown(entry: dict[str, Any], media: dict[str, str]) -> dict[str, Any]:
    return {"media": media[entry["file"]], **{key: value for key, value in entry.items() if key != "file"}}


async def _playlist(origin: Origin, media: dict[str, str]) -> str:
    document = {"name": "Lumen Coffee", "items": [_shown(entry, media) for entry in ITEMS]}
    for held in (await origin.call("GET", "/v1/playlists"))["playlists"]:
        if held["name"] == document["name"]:
            return str(held["id"])
    return str((await origin.call("POST", "/v1/playlists", document))["id"])


async def _schedule(origin: Origin, playlist: str) -> None:
    held = {schedule["channel"] for schedule in (await origin.call("GET", "/v1/schedule"))["schedules"]}
    if CHANNEL in held:
        return
    every_day = {"weekdays": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}
    document = {
        "zone": "Europe/Berlin",
        "default_playlist": playlist,
        "break_rule": {"every_items": 2, "ads": 1},
        "dayparts": [{"name": "Open", "playlist": playlist, **every_day}],
    }
    await origin.call("PUT", f"/v1/schedule/{CHANNEL}", document)


async def _campaigns(origin: Origin, media: dict[str, str]) -> None:
    now = datetime.now(UTC)
    flight = {"starts_at": (now - timedelta(days=1)).isoformat(), "ends_at": (now + timedelta(days=365)).isoformat()}
    fizzo = {"name": "Fizzo, half of all ads", "category": "soft drinks", "share_ppm": 500_000}
    nord = {"name": "Aqua Nord, what is left", "category": "water", "weight": 1}
    booked = {
        "Fizzo summer": ("Fizzo", {**fizzo, "creatives": [_shown(entry, media) for entry in ADS[:2]]}),
        "Aqua Nord": ("Aqua Nord", {**nord, "creatives": [_shown(ADS[2], media)]}),
    }
    held = {campaign["name"] for campaign in (await origin.call("GET", "/v1/campaigns"))["campaigns"]}
    for name, (advertiser, line) in booked.items():
        if name not in held:
            campaign = {"name": name, "advertiser": advertiser, **flight, "lines": [line]}
            await origin.call("POST", "/v1/campaigns", campaign)
