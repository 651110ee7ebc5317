"""The hash tree against the vectors of Certificate Transparency (RFC 6962) and against its definition."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.proof.merkle import EMPTY_ROOT, MerkleTree, leads_to_root, leaf_hash

LEAVES = tuple(map(bytes.fromhex, ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")))
LEAVES += (bytes.fromhex("606162636465666768696a6b6c6d6e6f"),)
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATHS = [
    (
        0,
        8,
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (
        5,
        8,
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
    (
        1,
        5,
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
]


@pytest.mark.parametrize("size", range(9))
def test_the_root_is_that_of_the_known_vectors(size: int) -> None:
    assert MerkleTree(LEAVES[:size]).root.hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "path"), [(index, size, path) for index, size, *path in PATHS])
def test_the_path_is_that_of_the_known_vectors(index: int, size: int, path: list[str]) -> None:
    found = MerkleTree(LEAVES[:size]).path(index)
    assert [each.hex() for each in found] == path
    assert leads_to_root(LEAVES[index], index, size, found, bytes.fromhex(ROOTS[size]))


def defined_root(leaves: list[bytes]) -> bytes:
    """Return the root as RFC 6962, section 2.1 defines it: by halves."""
    if len(leaves) < 2:
        return leaf_hash(leaves[0]) if leaves else EMPTY_ROOT
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + defined_root(leaves[:half]) + defined_root(leaves[half:])).digest()


@given(st.lists(st.binary(max_size=3), max_size=70))
def test_every_leaf_leads_to_the_defined_root(leaves: list[bytes]) -> None:
    tree = MerkleTree(leaves)
    assert tree.root == defined_root(leaves)
    for index, leaf in enumerate(leaves):
        assert leads_to_root(leaf, index, len(leaves), tree.path(index), tree.root)


@given(st.lists(st.binary(max_size=3), min_size=1, max_size=40, unique=True), st.data())
def test_nothing_else_leads_to_the_root(leaves: list[bytes], data: st.DataObject) -> None:
    tree, size = MerkleTree(leaves), len(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = list(tree.path(index))
    other = data.draw(st.integers(-2, 2 * size).filter(lambda place: place != index))
    wrong = [
        (leaves[index] + b"!", index, size, path),
        (leaves[index], other, size, path),
        (leaves[index], index, size, [*path, b"\0" * 32]),
        *((leaves[index], index, size, path[:cut]) for cut in range(len(path))),
        *((leaves[index], index, size, path[::-1]) for _ in path if path != path[::-1]),
    ]
    assert not [each for each in wrong if leads_to_root(*each, tree.root)]


@pytest.mark.parametrize("index", [-1, 3, 4])
def test_a_leaf_that_is_not_there_has_no_path(index: int) -> None:
    with pytest.raises(IndexError):
        MerkleTree(LEAVES[:3]).path(index)


def test_an_inner_node_is_not_taken_for_a_leaf() -> None:
    tree = MerkleTree(LEAVES[:4])
    inner = b"".join(leaf_hash(leaf) for leaf in LEAVES[:2])
    assert not leads_to_root(inner, 0, 2, tree.path(0)[1:], tree.root)
