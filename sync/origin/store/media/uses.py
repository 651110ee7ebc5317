"""Where media are used: plans by their rows, releases by what they show and what devices say that they play."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import NotFound
from sync.origin.persistence.database import OriginDatabase
from sync.origin.planning.media.uses import (
    CampaignUse,
    ChannelUse,
    LineUse,
    MediaUses,
    PlaylistUse,
    ReleaseUse,
    UsedPart,
    media_uses,
)
from sync.origin.planning.release_contents import in_runs
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.store.spaces.visible_rows import changeable, of_seen_channel, seen
from sync.origin.tables.devices import devices
from sync.origin.tables.media import media
from sync.origin.tables.plans import (
    campaigns,
    channels,
    creatives,
    lines,
    overlays,
    playlist_items,
    playlists,
    shown_title,
)
from sync.origin.tables.releases import release_contents, releases


class MediaUseStore:
    """Reads where media are used."""

    def __init__(self, database: OriginDatabase) -> None:
        self._database = database

    async def of(self, media_id: str) -> MediaUses:
        """Return the uses of a media that one may see; raise NotFound if no media that one may see has this id."""
        await write_held(self._database)
        query = select(media.c.name, media.c.asset_sha256).where(media.c.id == media_id, seen(media))
        async with self._database.reading() as connection:
            row = (await connection.execute(query)).first()
            if row is None:
                raise NotFound(f"there is no media {media_id}")
            uses = await seen_uses(connection, await uses_in_plans(connection, media_id))
            return uses.model_copy(update={"releases": await _releases(connection, row.asset_sha256)})


async def uses_in_plans(connection: AsyncConnection, media_id: str) -> MediaUses:
    """Return the uses of a media in plans, inside the caller's transaction."""
    return media_uses(
        await _playlists(connection, media_id),
        await _campaigns(connection, media_id),
        await _channels(connection, media_id),
    )


async def seen_uses(connection: AsyncConnection, uses: MediaUses) -> MediaUses:
    """Return uses as those know them whose rights count."""
    return uses.as_seen({kind: await _those(connection, uses, kind, seen(_PLANS[kind])) for kind in _PLANS})


async def may_change_all(connection: AsyncConnection, uses: MediaUses) -> bool:
    """Return whether those whose rights count may change all plans with these uses."""
    counts = {"playlist": uses.playlists, "campaign": uses.campaigns, "channel": uses.channels}
    return all(
        [len(await _those(connection, uses, kind, changeable(_PLANS[kind]))) == len(counts[kind]) for kind in _PLANS]
    )


_PLANS: Mapping[str, Table] = {"playlist": playlists, "campaign": campaigns, "channel": channels}


async def _those(connection: AsyncConnection, uses: MediaUses, kind: str, these: ColumnElement[bool]) -> set[str]:
    """Return the ids of those plans of a kind with these uses for which a condition holds."""
    table = _PLANS[kind]
    ids = {"playlist": [one.id for one in uses.playlists], "campaign": [one.id for one in uses.campaigns]}
    ids["channel"] = [one.channel for one in uses.channels]
    return set(await connection.scalars(select(table.c.id).where(table.c.id.in_(ids[kind]), these)))


async def _playlists(connection: AsyncConnection, media_id: str) -> tuple[PlaylistUse, ...]:
    own, items = playlists.c, playlist_items.c
    other = playlist_items.alias("other").c
    count = select(func.count()).where(other.playlist_id == own.id, other.media_id != media_id).scalar_subquery()
    place = func.row_number().over(partition_by=other.playlist_id, order_by=other.position) - 1  # positions have gaps
    using = select(items.playlist_id).where(items.media_id == media_id)
    numbered = select(other.id, place.label("place")).where(other.playlist_id.in_(using)).subquery()
    part = (items.id, numbered.c.place, shown_title(playlist_items))
    query = select(own.id, own.name, own.version, count.label("left"), *part).select_from(playlist_items)
    query = query.join(playlists, own.id == items.playlist_id).join(media, media.c.id == items.media_id)
    query = query.join(numbered, numbered.c.id == items.id)
    query = query.where(items.media_id == media_id).order_by(own.name_order, own.id, items.position)
    return tuple(
        PlaylistUse(id=id, name=name, version=version, path=f"/v1/playlists/{id}", left=left, items=_parts(rows))
        for (id, name, version, left), rows in _grouped(await _rows(connection, query), 4)
    )


