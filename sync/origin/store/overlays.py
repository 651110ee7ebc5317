"""The statements on what stands over a channel's programme: written and read as a part of its schedule."""

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.overlays import LogoDraft, OverlayDraft
from sync.origin.plans import MediaFact, ScheduleDraft
from sync.origin.store.checks import FACT_COLUMNS, Uses, check_free, media_fact, new_id, with_facts
from sync.origin.tables import channels, media, overlays

_DRAFT: TypeAdapter[OverlayDraft] = TypeAdapter(OverlayDraft)


def logos(draft: ScheduleDraft) -> Uses:
    """Return the media of the logos, each with the path of its field."""
    found = ((number, one) for number, one in enumerate(draft.overlays) if isinstance(one, LogoDraft))
    return [(f"overlays.{number}.media", one.media) for number, one in found]


async def check_overlays(connection: AsyncConnection, channel: str, draft: ScheduleDraft) -> None:
    """Refuse ids that are there twice or belong to another channel.

    Raises:
        Rejected: each field is named.
    """
    brought = [(f"overlays.{number}.id", one.id) for number, one in enumerate(draft.overlays) if one.id is not None]
    await check_free(connection, overlays, overlays.c.channel_id != channel, brought)


async def write_overlays(connection: AsyncConnection, channel: str, drafts: Iterable[OverlayDraft]) -> None:
    """Put these in the place of all the channel has."""
    await connection.execute(delete(overlays).where(overlays.c.channel_id == channel))
    rows: list[dict[str, Any]] = [
        {
            "id": draft.id or new_id(),
            "channel_id": channel,
            "position": number,
            "media_id": draft.media if isinstance(draft, LogoDraft) else None,
            "style": draft.model_dump(mode="json", exclude={"id", "media"}),
        }
        for number, draft in enumerate(drafts)
    ]
    if rows:
        await connection.execute(insert(overlays), rows)


async def load_overlays(connection: AsyncConnection, which: ColumnElement[bool]) -> dict[str, list[OverlayDraft]]:
    """Return the overlays of the channels that match, by channel, in their order."""
    found: dict[str, list[OverlayDraft]] = {}
    placed = select(overlays).join(channels, channels.c.id == overlays.c.channel_id).where(which)
    for row in (await connection.execute(placed.order_by(overlays.c.channel_id, overlays.c.position))).mappings():
        shown = {"media": row["media_id"]} if row["media_id"] is not None else {}
        found.setdefault(row["channel_id"], []).append(
            _DRAFT.validate_python({**row["style"], **shown, "id": row["id"]})
        )
    return found


async def logo_facts(connection: AsyncConnection, draft: ScheduleDraft) -> dict[str, MediaFact]:
    """Return what is known of the logos' media, by id."""
    ids = sorted({media_id for _, media_id in logos(draft)})
    query = select(*FACT_COLUMNS).select_from(with_facts(media)).where(media.c.id.in_(ids))
    return {row["media_id"]: media_fact(row) for row in (await connection.execute(query)).mappings()}
