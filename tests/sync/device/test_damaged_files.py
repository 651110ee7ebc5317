"""Each file of a device by each damage: what still plays without the origin, and what is mended when it is there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.file_report import file_problems
from sync.device.store.membership import load_membership
from tests.sync.conftest import running
from tests.sync.device.damage import (
    ALL,
    Damage,
    Original,
    deleted,
    synced,
)
from tests.sync.device.test_syncer import whole
from tests.sync.file_tree_origin import Origin

ACTIVE, PREVIOUS = 1, 0


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Original:
    return asyncio.run(synced(tmp_path_factory.mktemp("original")))


@pytest.fixture
async def origin(original: Original) -> AsyncIterator[Origin]:
    origin = Origin(original.publisher)
    await origin.start()
    yield origin
    await origin.stop()


# file: which release plays without the origin, and whether all of its media are there
WITHOUT_ORIGIN = {
    "active": (ACTIVE, True),
    "root.json": (ACTIVE, True),
    "floor": (ACTIVE, True),
    "membership.json": (ACTIVE, True),
    "index.db": (ACTIVE, True),
    "ballast": (ACTIVE, True),
    "lock": (ACTIVE, True),
    "release": (PREVIOUS, True),
    "index": (ACTIVE, True),
    "asset": (ACTIVE, False),
}
CELLS = [(name, damage) for name in WITHOUT_ORIGIN for damage in ALL]


@pytest.mark.parametrize(("name", "damage"), CELLS, ids=lambda it: it if isinstance(it, str) else it.__name__)
async def test_a_stopped_device_with_a_damaged_file_plays_on_and_is_mended(
    original: Original, origin: Origin, tmp_path: Path, name: str, damage: Damage
) -> None:
    path = original.paths(original.copy_to(tmp_path / "device"))[name]
    if name == "ballast":
        path.write_bytes(bytes(5000))
    damage(path)
    with open_content_store(tmp_path / "device") as store:
        check_offline(store, original, name)
        async with running(origin, store) as device:
            await device.plays(original.releases[ACTIVE])
            await device.until(lambda: all(whole(store, sha256) for sha256 in original.assets))
        check_mended(store, original, unpaired=name == "membership.json" and damage is deleted)


def check_offline(store: ContentStore, original: Original, name: str) -> None:
    plays, _ = WITHOUT_ORIGIN[name]
    active = store.active()
    assert active is not None and active.sha256 == original.releases[plays]


def check_mended(store: ContentStore, original: Original, *, unpaired: bool = False) -> None:
    pointer, member, root = store.pointer(), load_membership(store), store.root()
    assert pointer is not None and pointer.release == original.releases[ACTIVE] and pointer.sequence == 2
    assert (member is None) is unpaired and (member is None or (member.device, member.token) == ("d1", "t"))
    assert root is not None and root.version == 1
    floor = store.floor("main")
    assert floor is not None and floor.sequence == 2
    assert file_problems(store) == ()
