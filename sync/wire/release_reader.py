"""Reads a release without the entries that this version does not know, and without what depends on them."""

from collections.abc import Iterator, Mapping

from sync.wire.lenient_lists import LeftOut
from sync.wire.release import Campaign, Creative, Item, Line, Playlist, Release


def read_release(raw: bytes) -> Release:
    """Return a release without unknown entries, which its `left_out` lists.

    Raises:
        ValidationError: the document itself is not valid.
    """
    unknown: list[LeftOut] = []
    release = Release.model_validate_json(raw, context=unknown)
    media = {one.name: one.unknown for one in unknown if one.list_name in ("assets", "streams")}
    others = [one for one in unknown if one.name not in media]
    return _without(release, media, (*others, *_dependents(release, media)))


def _without(release: Release, media: Mapping[str, str], left_out: tuple[LeftOut, ...]) -> Release:
    campaigns = (_campaign(campaign, media) for campaign in release.campaigns)
    overlays = (overlay for overlay in release.overlays if overlay.kind != "logo" or overlay.asset not in media)
    return release.model_copy(
        update={
            "playlists": tuple(_playlist(playlist, media) for playlist in release.playlists),
            "campaigns": tuple(campaigns),
            "overlays": tuple(overlays),
            "fallback": None if release.fallback in media else release.fallback,
            "left_out": left_out,
        }
    )


def _playlist(playlist: Playlist, media: Mapping[str, str]) -> Playlist:
    return playlist.model_copy(update={"items": tuple(item for item in playlist.items if item.asset not in media)})


def _campaign(campaign: Campaign, media: Mapping[str, str]) -> Campaign:
    lines = (_line(line, media) for line in campaign.lines)
    return campaign.model_copy(update={"lines": tuple(line for line in lines if line.creatives)})


def _line(line: Line, media: Mapping[str, str]) -> Line:
    return line.model_copy(update={"creatives": tuple(one for one in line.creatives if one.asset not in media)})


def _dependents(release: Release, media: Mapping[str, str]) -> Iterator[LeftOut]:
    """Yield the entries that are left out because their media is."""
    lines = (line for campaign in release.campaigns for line in campaign.lines)
    shown: dict[str, list[Item | Creative]] = {
        "items": [item for playlist in release.playlists for item in playlist.items],
        "creatives": [creative for line in lines for creative in line.creatives],
    }
    for among, entries in shown.items():
        yield from (LeftOut(among, one.title, media[one.asset]) for one in entries if one.asset in media)
    for overlay in release.overlays:
        if overlay.kind == "logo" and overlay.asset in media:
            yield LeftOut("overlays", overlay.id, media[overlay.asset])
    if release.fallback is not None and release.fallback in media:
        yield LeftOut("pictures", "the fallback", media[release.fallback])
