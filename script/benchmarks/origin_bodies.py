"""The bytes that simulated devices of `script/bench origin` send; a test holds them to what a player sends.

Plays, whose hashes take time, are made beforehand. The frames of a WebSocket are masked with zeros.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from sync.wire.device_reports import GENESIS, Heartbeat, OnAir, PlayKind, play_hash

CHANNEL = "main"
TITLE = "Iced mint tea"
NEXT_TITLE = "Breakfast until eleven"
_AGO = timedelta(hours=2)  # what is sent was on then: the load may last longer than the devices are up
_AGENT = aiohttp.http.SERVER_SOFTWARE  # aiohttp names itself alike as client and server
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


def name_of(number: int) -> str:
    """Return the id of a device."""
    return f"screen-{number:05}"


def token_of(number: int) -> str:
    """Return the token of a device."""
    return hashlib.sha256(name_of(number).encode()).hexdigest()[:43]


@dataclass(frozen=True)
class Shown:
    """What all devices show: the items of a release, one after the other."""

    release: str
    assets: tuple[str, ...]
    items: tuple[str, ...]
    playlist: str
    item_s: float
    began: float  # Unix time of the first item
    timestamp: str = ""  # the hash of the file that they accepted last

    @property
    def batch(self) -> int:
        """How many items are shown in a minute."""
        return max(1, round(60 / self.item_s))


def head(method: str, path: str, host: str, number: int | None, body: bytes | None = None) -> bytes:
    """Return the head of a request as aiohttp writes it for a player; without a number it is for content."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity"]
    if number is not None:
        lines.append(f"Authorization: Bearer {token_of(number)}")
    if body is not None:
        lines.append("Content-Type: application/json")
    lines += ["Accept: */*", f"User-Agent: {_AGENT}"]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode()


def upgrade(host: str, number: int) -> bytes:
    """Return the request for a WebSocket."""
    key = base64.b64encode(number.to_bytes(16)).decode()
    lines = [
        "GET /v1/live HTTP/1.1", f"Host: {host}", "Accept-Encoding: identity",
        f"Authorization: Bearer {token_of(number)}",
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}",
        "Accept: */*", f"User-Agent: {_AGENT}",
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode()


def frame(kind: int, payload: bytes) -> bytes:
    """Return a frame of a client."""
    size = len(payload)
    if size < 126:
        lead = bytes((0x80 | kind, 0x80 | size))
    elif size < 65_536:
        lead = bytes((0x80 | kind, 0xFE)) + size.to_bytes(2)
    else:
        lead = bytes((0x80 | kind, 0xFF)) + size.to_bytes(8)
    return lead + bytes(4) + payload


def heartbeat(number: int, shown: Shown, period_s: float) -> bytes:
    """Return a heartbeat of a device that has nothing to complain about."""
    now = datetime.now(UTC)
    health = {name: number % 1000 / 10 for name in ("cpu_percent", "disk_free_mib", "memory_mib", "temperature_c")}
    beat = Heartbeat(
        at=now, version="1.4.0", period_s=period_s, release=shown.release, sequence=1, zone="Europe/Berlin",
        on_air=OnAir(title=TITLE, kind=PlayKind.ITEM, asset=shown.assets[0], since=now), sync_age_s=12.5,
        next_title=NEXT_TITLE, health=health, reads=("bookings",), boot_id=f"{number:032x}",
        log_epoch=f"{number:032x}", log_sequence=0,
    )  # fmt: skip
    return beat.model_dump_json().encode()


def on_air(number: int, nth: int, shown: Shown) -> bytes:
    """Return the message that says what is shown from now on."""
    asset = shown.assets[(number + nth) % len(shown.assets)]
    showing = {"title": TITLE, "kind": "item", "asset": asset, "since": _told(datetime.now(UTC))}
    return _compact({"topic": "on_air", "on_air": showing, "next_title": NEXT_TITLE})


def play_after(
    previous: str, number: int, index: int, began: datetime, length_ms: int, what: dict[str, Any]
) -> dict[str, Any]:
    """Return the play of a device that follows the one with the hash `previous`; `what` is what it shows."""
    document = {
        "device": name_of(number), "log_epoch": f"{number:032x}", "sequence": index + 1,
        "take": f"{number:08x}{index:024x}", **what, "title": TITLE,
        "started_at": _told(began), "ended_at": _told(began + timedelta(milliseconds=length_ms)),
        "zone": "Europe/Berlin", "rendered_ms": length_ms, "expected_ms": length_ms, "outcome": "complete",
        "reason": "duration", "frames_lost": 0, "screen": "on", "clock": "synced", "relaxed": [],
        "output": "HDMI-1", "resolution": "1920x1080", "offset_min": 60, "boot_id": f"{number:032x}",
        "mono_start_ms": index * length_ms, "mono_end_ms": (index + 1) * length_ms, "clock_state": "synchronised",
        "clock_age_s": 30, "player": "1.4.0", "previous_hash": previous,
    }  # fmt: skip
    return {**document, "hash": play_hash(previous, document)}


class Batches:
    """The plays of one device, a minute of them at a time, each made once and kept until it is delivered."""

    def __init__(self, number: int, shown: Shown) -> None:
        self._number, self._shown = number, shown
        self._made: list[bytes] = []
        self._last = GENESIS
        self._gone = 0  # batches that were delivered

    def make(self, count: int) -> None:
        """Make so many batches beforehand."""
        while self._gone + len(self._made) < count:
            first = (self._gone + len(self._made)) * self._shown.batch
            documents = [self._play(index) for index in range(first, first + self._shown.batch)]
            self._made.append(b",".join(_compact(one) for one in documents))

    def take(self, first: int, until: int) -> bytes:
        """Return the JSON of a list with the plays of these batches."""
        self.make(until)
        return b"[" + b",".join(self._made[first - self._gone : until - self._gone]) + b"]"

    def forget(self, until: int) -> None:
        """Forget the batches before this one: they are delivered."""
        del self._made[: max(0, until - self._gone)]
        self._gone = max(self._gone, until)

    def _play(self, index: int) -> dict[str, Any]:
        shown, number = self._shown, self._number
        length_ms, place = round(shown.item_s * 1000), index % len(shown.assets)
        began = datetime.fromtimestamp(shown.began, UTC) - _AGO + timedelta(milliseconds=index * length_ms)
        what = {
            "kind": "item", "release": shown.release, "asset": shown.assets[place],
            "playlist": shown.playlist, "item": shown.items[place],
        }  # fmt: skip
        made = play_after(self._last, number, index, began, length_ms, what)
        self._last = made["hash"]
        return made


def exchange_body(beat: bytes, plays: bytes) -> bytes:
    """Return an exchange."""
    return b'{"heartbeat":' + beat + b',"plays":' + plays + b"}"


def exchange_message(number: int, exchange: bytes) -> bytes:
    """Return the message with an exchange over the live connection."""
    return b'{"topic":"exchange","number":%d,"exchange":%b}' % (number, exchange)


def _compact(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


def _told(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
