"""A media as the stores of this room read it, and the states that it goes through."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import FromClause, RowMapping, ScalarSelect, Select, func, select, tuple_

from sync.origin.planning.file_names import natural_key
from sync.origin.store.row_checks import ASSET_COLUMNS, asset_in, join_media_facts
from sync.origin.store.spaces.visible_rows import seen, shown_space
from sync.origin.tables.media import media, media_tags, streams
from sync.runtime.state_table import StateTable
from sync.wire.release import Asset


class MediaState(StrEnum):
    """Where a media is on its way from upload to screen; it can be deleted in any state."""

    QUEUED = "queued"  # it waits for a worker, perhaps until `next_try_ms`
    PROCESSING = "processing"  # a worker makes its asset; an attempt counts when it begins
    READY = "ready"  # its asset can be shown, `problem` says what was mended; a stream is ready from the start
    FAILED = "failed"  # it has no asset; `problem` says why


MEDIA_STATES = StateTable(
    "media",
    MediaState.QUEUED,
    {
        MediaState.QUEUED: {
            MediaState.PROCESSING: "a worker claims it",
            MediaState.READY: "its worker ends after another origin queued it again",
        },
        MediaState.PROCESSING: {
            MediaState.READY: "its asset is stored",
            MediaState.FAILED: "the file cannot be shown, or the last attempt failed",
            MediaState.QUEUED: "the attempt failed or was interrupted, and more are left, or it turns out to be large",
        },
        MediaState.READY: {},
        MediaState.FAILED: {MediaState.QUEUED: "a person retries it"},
    },
)


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One media: `progress` in percent of the work, `attempts` begun so far, `asset` once it is ready.

    `same_as`: the first media of the same bytes that one may see, if that is another one. A stream has a `url` and
    never an asset. `large`: its work takes long, so it is done apart from that on small media.
    """

    id: str
    name: str
    state: MediaState
    progress: int
    attempts: int
    problem: str | None
    source_sha256: str
    source_bytes: int
    large: bool
    version: int
    created_ms: int
    updated_ms: int
    asset: Asset | None
    url: str | None
    same_as: str | None
    folder: str | None
    tags: tuple[str, ...]
    space: str | None


_BETWEEN_TAGS = ","  # which none has in it
_OTHER_FIELDS = ("state", "asset", "url", "same_as", "folder", "tags", "space")
_MEDIA_FIELDS = tuple(name for name in MediaRow.__dataclass_fields__ if name not in _OTHER_FIELDS)


def same_bytes(rows: FromClause) -> ScalarSelect[str]:
    """Select the first of the media with the same bytes, or the same address, that came before a row of `rows`."""
    first = media.alias("first")
    came = tuple_(first.c.created_ms, first.c.id)
    query = select(first.c.id).where(first.c.source_sha256 == rows.c.source_sha256, seen(first))
    query = query.where(came < tuple_(rows.c.created_ms, rows.c.id)).order_by(first.c.created_ms, first.c.id)
    return query.limit(1).correlate(rows).scalar_subquery()


def media_query() -> Select[Any]:
    """Select what `media_row` reads."""
    columns: list[Any] = [media.c[name] for name in (*_MEDIA_FIELDS, "state")]
    tags = select(func.aggregate_strings(media_tags.c.tag, _BETWEEN_TAGS)).where(media_tags.c.media_id == media.c.id)
    columns += [streams.c.url, same_bytes(media).label("same_as"), media.c.folder_id.label("folder"), *ASSET_COLUMNS]
    columns.append(media.c.space_id)
    columns.append(tags.correlate(media).scalar_subquery().label("tags"))
    return select(*columns).select_from(join_media_facts(media))


def media_row(row: RowMapping) -> MediaRow:
    """Return the media in a row of `media_query`."""
    values = {name: row[name] for name in (*_MEDIA_FIELDS, "url", "same_as", "folder")}
    tags = sorted(filter(None, (row["tags"] or "").split(_BETWEEN_TAGS)), key=natural_key)
    values |= {"state": MediaState(row["state"]), "space": shown_space(row["space_id"])}
    return MediaRow(asset=asset_in(row), tags=tuple(tags), **values)
