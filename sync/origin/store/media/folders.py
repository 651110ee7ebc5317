"""The table of folders: each change sees the whole tree of a space, and one at a time changes it."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import Field
from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sync.errors import Conflict, NotFound, Rejected
from sync.origin.audit.changes import Action, AuditedChange, ThingKind
from sync.origin.persistence.database import OriginDatabase
from sync.origin.persistence.lists import MEDIA_FOLDERS, name_keys
from sync.origin.persistence.pages import Page, PageRequest, read_page
from sync.origin.planning.media.edits import FolderChange, FolderDraft
from sync.origin.planning.media.folders import Tree, TreeFolder, all_below, path_of, placed
from sync.origin.store.audit.record import record
from sync.origin.store.row_checks import check_version, new_id
from sync.origin.store.spaces.visible_rows import seen, shown_space, space_for_new
from sync.origin.tables.media import media, media_folders
from sync.runtime.clock import Clock, instant, unix_ms
from sync.wire.value_types import Identifier, Instant, Wire, is_none


class MediaFolder(Wire):
    """A folder: `path` has the names from the top down to it, `media` counts what lies in it, and not deeper.

    Only media of the same `space` are put into it.
    """

    id: str
    name: str
    parent: str | None
    path: tuple[str, ...]
    media: int
    version: int
    updated_at: Instant
    space: Identifier | None = Field(None, exclude_if=is_none)


class MediaFolderStore:
    """Stores folders."""

    def __init__(self, database: OriginDatabase, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def page(self, asked: PageRequest) -> Page[MediaFolder]:
        """Return a page of folders."""
        async with self._database.reading() as connection:
            found = await read_page(connection, MEDIA_FOLDERS, _query(), asked, seen(media_folders))
        return found.of(_folder)

    async def create(self, draft: FolderDraft, space: str | None = None) -> MediaFolder:
        """Add a folder, in the space of its parent; without one in this space, None: in the one where one may.

        Raises:
            NotFound: there is no folder with the id of its parent.
            Forbidden: one may not add any there.
            Rejected: it would lie too deep, or there are too many; its parent lies in another space.
            Conflict: a folder beside it has its name.
        """
        new = TreeFolder(new_id(), draft.name, draft.parent)
        async with self._database.writing() as connection:
            lies_in = await _space_for(connection, draft.parent, space)
            tree = placed(await _tree(connection, lies_in), new)
            values: dict[str, Any] = {"id": new.id, "parent_id": new.parent, "name": new.name, "path": [], "version": 1}
            values["space_id"] = lies_in
            await connection.execute(insert(media_folders).values(**values, updated_ms=self._now_ms()))
            await _write_paths(connection, tree, [new.id])
            made = await _get(connection, new.id)
            record(connection, AuditedChange(ThingKind.FOLDER, new.id, new.name, Action.CREATED, after=_facts(made)))
        return made

    async def change(self, folder_id: str, change: FolderChange, *, version: int | None) -> MediaFolder:
        """Rename or move a folder, with all inside it; `version`, if not None, must be the present one.

        Raises:
            NotFound: no folder has this id, or that of its new parent, which lies in the same space.
            Forbidden: one may not change it.
            StaleVersion: somebody else changed it first.
            Rejected: it would lie in itself or too deep.
            Conflict: a folder beside it has its name.
        """
        async with self._database.writing() as connection:
            space = await check_version(connection, media_folders, "folder", folder_id, version)
            tree, before = await _tree(connection, space), await _get(connection, folder_id)
            parent = change.parent if "parent" in change.model_fields_set else before.parent
            tree = placed(tree, TreeFolder(folder_id, change.name or before.name, parent))
            values = {"name": tree[folder_id].name, "parent_id": parent, "updated_ms": self._now_ms()}
            own = update(media_folders).where(media_folders.c.id == folder_id)
            await connection.execute(own.values(**values, version=media_folders.c.version + 1))
            await _write_paths(connection, tree, all_below(tree, folder_id))
            after = await _get(connection, folder_id)
            edit = AuditedChange(ThingKind.FOLDER, folder_id, after.name, Action.CHANGED)
            record(connection, replace(edit, before=_facts(before), after=_facts(after)))
        return after

    async def get(self, folder_id: str) -> MediaFolder:
        """Return a folder; raise NotFound if none that one may see has this id."""
        async with self._database.reading() as connection:
            return await _get(connection, folder_id)

    async def remove(self, folder_id: str, *, version: int | None) -> None:
        """Delete a folder in which nothing lies; `version`, if not None, must be the present one.

        Raises:
            NotFound: no folder has this id.
            Forbidden: one may not change it.
            StaleVersion: somebody else changed it first.
            Conflict: media or folders lie in it.
        """
        async with self._database.writing() as connection:
            space = await check_version(connection, media_folders, "folder", folder_id, version)
            tree, found = await _tree(connection, space), await _get(connection, folder_id)
            inside = [one.name for one in tree.values() if one.parent == folder_id]
            count = await connection.scalar(select(func.count()).where(media.c.folder_id == folder_id))
            if count or inside:
                what = f"{count} media" if count else "folders"
                raise Conflict(f"{what} lie in this folder: move or delete them first", users=inside)
            await connection.execute(delete(media_folders).where(media_folders.c.id == folder_id))
            change = AuditedChange(ThingKind.FOLDER, folder_id, found.name, Action.REMOVED, before=_facts(found))
            record(connection, change)

    def _now_ms(self) -> int:
        return unix_ms(self._clock.now())


def _folder(row: Row[tuple[object, ...]]) -> MediaFolder:
    values = {name: row._mapping[name] for name in ("id", "name", "path", "media", "version")}
    space = shown_space(row.space_id)
    return MediaFolder(parent=row.parent_id, updated_at=instant(row.updated_ms), space=space, **values)


def _facts(folder: MediaFolder) -> dict[str, object]:
    return folder.model_dump(mode="json", include={"name", "parent"})


async def _get(connection: AsyncConnection, folder_id: str) -> MediaFolder:
    query = _query().where(media_folders.c.id == folder_id, seen(media_folders))
    row = (await connection.execute(query)).first()
    if row is None:
        raise NotFound(f"there is no folder {folder_id}")
    return _folder(row)


def _query() -> Select[Any]:
    """Select folders, with how many media lie in each that one may see."""
    count = select(func.count()).where(media.c.folder_id == media_folders.c.id, seen(media)).scalar_subquery()
    return select(media_folders, count.label("media"))


async def _space_for(connection: AsyncConnection, parent: str | None, asked: str | None) -> str:
    if parent is None:
        return await space_for_new(connection, asked)
    space = await check_version(connection, media_folders, "folder", parent, None)
    if asked not in (None, space):
        wrong = "the folder in which it is to lie is in another space"
        raise Rejected(wrong, fields={"space": wrong})
    return space


async def _tree(connection: AsyncConnection, space: str) -> Tree:
    """Return all folders of a space, locked: two changes at once could put one folder into the other and back."""
    own = media_folders.c
    query = select(own.id, own.name, own.parent_id).where(own.space_id == space).order_by(own.id).with_for_update()
    return {row.id: TreeFolder(row.id, row.name, row.parent_id) for row in await connection.execute(query)}


async def _write_paths(connection: AsyncConnection, tree: Tree, folders: Iterable[str]) -> None:
    for folder in sorted(folders):
        path = path_of(tree, folder)
        keys = name_keys("/".join(path))
        await connection.execute(
            update(media_folders).where(media_folders.c.id == folder).values(path=list(path), **keys)
        )