async def _campaigns(connection: AsyncConnection, media_id: str) -> tuple[CampaignUse, ...]:
    own, line, creative = campaigns.c, lines.c, creatives.c
    other = creatives.alias("other").c
    others = select(func.count()).where(other.line_id == line.id, other.media_id != media_id).scalar_subquery()
    query = select(own.id, own.name, own.version, line.id, line.name, others.label("left"), *_part(creatives))
    query = query.select_from(creatives).join(lines, line.id == creative.line_id)
    query = query.join(campaigns, own.id == line.campaign_id).join(media, media.c.id == creative.media_id)
    query = query.where(creative.media_id == media_id)
    found = await _rows(connection, query.order_by(own.name_order, own.id, line.position, creative.position))
    counts = await _line_counts(connection, {row[0] for row in found})
    return tuple(
        _campaign(head, [_line(line, parts) for line, parts in _grouped(rows, 3)], counts[head[0]])
        for head, rows in _grouped(found, 3)
    )


def _campaign(head: Sequence[Any], used: list[LineUse], count: int) -> CampaignUse:
    id, name, version = head
    left = count - sum(not line.left for line in used)
    return CampaignUse(id=id, name=name, version=version, path=f"/v1/campaigns/{id}", lines=tuple(used), left=left)


def _line(head: Sequence[Any], rows: list[Sequence[Any]]) -> LineUse:
    id, name, left = head
    return LineUse(id=id, name=name, left=left, creatives=_parts(rows))


async def _line_counts(connection: AsyncConnection, ids: Iterable[str]) -> Mapping[str, int]:
    of_each = select(lines.c.campaign_id, func.count()).where(lines.c.campaign_id.in_(sorted(ids)))
    return {id: count for id, count in await connection.execute(of_each.group_by(lines.c.campaign_id))}


async def _channels(connection: AsyncConnection, media_id: str) -> tuple[ChannelUse, ...]:
    logos: dict[str, list[str]] = {}
    query = select(overlays.c.channel_id, overlays.c.id).where(overlays.c.media_id == media_id)
    for channel, overlay in await connection.execute(query.order_by(overlays.c.channel_id, overlays.c.position)):
        logos.setdefault(channel, []).append(overlay)
    own = channels.c
    using = (own.fallback_media_id == media_id) | own.id.in_(sorted(logos))
    found = select(own.id, own.version, own.fallback_media_id).where(using).order_by(own.id)
    return tuple(
        ChannelUse(
            channel=channel,
            path=f"/v1/schedule/{channel}",
            version=version,
            fallback=fallback == media_id,
            overlays=tuple(logos.get(channel, ())),
        )
        for channel, version, fallback in await connection.execute(found)
    )


async def _releases(connection: AsyncConnection, asset: str | None) -> tuple[ReleaseUse, ...]:
    """Return the releases with an asset that devices play, by what these said last."""
    if asset is None:
        return ()
    own, played = release_contents.c, devices.c.heartbeat["release"].as_string()
    shown = await connection.execute(select(own.channel_id, own.sequences).where(own.asset == asset))
    runs: dict[str, list[Any]] = {}
    for channel, sequences in shown:
        runs.setdefault(channel, []).append(sequences)
    query = select(releases.c.channel_id, releases.c.sequence, releases.c.sha256, func.count())
    query = query.join(devices, played == releases.c.sha256)
    query = query.where(devices.c.removed_ms.is_(None), releases.c.channel_id.in_(sorted(runs)))
    query = query.where(seen(devices), of_seen_channel(releases.c.channel_id))
    query = query.group_by(releases.c.channel_id, releases.c.sequence, releases.c.sha256)
    rows = await connection.execute(query.order_by(releases.c.channel_id, releases.c.sequence))
    return tuple(
        ReleaseUse(channel=channel, sequence=sequence, sha256=sha256, devices=count)
        for channel, sequence, sha256, count in rows
        if any(in_runs(one, sequence) for one in runs[channel])
    )


def _part(parts: Table) -> tuple[ColumnElement[Any], ...]:
    return parts.c.id, parts.c.position, shown_title(parts)


def _parts(rows: list[Sequence[Any]]) -> tuple[UsedPart, ...]:
    return tuple(UsedPart(id=id, position=position, title=title) for id, position, title in rows)


async def _rows(connection: AsyncConnection, query: Select[Any]) -> list[Row[Any]]:
    return list(await connection.execute(query))


def _grouped(rows: Iterable[Sequence[Any]], head: int) -> list[tuple[Sequence[Any], list[Sequence[Any]]]]:
    """Return rows that follow each other and begin with the same `head` values: these once, and the rest of each."""
    same = groupby(rows, key=lambda row: tuple(row[:head]))
    return [(first, [row[head:] for row in group]) for first, group in same]
