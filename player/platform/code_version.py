"""Which version of our code is on the disk: two versions of daemon and deck never talk to each other."""

import hashlib
import os
from contextlib import suppress
from itertools import chain
from pathlib import Path

_TOP = Path(__file__).parents[2]
_NOT_OURS = {"origin", "page", "__pycache__"}  # folders that no process of the player imports from


def code_version() -> str:
    """Return a name for the player's code on the disk now, from names, sizes and times of its files.

    Their content is not read: a deck computes this at each start, perhaps from a slow card.
    """
    found = []
    for folder, folders, names in chain(os.walk(_TOP / "player"), os.walk(_TOP / "sync")):
        folders[:] = [name for name in folders if name not in _NOT_OURS]
        for name in names:
            with suppress(OSError):  # an update removes it just now
                facts = os.stat(f"{folder}/{name}")  # noqa: PTH116 - half the time of Path.stat
                found.append((folder.removeprefix(str(_TOP)), name, facts.st_size, facts.st_mtime_ns))
    return hashlib.sha256(repr(sorted(found)).encode()).hexdigest()


CODE = code_version()
"""The code that this process was started from."""
OTHER_CODE = "it is of other code than this player, which was updated meanwhile or lies twice on this device"
