"""Pure: describes media, overlays and sound with the titles and names that people gave them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from math import isinf
from zoneinfo import ZoneInfo

from player.evidence.quarantine import AssetFailure
from player.programme.loudness import screen_volume
from player.protocol.problems import ProblemCode, ToldProblem
from player.protocol.status import KeyStatus, OverlayStatus, SoundStatus, TrafficStatus
from player.settings.model import Settings
from sync.device.proof.key_certification import KeyState
from sync.device.traffic.budget import BudgetState
from sync.device.transfer.deadlines_and_rates import RateLimits
from sync.formatting import local_text, megabytes
from sync.wire.device_reports import ComingRelease
from sync.wire.overlay import Overlay, Ticker
from sync.wire.release import Creative, Item, Release

_HASH_LETTERS = 12
_MOST_NAMED = 3


def title(release: Release | None, asset: str) -> str:
    """Return the title of an asset or stream; the start of its hash if the release does not show it."""
    listed = _items_and_creatives(release) if release else iter(())
    return next((each.title for each in listed if each.asset == asset), asset[:_HASH_LETTERS])


def _items_and_creatives(release: Release) -> Iterator[Item | Creative]:
    for playlist in release.playlists:
        yield from playlist.items
    for campaign in release.campaigns:
        for line in campaign.lines:
            yield from line.creatives


def failures_text(release: Release | None, failures: Iterable[AssetFailure]) -> tuple[str, ...]:
    """Return the media of the release that failed: title, reason of the decoder, start of the hash."""
    shown = _shown(release)
    return tuple(
        f"{title(release, each.asset)} ({each.reason}; {each.asset[:_HASH_LETTERS]})"
        for each in failures
        if each.asset in shown
    )


def titles(release: Release | None, assets: Iterable[str]) -> tuple[str, ...]:
    """Return the titles of those assets that the release shows."""
    shown = _shown(release)
    return tuple(sorted(title(release, asset) for asset in assets if asset in shown))


def _shown(release: Release | None) -> set[str]:
    return {each.asset for each in _items_and_creatives(release)} if release else set()


def unknown_content_text(release: Release | None) -> str:
    """Return the parts of a release that only a newer player can show; empty if there are none."""
    unknown = release.left_out if release else ()
    return ", ".join(map(str, unknown[:_MOST_NAMED])) + (
        f" and {len(unknown) - _MOST_NAMED} more" if len(unknown) > _MOST_NAMED else ""
    )


def overlay_status(overlays: Sequence[Overlay], shown: Sequence[str]) -> tuple[OverlayStatus, ...]:
    """Return the overlays that are due, and whether the display shows them."""
    return tuple(
        OverlayStatus(
            id=overlay.id,
            kind=overlay.kind,
            text=overlay.text if isinstance(overlay, Ticker) else "",
            place=overlay.edge if isinstance(overlay, Ticker) else overlay.corner,
            shown=overlay.id in shown,
        )
        for overlay in overlays
    )


def late_text(
    coming: ComingRelease | None,
    left_bytes: int,
    bytes_s: float | None,
    limits: RateLimits,
    earliest: datetime | None,
    zone: ZoneInfo,
    now: datetime,
) -> str:
    """Return the problem that a release is not here when it is needed; empty if nothing of it is late.

    `bytes_s` is the rate measured under the `limits` of now, and `earliest` when it can be here at best; None: not
    known, not in sight.
    """
    if coming is None or not coming.late:
        return ""
    first, name = coming.late[0], f"Release {coming.sequence}" if coming.sequence else "The release"
    when, others = local_text(first.at, zone), len(coming.late) - 1 + coming.more_late
    more = f" ({others} later {'start' if others == 1 else 'starts'} too)" if others else ""
    late = f"will not be ready by {when}" if first.at > now else f"was not ready by {when}"
    rate = f"{bytes_s / 1000:,.0f} kB/s come" if bytes_s else "the rate is not known"
    if not bytes_s and 0 in (limits.all_bytes_s, limits.line_bytes_s):
        rate = "none may come" + (f" until {local_text(limits.until, zone)}" if limits.until else "")
    if coming.ready_at is not None:
        then = f"so it is ready at {local_text(coming.ready_at, zone)}"
    elif earliest is not None and earliest > now:
        then = f"and by the limits it is not ready before {local_text(earliest, zone)}"
    else:
        then = "and nobody can say when it is ready"
    return (
        f"{name} {late} for {first.what}{more}: {megabytes(left_bytes)} are missing, {rate}, {then}. Allow more "
        "bandwidth, or plan it for later."
    )


def traffic_status(state: BudgetState) -> TrafficStatus:
    """Return what a month had, and what its budget has left."""
    month, budget = state.traffic.month, state.budget
    return TrafficStatus(
        month=month.name,
        since=month.since,
        sent_bytes=month.sent,
        received_bytes=month.received,
        stream_bytes=month.streams,
        complete=state.traffic.known,
        budget_bytes=budget.total_bytes if budget else None,
        reserve_bytes=budget.reserve_bytes if budget else 0,
        left_bytes=None if isinf(state.left_bytes) else int(state.left_bytes),
        spent=state.spent,
        goes_on_at=state.goes_on_at,
        let_through=state.traffic.let_through,
        earlier={one.name: one.total for one in state.traffic.months[:-1]},
    )


def traffic_figures(traffic: TrafficStatus) -> dict[str, float | int | str | bool | None]:
    """Return what the origin is told of the bytes of a month, in a heartbeat."""
    return {
        "month": traffic.month,
        "month_bytes": traffic.sent_bytes + traffic.received_bytes,
        "month_stream_bytes": traffic.stream_bytes,
        "month_budget_bytes": traffic.budget_bytes,
        "month_spent": traffic.spent,
        "month_let_through": traffic.let_through,
    }


def traffic_problems(
    traffic: TrafficStatus, release: Release | None, zone: ZoneInfo, *, waits: bool
) -> Iterator[ToldProblem]:
    """Yield whether the count of bytes is not complete, and what a spent budget holds back.

    `waits`: the media of a new release do.
    """
    if not traffic.complete and traffic.budget_bytes is not None:
        yield ToldProblem(
            ProblemCode.BUDGET_COUNT,
            f"The count of the bytes of {traffic.month} was damaged, so its budget counts as spent. To count from "
            "zero, delete state/traffic and state/copies/traffic while the player is stopped.",
        )
    shown = _items_and_creatives(release) if release else iter(())
    streams = any(isinstance(one, Item) and one.ends_with_budget for one in shown)
    if traffic.spent and (waits or streams):
        used, most = traffic.sent_bytes + traffic.received_bytes, traffic.budget_bytes or 0
        until = local_text(traffic.goes_on_at, zone) if traffic.goes_on_at else "the next month"
        held = [*(["media of the new release"] if waits else []), *(["streams that end with it"] if streams else [])]
        yield ToldProblem(
            ProblemCode.BUDGET,
            f"The budget of bytes of {traffic.month} is spent ({megabytes(used)} of {megabytes(most)}): "
            f"{' and '.join(held)} wait until {until}."
            + (" To fetch them now: signage-player let-through." if waits else ""),
        )


def key_status(state: KeyState) -> KeyStatus:
    """Return how the key stands with which plays are signed."""
    return KeyStatus(**asdict(state))


def sound_status(settings: Settings, zone: ZoneInfo, at: datetime, *, timed: bool) -> SoundStatus:
    """Return the volume of the screen, and why it is lower than the setting."""
    now = screen_volume(settings, zone, at, timed=timed)
    if settings.audio.muted:
        return SoundStatus(volume=now.volume, why="muted")
    quiet = now.volume < settings.playback.volume
    return SoundStatus(volume=now.volume, why="quiet hours" if quiet else "", until=now.until if quiet else None)


def other_audio_output(device: str, output: str | None) -> tuple[str, ...]:
    """Return the problem that sound comes from `output` and not from `device`, the one in the settings."""
    if not device or not output or output == device:
        return ()
    return (
        f"Sound comes from {output}, because the output in the setting audio.device ({device!r}) is not found: "
        "connect it, or set another one. `signage-player doctor` lists the outputs.",
    )
