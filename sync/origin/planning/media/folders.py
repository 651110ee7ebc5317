"""Pure: the tree of folders. Each has a name of its own among those beside it; the tree is not deep."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sync.errors import Conflict, NotFound, Rejected
from sync.origin.planning.file_names import same_word

MOST_FOLDERS = 5_000
MOST_DEEP = 10
"""Folders inside each other."""


@dataclass(frozen=True, slots=True)
class TreeFolder:
    """A folder; without a parent it is at the top."""

    id: str
    name: str
    parent: str | None


Tree = Mapping[str, TreeFolder]
"""All folders by their ids."""


def path_of(tree: Tree, folder: str) -> tuple[str, ...]:
    """Return the names of the folders from the top down to this one."""
    return tuple(reversed([one.name for one in _upward(tree, folder)]))


def all_below(tree: Tree, folder: str) -> frozenset[str]:
    """Return this folder and all inside it."""
    return frozenset(id for id in tree if any(one.id == folder for one in _upward(tree, id)))


def placed(tree: Tree, folder: TreeFolder) -> Tree:
    """Return the tree with a folder that is new, or is called or lies otherwise than before.

    Raises:
        NotFound: there is no folder with the id of its parent.
        Rejected: it would lie in itself or too deep, or there are too many.
        Conflict: a folder beside it has its name.
    """
    if folder.parent is not None and folder.parent not in tree:
        raise NotFound(f"there is no folder {folder.parent}")
    if folder.id in tree and folder.parent is not None and folder.parent in all_below(tree, folder.id):
        raise _refused("a folder cannot lie in itself: choose another one")
    beside = (one for one in tree.values() if one.parent == folder.parent and one.id != folder.id)
    if any(same_word(one.name) == same_word(folder.name) for one in beside):
        raise Conflict(f"there is a folder {folder.name} in this place: give it another name", users=[folder.name])
    after = {**tree, folder.id: folder}
    if len(after) > MOST_FOLDERS:
        raise _refused(f"there are {MOST_FOLDERS} folders, which are all that can be: delete some first")
    if max(len(list(_upward(after, one))) for one in all_below(after, folder.id)) > MOST_DEEP:
        raise _refused(f"no more than {MOST_DEEP} folders can lie inside each other")
    return after


def _refused(why: str) -> Rejected:
    return Rejected(why, fields={"parent": why})


def _upward(tree: Tree, folder: str | None) -> Iterator[TreeFolder]:
    while folder is not None:
        yield tree[folder]
        folder = tree[folder].parent
