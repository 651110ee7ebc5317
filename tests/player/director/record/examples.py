"""A take without a venue around it, and how long a play was on."""

from dataclasses import replace

from player.programme.planned_shots import PlannedShot
from player.protocol.stage_interface import Shot
from sync.programme.ad_selection import select_ad
from sync.programme.items_and_breaks import Rotation
from sync.programme.next_take import Memory
from sync.programme.schedule import Programme
from sync.programme.take import Take
from sync.wire.device_reports import Play, PlayKind
from sync.wire.release import MediaKind
from tests.sync.programme.examples import ASSET, NOON, busy_day, eligible_of, fresh, item


def planned(name: str) -> PlannedShot:
    """A take of ten seconds, ready to be reserved."""
    return PlannedShot(
        take=Take(
            take=name, kind=PlayKind.ITEM, release=ASSET, asset=ASSET, title=name, zone="UTC", expected_ms=10_000
        ),
        content=item(name),
        programme=Programme(None, None, NOON, ""),
        memory=Memory(Rotation(), fresh()),
        ends_with_daypart=False,
        shot=Shot(take=name, path="/a", kind=MediaKind.VIDEO),
    )


ADS = eligible_of(busy_day())


def planned_ad(name: str, memory: Memory) -> PlannedShot:
    """The ad that is due by this memory, for ten seconds, ready to be reserved."""
    choice, state = select_ad(memory.ads, ADS)
    assert choice is not None
    shot = planned(name)
    ad = {"kind": PlayKind.AD, "line": choice.line.id, "choice": choice.id, "break_slot": 1}
    return replace(shot, take=shot.take.model_copy(update=ad), memory=Memory(memory.rotation, state))


def mono_ms(play: Play) -> int:
    """Return for how long a play was on, by the clock that nobody sets."""
    assert play.mono_start_ms is not None and play.mono_end_ms is not None
    return play.mono_end_ms - play.mono_start_ms
