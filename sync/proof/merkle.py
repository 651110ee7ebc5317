"""The Merkle tree of RFC 6962 (section 2.1; the same in RFC 9162): its root, a path to a leaf, the check of a path.

The library for it, pymerkle, is under the GPL, see `docs/decisions/code-libraries-weighed.md`.
"""

import hashlib
from collections.abc import Iterable, Sequence
from itertools import zip_longest

EMPTY_ROOT = hashlib.sha256().digest()
"""The root of a tree without leaves."""


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf. Its prefix keeps a leaf from being taken for an inner node."""
    return hashlib.sha256(b"\0" + leaf).digest()


def _node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class MerkleTree:
    """The tree over some leaves, with all of its hashes: 64 bytes a leaf."""

    def __init__(self, leaves: Iterable[bytes]) -> None:
        self._levels = [[leaf_hash(leaf) for leaf in leaves]]
        while len(below := self._levels[-1]) > 1:
            pairs = zip_longest(below[::2], below[1::2])
            self._levels.append([left if right is None else _node_hash(left, right) for left, right in pairs])

    def __len__(self) -> int:
        return len(self._levels[0])

    @property
    def root(self) -> bytes:
        """Return the 32 bytes that stand for all leaves and their order."""
        return self._levels[-1][0] if len(self) else EMPTY_ROOT

    def path(self, index: int) -> tuple[bytes, ...]:
        """Return the hashes that lead from a leaf to the root, from below.

        Raises:
            IndexError: there is no such leaf.
        """
        if not 0 <= index < len(self):
            raise IndexError(index)
        siblings = [(level, (index >> height) ^ 1) for height, level in enumerate(self._levels)]
        return tuple(level[place] for level, place in siblings if place < len(level))


def leads_to_root(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the tree of `size` leaves with this root has this leaf at `index` (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    found, last = leaf_hash(leaf), size - 1
    for sibling in path:
        if not last:
            return False
        if index & 1 or index == last:
            found = _node_hash(sibling, found)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            found = _node_hash(found, sibling)
        index, last = index >> 1, last >> 1
    return not last and found == root
