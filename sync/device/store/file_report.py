"""Which files of a device are damaged or cannot be used now, in sentences for status and doctor. Writes nothing.

What mends itself is no problem: at each start, and twice a minute, files are repaired from their copies.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sync.device.store.content_store import PAIR_AGAIN, ContentStore
from sync.device.store.device_key import key_file
from sync.device.store.membership import membership_file
from sync.runtime.file_with_copy import COPIES, Found

_OWN = "give it and all in it to the user of the player (chown -R)"
_MOST_NAMED = 2


def file_problems(store: ContentStore) -> tuple[str, ...]:
    """Return a sentence for each fault: which file, what follows from it, and what to do."""
    return (*_folder_problems(store), *_state_problems(store), *_media_problems(store))


def membership_unreadable(store: ContentStore) -> bool:
    """Tell whether this device is paired, but nobody can say as what."""
    found = membership_file(store).find()
    return found.value is None and bool(found.fault) and found.raw is None


def _folder_problems(store: ContentStore) -> Iterator[str]:
    for folder in (store.state.parent, *store.folders()):
        if os.path.lexists(folder) and not folder.is_dir():
            yield f"{folder} is not a folder: rename it and start the player."
        elif folder.is_dir() and not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield f"{folder} cannot be written by this user, so nothing new can be stored: {_OWN}, or check the disk."


def _state_problems(store: ContentStore) -> Iterator[str]:
    if (active := store.active_file.find()).fault:
        lost = "a stored release plays" if store.active() else "nothing is known to play until the origin answers"
        yield _sentence(active, lost)
    if (floor := store.floor_file.find()).fault:
        yield _sentence(floor, "only releases older than the one that plays are refused")
    member, root = membership_file(store).find(), store.root_file.find()
    if root.fault and root.value is not None:
        yield _sentence(root, "")
    elif root.value is None and (root.fault or member.value is not None):
        pinned = member.value is not None and member.value.root is not None
        again = "it is fetched again from the origin" if pinned else f"no new content is accepted: {PAIR_AGAIN}"
        yield f"{root.fault or f'{store.root_file.path} is missing'}: {again}."
    if member.fault:
        damaged = "pair this device again"
        unreadable = "the screen goes on, but its origin is not asked. To give the pairing up, delete the file"
        yield _sentence(member, damaged if member.raw is not None else unreadable)
    if (key := key_file(store).find()).fault:
        lost = "another one is made" if key.raw is not None else "it is not replaced until it can be read"
        yield _sentence(key, f"plays are not signed with this key, {lost}")


def _sentence(found: Found[Any], lost: str) -> str:
    if found.value is not None:
        return f"{found.fault}. Its copy is used; it is written again once the player can do so."
    return f"{found.fault}: {lost}."


def _media_problems(store: ContentStore) -> Iterator[str]:
    if refused := store.media.unreadable():
        names = ", ".join(map(str, sorted(map(store.media.file, refused))[:_MOST_NAMED]))
        more = f" and {len(refused) - _MOST_NAMED} more" if len(refused) > _MOST_NAMED else ""
        yield f"{names}{more} cannot be read by this user: they are fetched again from the origin, or {_OWN}."


def owner_problems(store: ContentStore) -> tuple[str, ...]:
    """Return the files that the owner of the state folder cannot read; for doctor, which another user may run."""
    try:
        owner = store.state.parent.stat()
    except OSError:
        return ()
    return tuple(
        f"{path} belongs to another user, and the one of {store.state.parent} cannot read it: change its owner."
        for path in (*_files(store.state), *_files(store.state / COPIES))
        if not _may_read(path.lstat(), owner)
    )


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError:
        return []


def _may_read(file: os.stat_result, owner: os.stat_result) -> bool:
    if owner.st_uid == 0:
        return True
    if file.st_uid == owner.st_uid:
        return bool(file.st_mode & 0o400)
    return bool(file.st_mode & (0o040 if file.st_gid == owner.st_gid else 0o004))
