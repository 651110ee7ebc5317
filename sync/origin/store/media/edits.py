"""What people change of media, one or many in one transaction: names, folders, tags."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.deadlocks import again_if_deadlocked
from sync.origin.persistence.lists import named
from sync.origin.planning.file_names import same_word, searched_text
from sync.origin.planning.media.edits import MOST_TAGS, MediaBatch, MediaChange, each_once
from sync.origin.store.audit.record import record
from sync.origin.store.row_checks import check_version, insert_all, raise_if_wrong
from sync.origin.store.spaces.visible_rows import changeable, seen
from sync.origin.tables.media import media, media_folders, media_tags
from sync.runtime.clock import Clock, unix_ms


@dataclass(frozen=True, slots=True)
class _Facts:
    """What people may change of one media."""

    name: str
    folder: str | None
    tags: tuple[str, ...]
    space: str

    def unlike(self, other: "_Facts") -> dict[str, Any]:
        """Return what differs from `other`, by name."""
        names = ("name", "folder", "tags")
        return {name: getattr(self, name) for name in names if getattr(self, name) != getattr(other, name)}


class MediaEditStore:
    """Stores the edits of people; each raises the version of the media that it changes."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @again_if_deadlocked
    async def change(self, media_id: str, change: MediaChange, *, version: int | None) -> None:
        """Change one media; `version`, if not None, must be the present one.

        Raises:
            NotFound: no media has this id.
            StaleVersion: somebody else changed it first.
            Rejected: there is no such folder in its space.
        """
        async with self._database.writing() as connection:
            space = await check_version(connection, media, "media", media_id, version)
            await _check_folder(connection, change.folder, {space})
            before = (await _facts(connection, [media_id]))[media_id]
            sent = {name: getattr(change, name) for name in change.model_fields_set}
            sent["tags"] = before.tags if change.tags is None else change.tags
            await self._store(connection, {media_id: before}, {media_id: replace(before, **sent)})

    @again_if_deadlocked
    async def change_many(self, batch: MediaBatch) -> None:
        """Move and tag many media, all or none.

        Raises:
            Rejected: a media or the folder is unknown, or they lie in different spaces, or a media would have too many
                tags; each is named.
        """
        wanted, removed = list(dict.fromkeys(batch.media)), {same_word(tag) for tag in batch.remove_tags}
        async with self._database.writing() as connection:
            before = await _facts(connection, wanted)
            await _check_folder(connection, batch.folder, {one.space for one in before.values()})
            places = [(f"media.{place}", media_id) for place, media_id in enumerate(batch.media)]
            raise_if_wrong((at, f"there is no media {media_id}") for at, media_id in places if media_id not in before)
            after = {media_id: _changed(before[media_id], batch, removed) for media_id in wanted}
            full = {media_id for media_id, one in after.items() if len(one.tags) > MOST_TAGS}
            raise_if_wrong((at, f"it would have more than {MOST_TAGS} tags") for at, one in places if one in full)
            await self._store(connection, before, after)

    async def _store(
        self, connection: AsyncConnection, before: Mapping[str, _Facts], after: Mapping[str, _Facts]
    ) -> None:
        """Store what differs, and record it; what stays as it was keeps its version."""
        for media_id in sorted(after):
            was, becomes = before[media_id], after[media_id]
            if was == becomes:
                continue
            values = {**named(becomes.name), "folder_id": becomes.folder, "updated_ms": unix_ms(self._clock.now())}
            own = update(media).where(media.c.id == media_id)
            await connection.execute(own.values(**values, version=media.c.version + 1))
            if was.tags != becomes.tags:
                await connection.execute(delete(media_tags).where(media_tags.c.media_id == media_id))
                await insert_all(connection, media_tags, [_tag_row(media_id, tag) for tag in becomes.tags])
            edit = AuditedChange(ThingKind.MEDIA, media_id, becomes.name, Action.CHANGED)
            record(connection, replace(edit, before=was.unlike(becomes), after=becomes.unlike(was)))


def _changed(facts: _Facts, batch: MediaBatch, removed: Collection[str]) -> _Facts:
    kept = tuple(tag for tag in facts.tags if same_word(tag) not in removed)
    folder = batch.folder if "folder" in batch.model_fields_set else facts.folder
    return replace(facts, folder=folder, tags=each_once((*kept, *batch.add_tags)))


def _tag_row(media_id: str, tag: str) -> dict[str, str]:
    return {"media_id": media_id, "tag": tag, "tag_key": same_word(tag), "searched": searched_text(tag)}


async def _check_folder(connection: AsyncConnection, folder: str | None, spaces: Collection[str]) -> None:
    """Refuse a folder that there is not, or of another space than one of these, in which media lie."""
    if folder is None:
        return
    query = select(media_folders.c.space_id).where(media_folders.c.id == folder, seen(media_folders))
    space = await connection.scalar(query)
    if space is None:
        raise_if_wrong([("folder", f"there is no folder {folder}")])
    if {space} != {space, *spaces}:
        raise_if_wrong([("folder", "it lies in another space than the media: choose a folder of their space")])


async def _facts(connection: AsyncConnection, ids: Sequence[str]) -> dict[str, _Facts]:
    """Return the facts of those media that are there and that one may change, and lock them."""
    own = select(media.c.id, media.c.name, media.c.folder_id, media.c.space_id).where(
        media.c.id.in_(ids), changeable(media)
    )
    own = own.order_by(media.c.id)
    rows = list(await connection.execute(own.with_for_update()))
    tags: dict[str, list[str]] = {}
    of_them = select(media_tags.c.media_id, media_tags.c.tag).where(media_tags.c.media_id.in_(ids))
    for media_id, tag in await connection.execute(of_them.order_by(media_tags.c.media_id, media_tags.c.tag_key)):
        tags.setdefault(media_id, []).append(tag)
    return {row.id: _Facts(row.name, row.folder_id, tuple(tags.get(row.id, ())), row.space_id) for row in rows}
