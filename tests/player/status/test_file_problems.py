"""Each problem of a file of the device is told while the file is damaged, and ends when it is good again."""

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from player.status.collector import StatusCollector
from sync.device.store.content_store import ContentStore, open_content_store
from sync.device.store.membership import DeviceMembership, membership_file, repair_membership, save_membership
from sync.trust.signing import open_envelope
from sync.wire.release import ROOT_CAP_BYTES, Envelope
from tests.fakes import FakeClock
from tests.player.director.venue import activate, item, playlist, release
from tests.sync.file_tree_origin import Publisher

RELEASE = release(playlist("loop", item("red")))
MEMBER = DeviceMembership(device="d", token="t" * 40, channel="main", origin="http://a.example")


def root_of(folder: Path) -> Envelope:
    """Return the root of an origin whose tree is in a folder, always the same one."""
    kept = folder / "root"
    if not kept.exists():
        kept.write_bytes(Publisher(folder / "tree").root)
    return open_envelope(kept.read_bytes(), ROOT_CAP_BYTES)


Change = Callable[[ContentStore, set[Path]], object]
"""Something done to the files of a device; the set has the paths that its user is not allowed to."""


def spoil(*files: Path) -> None:
    for file in files:
        file.write_bytes(b"\0")


def folder_in_the_way(content: ContentStore, refused: set[Path]) -> None:
    content.media.folders()[0].rename(content.store / "away")
    content.media.folders()[0].touch()


def folders_in_place_of(*files: Path) -> None:
    for file in files:
        file.unlink()
        file.mkdir()


def lose_releases(content: ContentStore, _: set[Path]) -> None:
    for file in (content.store / "releases").iterdir():
        file.unlink()
    spoil(content.active_file.path, content.active_file.copy)


def lose_root_that_is_not_noted(content: ContentStore, _: set[Path]) -> None:
    """Write the membership as an older version did, and lose the root."""
    membership_file(content).save(MEMBER.model_dump_json().encode())
    spoil(content.root_file.path, content.root_file.copy)


FILES: dict[str, tuple[Change, Change]] = {  # what is told: what is done to the files, and what ends it
    "is not a folder": (folder_in_the_way, lambda content, _: content.make_folders()),
    "nothing new can be stored": (
        lambda content, refused: refused.add(content.state),
        lambda _, refused: refused.clear(),
    ),
    ": a stored release plays": (
        lambda content, _: spoil(content.active_file.path, content.active_file.copy),
        lambda content, _: content.repair(),
    ),
    "nothing is known to play": (
        lose_releases,
        lambda content, _: activate(content, RELEASE, 2),
    ),
    "only releases older than": (
        lambda content, _: spoil(content.floor_file.path, content.floor_file.copy),
        lambda content, _: content.clear_floors(),
    ),
    "fetched again from the origin.": (
        lambda content, _: spoil(content.root_file.path, content.root_file.copy),
        lambda content, _: content.save_root(root_of(content.state.parent).model_dump_json().encode()),
    ),
    "no new content is accepted": (
        lose_root_that_is_not_noted,
        lambda content, _: save_membership(content, root_of(content.state.parent), MEMBER),
    ),
    "but its origin is not asked": (
        lambda content, _: folders_in_place_of(membership_file(content).path, membership_file(content).copy),
        lambda content, _: save_membership(content, root_of(content.state.parent), MEMBER),
    ),
    "Its copy is used": (lambda content, _: spoil(content.root_file.path), lambda content, _: content.repair()),
    "pair this device again": (
        lambda content, _: spoil(membership_file(content).path, membership_file(content).copy),
        lambda content, _: save_membership(content, root_of(content.state.parent), MEMBER),
    ),
    "membership.json is damaged. Its copy is used": (
        lambda content, _: spoil(membership_file(content).path),
        lambda content, _: repair_membership(content),
    ),
    "cannot be read by this user": (
        lambda content, refused: refused.update(content.media.file(name) for name in content.media.names()),
        lambda _, refused: refused.clear(),
    ),
}


@pytest.mark.parametrize("words", FILES)
async def test_a_problem_of_a_file_ends_when_the_file_is_good_again(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: set[Path] = set()
    monkeypatch.setattr(os, "access", lambda path, _: Path(path) not in refused)
    clock, (harm, mend) = FakeClock(), FILES[words]
    with open_content_store(tmp_path) as content:
        save_membership(content, root_of(tmp_path), MEMBER)
        activate(content, RELEASE, 1)
        content.media.file("0" * 64).write_bytes(b"media")
        sources: Any = SimpleNamespace(content=content)
        collector = StatusCollector(sources, clock)
        for change, told in ((lambda *_: None, False), (harm, True), (mend, False)):
            change(content, refused)
            await clock.advance(60)
            await collector._look_at_files()
            assert (words in "\n".join(collector._files[1])) is told
        assert collector._files[1] == ()
