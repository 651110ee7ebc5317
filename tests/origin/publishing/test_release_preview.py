"""What a preview says of the screens: what they fetch of edited media, when they are ready, and what comes too late."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from sync.origin.persistence.database import OriginDatabase
from sync.origin.publishing.release_preview import LateScreens, Rollout, ScreenReport, bytes_to_fetch, rollout
from sync.origin.store.devices import add_device
from sync.origin.store.heartbeats.heartbeats import HeartbeatStore
from sync.runtime.clock import unix_ms
from sync.wire.chunk_index import Chunk, Index, dump_index
from sync.wire.device_reports import ComingRelease, Heartbeat, RateStep
from sync.wire.release import Asset, Daypart, Item, MediaKind, Playlist, Release
from tests.fakes import FakeClock
from tests.origin.planning_origin import Client, PlanningOrigin, request_json
from tests.origin.publishing.test_publisher import plan

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LISTS: dict[str, bytes] = {}


def film(*letters: str, size: int = 1000) -> Asset:
    """A file of a chunk for each letter, all of one size; its list is in LISTS."""
    pieces = [Random(letter).randbytes(size) for letter in letters]
    hashes = [hashlib.sha256(piece).hexdigest() for piece in pieces]
    chunks = tuple(Chunk(n, n * size, size, sha256) for n, sha256 in enumerate(hashes))
    index = Index(hashlib.sha256(b"".join(pieces)).hexdigest(), size * len(pieces), chunks)
    raw = dump_index(index)
    name = hashlib.sha256(raw).hexdigest()
    LISTS[name] = raw
    return Asset(
        sha256=index.asset,
        size_bytes=index.size_bytes,
        index=name,
        kind=MediaKind.VIDEO,
        media_type="video/mp4",
        width=1,
        height=1,
    )


LOST = film("x", "y", "z")


@pytest.mark.parametrize(
    ("new", "held", "size"),
    [
        ([], [film(*"abc")], 0),
        ([film(*"abc")], [], 3000),
        ([film(*"abd")], [film(*"abc")], 1000),
        ([film(*"abd"), film(*"dab")], [film(*"abc")], 2000),  # each file fetches what no whole file has
        ([film("a")], [film(*"abc")], 0),  # a file of one chunk, in another one
        ([film(*"abc")], [film("b"), film("c")], 1000),  # and the other way round
        ([film(*"abc")], [LOST, film("a")], 2000),  # a list that cannot be read says nothing
        ([LOST], [film("x")], 3000),
    ],
)
def test_what_is_fetched_of_edited_media(new: list[Asset], held: list[Asset], size: int) -> None:
    def read(name: str) -> bytes:
        return b"" if name == LOST.index else LISTS[name]

    assert bytes_to_fetch(new, held, read) == size


def with_breakfast(letters: str = "a", zone: str | None = "Europe/Berlin") -> Release:
    items = tuple(Item(id=letter, title=letter, asset=film(letter).sha256) for letter in letters)
    return Release(
        channel="main",
        created_at=NOON,
        zone=zone,
        playlists=(Playlist(id="p", name="Breakfast", items=items),),
        dayparts=(Daypart(id="d", name="Morning", playlist="p", start="07:00", end="09:00"),),
    )


def in_hours(hours: float, name: str) -> tuple[datetime, str]:
    return NOON + hours * HOUR, name


def screen(
    name: str, *rates: tuple[float | None, float | None], missing: int | None = 0, zone: str = "UTC"
) -> ScreenReport:
    steps = [
        RateStep(bytes_s=bytes_s, until=None if hours is None else NOON + hours * HOUR) for bytes_s, hours in rates
    ]
    return ScreenReport(name, zone, steps, missing)


FAST, SLOW, NIGHT = screen("fast", (1000, None)), screen("slow", (1, None)), screen("night", (0, 10), (1000, None))
NOT_KNOWN = [screen("new", (None, None)), screen("old"), screen("off", (1000, None), missing=None)]
MORNING = datetime(2026, 3, 3, 7, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
BREAKFAST = "playlist Breakfast in daypart Morning"
ONE_LATE = LateScreens(MORNING, BREAKFAST, 1, "slow")


@pytest.mark.parametrize(
    ("screens", "before", "found"),
    [
        ([], None, Rollout(0, 0, (), ())),
        (NOT_KNOWN, None, Rollout(3, 3, (), ())),
        ([FAST, *NOT_KNOWN], None, Rollout(4, 3, (in_hours(0.1, "fast"),), ())),
        ([NIGHT, FAST], None, Rollout(2, 0, (in_hours(10.1, "night"), in_hours(0.1, "fast")), ())),
        ([screen("more", (1000, None), missing=720_000)], None, Rollout(1, 0, (in_hours(0.3, "more"),), ())),
        (
            [FAST, SLOW, screen("slower", (0.5, None))],
            None,
            Rollout(
                3,
                0,
                (in_hours(200, "slower"), in_hours(100, "slow"), in_hours(0.1, "fast")),
                (LateScreens(MORNING, BREAKFAST, 2, "slow"),),
            ),
        ),
        ([SLOW], with_breakfast(), Rollout(1, 0, (in_hours(100, "slow"),), ())),  # it is shown already
        ([SLOW], with_breakfast("b"), Rollout(1, 0, (in_hours(100, "slow"),), (ONE_LATE,))),
    ],
)  # fmt: skip
def test_when_screens_are_ready_and_what_is_late(
    screens: Sequence[ScreenReport], before: Release | None, found: Rollout
) -> None:
    assert rollout(with_breakfast(), before, 360_000, screens, NOON) == found


def test_without_a_zone_of_the_channel_each_screen_has_its_own() -> None:
    screens = [screen("tokyo", (1, None), zone="Asia/Tokyo"), screen("mars", (1, None), zone="Mars/Base")]
    found = rollout(with_breakfast(zone=None), None, 360_000, screens, NOON)
    assert found.late == (LateScreens(NOON + 10 * HOUR, BREAKFAST, 1, "tokyo"),)


async def test_the_preview_counts_on_what_screens_reported_last(
    planning: PlanningOrigin, client: Client, clock: FakeClock
) -> None:
    await planning.make_media("a", data=b"a" * 360_000)
    await plan(planning, "a")
    await _screens(planning.database, clock)
    preview = (await request_json(client, "GET", "/v1/releases/preview?channel=main"))[1]
    ready = clock.now() + HOUR / 10
    assert preview["new_bytes"] == 360_000
    assert preview["rollout"] == {
        "devices": 4,
        "unknown": 3,
        "slowest": [{"name": "known", "ready_at": ready.isoformat(timespec="milliseconds").replace("+00:00", "Z")}],
        "late": [],
    }
    await planning.publisher.publish("main")
    assert (await request_json(client, "GET", "/v1/releases/preview?channel=main"))[1]["rollout"] is None


async def _screens(database: OriginDatabase, clock: FakeClock) -> None:
    """Make one whose rate is known, one without a rate, one offline, one never seen; and one of another channel."""
    heartbeats = HeartbeatStore(database)
    rates = (RateStep(bytes_s=1000.0),)
    beats = {
        "known": Heartbeat(at=clock.now(), version="1", rates=rates),
        "older": Heartbeat(at=clock.now(), version="1"),
        "offline": Heartbeat(at=clock.now(), version="1", rates=rates, coming=ComingRelease(release="a" * 64)),
        "never": None,
        "elsewhere": Heartbeat(at=clock.now(), version="1", rates=rates),
    }
    for name, beat in beats.items():
        async with database.writing() as connection:
            channel = "other" if name == "elsewhere" else "main"
            await add_device(
                connection, id=name, name=name, channel_id=channel, token_hash=name, paired_ms=unix_ms(clock.now())
            )
        if beat is not None:
            heartbeats.hold(name, beat.model_dump(mode="json"), unix_ms(clock.now()))
    await heartbeats.write()
    await heartbeats.lose("offline", unix_ms(clock.now()), unix_ms(clock.now()))
