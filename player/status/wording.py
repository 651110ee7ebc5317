"""Pure: media, overlays and sound in the words of the people who planned them, for whoever looks at this player."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from player.evidence.quarantine import Setback
from player.programme.loudness import screen_volume
from player.protocol.status import InFront, Sound
from player.settings.model import Settings
from sync.wire.overlay import Overlay, Ticker
from sync.wire.release import Creative, Item, Release

_HASH_SHOWN = 12  # letters
_NAMED = 3  # things left out, one by one


def title(release: Release | None, asset: str) -> str:
    """Return what people call an asset or stream, its hash if nothing of the release shows it."""
    shown = _shown(release) if release else iter(())
    return next((one.title for one in shown if one.asset == asset), asset[:_HASH_SHOWN])


def _shown(release: Release) -> Iterator[Item | Creative]:
    for playlist in release.playlists:
        yield from playlist.items
    for campaign in release.campaigns:
        for line in campaign.lines:
            yield from line.creatives


def quarantined_text(release: Release | None, setbacks: Iterable[Setback]) -> tuple[str, ...]:
    """Return media in quarantine by title, each with the decoder's words and its hash."""
    return tuple(f"{title(release, one.asset)} ({one.reason}; {one.asset[:_HASH_SHOWN]})" for one in setbacks)


def unknown_content_text(release: Release | None) -> str:
    """Say what of a release made for a newer player is not shown here; empty if nothing."""
    unknown = release.left_out if release else ()
    return ", ".join(map(str, unknown[:_NAMED])) + (
        f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
    )


def overlay_status(overlays: Sequence[Overlay], shown: Sequence[str]) -> tuple[InFront, ...]:
    """Return the overlays that are due, and whether they stand on the display."""
    return tuple(
        InFront(
            id=one.id,
            kind=one.kind,
            text=one.text if isinstance(one, Ticker) else "",
            place=one.edge if isinstance(one, Ticker) else one.corner,
            shown=one.id in shown,
        )
        for one in overlays
    )


def sound_status(settings: Settings, zone: ZoneInfo, at: datetime, *, timed: bool) -> Sound:
    """Return how loud the screen is, and why it is not as loud as it is set."""
    loud = screen_volume(settings, zone, at, timed=timed)
    if settings.audio.muted:
        return Sound(volume=loud.volume, why="muted")
    quiet = loud.volume < settings.playback.volume
    return Sound(volume=loud.volume, why="quiet hours" if quiet else "", until=loud.until if quiet else None)


def heard_elsewhere(device: str, on: str | None) -> tuple[str, ...]:
    """Say that sound comes `on` another output than `device`, the one that is set."""
    if not device or not on or on == device:
        return ()
    there = "`signage-player doctor` names the outputs there are"
    return (f"Sound comes from {on}, for audio.device is {device!r}, which is not there: plug it in; {there}.",)
