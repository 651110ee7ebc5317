"""`signage-origin trust` beside an origin that runs, and a device that follows: nobody has to visit it."""

import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import cast

import pytest
from sqlalchemy import delete

from sync.device.store.content_store import ContentStore, open_content_store
from sync.errors import Conflict, Distrust, Rejected
from sync.origin.audit.actor import ActorKind
from sync.origin.audit.changes import ThingKind
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.persistence.pages import PageRequest
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.publishing import keyring as keyring_file
from sync.origin.publishing.keyring import ONLINE, ROOT, Keyring, read_key
from sync.origin.store.heartbeats.heartbeats import write_held
from sync.origin.tables.people import keys
from sync.runtime.clock import SystemClock
from sync.trust.root_changes import keys_of, make_root, propose, public_of
from sync.trust.signing import SigningKey, next_root, open_envelope, pin_root, sign_envelope
from sync.wire.content_paths import release_path, root_path, timestamp_path
from sync.wire.release import ROOT_CAP_BYTES, ROOT_DOMAIN, TIMESTAMP_DOMAIN, Envelope, Timestamp
from tests.fakes import FakeClock
from tests.origin.app.test_cli import run
from tests.origin.planning_origin import open_planning_origin
from tests.origin.publishing.test_publisher import plan
from tests.origin.running_origin import RunningOrigin, running_origin, settings_in
from tests.sync.conftest import Device, running
from tests.sync.file_tree_origin import Origin


class Venue:
    """An origin that runs, its command line, and a device that may run."""

    def __init__(self, folder: Path, store: ContentStore, server: RunningOrigin, output: pytest.CaptureFixture[str]):
        self.folder = folder
        self.content = folder / "content"
        self.keys = folder / "keys"
        self.store = store
        self.server = server
        self.output = output
        self.clock = FakeClock(SystemClock().now())

    async def trust(self, *arguments: str, code: int = 0) -> str:
        """Run `trust ARGUMENTS`; return what it prints, errors too."""
        own = () if arguments[0] in ("make", "sign") else ("--data-dir", str(self.folder))
        got, out, err = await run(self.output, "trust", *arguments, *own)
        assert got == code, f"{arguments}: {out}{err}"
        return out + err

    async def make_key(self, name: str) -> tuple[str, str]:
        """Make a root key elsewhere; return its file and its public part."""
        file = str(self.folder / name)
        return file, (await self.trust("make", file)).split()[0]

    async def publish(self, media: str) -> str:
        """Publish what shows one media; return the release."""
        target = self.server.origin.folder_target
        (playlist,) = (await target.playlists.page(PageRequest())).items
        draft = PlaylistDraft(name="Lobby", items=(PlaylistItem(media=media),))
        await target.playlists.replace(playlist.id, draft, version=playlist.version)
        return (await target.publisher.publish("main")).record.sha256

    @asynccontextmanager
    async def device(self) -> AsyncIterator[Device]:
        async with running(cast(Origin, self.server), self.store, clock=self.clock, pin=False) as device:
            yield device

    @asynccontextmanager
    async def restarted(self) -> AsyncIterator[None]:
        """Start the origin anew on its folder; the one before answers no more."""
        async with self.server.database.writing() as connection:
            await connection.execute(delete(keys))  # it makes them again
        async with running_origin(settings_in(self.folder), SystemClock()) as self.server:
            await self.server.origin.folder_target.publisher.timestamps.refresh()
            yield

    def pair_anew(self) -> None:
        """Do what a visit does: pin the root that the origin has now."""
        self.store.clear_floors()
        newest = max((self.content / "roots").iterdir(), key=lambda path: int(path.stem))
        self.store.save_root(newest.read_bytes())

    async def follows(self, device: Device, release: str, root: int) -> None:
        device.syncer.wake()

        def followed() -> bool:
            facts, pinned = device.syncer.facts(), self.store.root()
            there = (facts.release, pinned.version if pinned else 0) == (release, root)
            return there and facts.state == "current" and not facts.trust

        await device.until(followed, pass_s=60)  # it asks for the root each hour at least

    async def refuses(self, device: Device, rule: Distrust, plays: str) -> None:
        device.syncer.wake()
        await device.until(
            lambda: device.syncer.facts().trust == rule, pass_s=60
        )  # it asks for the root each hour at least
        assert (active := self.store.active()) is not None
        assert active.sha256 == plays

    def sign_as_thief(self, key: SigningKey, sequence: int, release: str) -> bytes:
        """Return what who stole `key` can serve; it lies in the tree from now on, as in a hostile mirror."""
        now = self.clock.now()
        timestamp = Timestamp(
            channel="main",
            sequence=sequence,
            release=release,
            release_bytes=(self.content / release_path(release)).stat().st_size,
            issued_at=now,
            expires_at=now.replace(year=now.year + 5),
        )
        raw = sign_envelope(TIMESTAMP_DOMAIN, timestamp.model_dump_json().encode(), key)
        (self.content / timestamp_path("main")).write_bytes(raw)
        return raw


@pytest.fixture
async def venue(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Venue]:
    folder, clock = tmp_path / "origin", SystemClock()
    async with open_planning_origin(folder, clock) as planning:
        for media in ("a", "b", "c"):
            await planning.make_media(media)
        await plan(planning, "a")
        await planning.publisher.publish("main")
    with open_content_store(tmp_path / "device") as store:
        store.save_root((folder / "content" / root_path(1)).read_bytes())
        async with running_origin(settings_in(folder), clock) as server:
            yield Venue(folder, store, server, capsys)


async def test_a_device_follows_every_change_of_keys_whether_it_runs_or_was_away(venue: Venue) -> None:
    (first, first_public), (_, second_public) = await venue.make_key("first.key"), await venue.make_key("second.key")
    second = str(venue.folder / "second.key")
    changes: tuple[tuple[str, ...], ...] = (
        ("rotate", "online"),
        ("rotate", "root"),
        ("add", first_public, "--key", first),
        ("add", second_public, "--threshold", "2", "--key", first, "--key", second),
        ("renew", "--key", second),
        ("rotate", "online", "--key", first),
        ("threshold", "1", "--key", first),
    )
    async with venue.device() as device:
        release = await venue.publish("b")
        await venue.follows(device, release, 1)
        for root, change in enumerate(changes, start=2):
            assert f"Root {root} is in force" in await venue.trust(*change, "--yes")
            if root < 5:
                await venue.follows(device, await venue.publish("c" if root % 2 else "b"), root)
    async with venue.device() as device:  # it was away for the others
        await venue.follows(device, await venue.publish("a"), len(changes) + 1)
    told = (await venue.server.origin.log.page(PageRequest(limit=200))).items
    trust = [one for one in told if one.change.kind is ThingKind.TRUST]
    assert [one.change.version_after for one in trust] == [*range(len(changes) + 1, 1, -1)]
    assert {one.actor.kind for one in trust} == {ActorKind.COMMAND_LINE}
    assert trust[0].change.after is not None and trust[0].change.after["threshold"] == 1


async def test_an_online_key_that_is_lost_is_replaced_by_the_root_key_elsewhere(venue: Venue) -> None:
    away = venue.folder / "safe.key"
    (venue.keys / "root.key").rename(away)
    (venue.keys / "timestamp.key").unlink()
    async with venue.device() as device:
        playing = await venue.publish("b")  # an origin that runs still has it in memory
        await venue.follows(device, playing, 1)
        assert "--export FILE" in await venue.trust("rotate", "online", "--yes", code=1)
        change = str(venue.folder / "change")
        assert "Nothing has changed" in await venue.trust("rotate", "online", "--yes", "--export", change)
        assert "still to sign" in await venue.trust("import", change, "--yes", code=1)
        assert "import it" in await venue.trust("sign", change, "--key", str(away), "--yes")
        await venue.trust("import", change, "--yes")
        await venue.trust("import", change, "--yes")  # again: it is in force
        await venue.follows(device, await venue.publish("c"), 2)
        assert not (venue.keys / "root.key").exists()


async def test_what_a_thief_of_the_online_key_signed_counts_no_more_after_a_rotation(venue: Venue) -> None:
    stolen = read_key(venue.keys / "timestamp.key")
    async with venue.device() as device:
        old, new = await venue.publish("b"), await venue.publish("c")
        await venue.follows(device, new, 1)
        forged = venue.sign_as_thief(stolen, 1_000_000_000, old)
        await venue.follows(device, old, 1)
        await venue.trust("rotate", "online", "--yes")
        await venue.follows(device, new, 2)  # its sequence is far lower than what the thief had signed
        (venue.content / timestamp_path("main")).write_bytes(forged)
        await venue.refuses(device, Distrust.UNKNOWN_KEY, plays=new)


async def test_a_stolen_root_key_has_no_say_once_another_one_is_in_force(venue: Venue) -> None:
    stolen, thief = read_key(venue.keys / "root.key"), SigningKey.generate()
    before = venue.server.origin.keyring.root()
    theirs = make_root(2, before.expires_at, public_of(stolen), 1, public_of(thief))
    async with venue.device() as device:
        playing = await venue.publish("b")
        await venue.follows(device, playing, 1)
        _, public = await venue.make_key("new.key")
        change = ("rotate", "root", "--with", public, "--yes", "--key", str(venue.folder / "new.key"))
        await venue.trust(*change)
        await venue.follows(device, playing, 2)
        assert "keys/root.key is no key of this root any more" in await venue.trust("show")
        following = theirs.model_copy(update={"version": 3})
        raw = sign_envelope(ROOT_DOMAIN, following.model_dump_json().encode(), stolen)
        (venue.content / root_path(3)).write_bytes(raw)
        await venue.refuses(device, Distrust.ROOT_CHAIN, plays=playing)
        (venue.content / root_path(3)).unlink()
        await venue.follows(device, await venue.publish("c"), 2)


async def test_a_device_that_a_thief_of_the_root_key_reached_first_plays_on_until_it_is_visited(venue: Venue) -> None:
    stolen, thief = read_key(venue.keys / "root.key"), SigningKey.generate()
    before = venue.server.origin.keyring.root()
    theirs = make_root(2, before.expires_at, public_of(stolen), 1, public_of(thief))
    forged = venue.folder / "forged"
    forged.write_bytes(sign_envelope(ROOT_DOMAIN, theirs.model_dump_json().encode(), stolen))
    playing = await venue.publish("b")
    async with venue.device() as device:
        await venue.follows(device, playing, 1)
    venue.store.save_root(forged.read_bytes())  # what it fetched through the thief's network
    await venue.trust("rotate", "root", "--yes")
    async with venue.device() as device:
        await venue.refuses(device, Distrust.UNKNOWN_KEY, plays=playing)
        await venue.trust("rotate", "online", "--yes")
        await venue.refuses(device, Distrust.ROOT_CHAIN, plays=playing)
    venue.pair_anew()
    async with venue.device() as device:
        await venue.follows(device, await venue.publish("c"), 3)


async def test_a_backup_from_before_a_change_of_keys_is_followed_once_its_root_is_newer(venue: Venue) -> None:
    backup = venue.folder / "backup"
    for name in ("keys", "content/roots"):
        shutil.copytree(venue.folder / name, backup / name)
    await venue.trust("rotate", "online", "--yes")
    playing = await venue.publish("b")
    async with venue.device() as device:
        await venue.follows(device, playing, 2)
    for name in ("keys", "content/roots"):
        shutil.rmtree(venue.folder / name)
        shutil.copytree(backup / name, venue.folder / name)
    async with venue.restarted(), venue.device() as device:
        await venue.refuses(device, Distrust.UNKNOWN_KEY, plays=playing)
        for _ in range(2):
            await venue.trust("rotate", "online", "--yes")
        await venue.follows(device, await venue.publish("c"), 3)


async def test_with_the_root_key_lost_screens_go_on_and_a_new_chain_needs_a_visit(venue: Venue) -> None:
    async with venue.device() as device:
        (venue.keys / "root.key").unlink()
        playing = await venue.publish("b")
        await venue.follows(device, playing, 1)  # the online key does all that is done daily
    for name in ("keys", "content/roots"):  # as docs/operations.md says, with the origin stopped
        (venue.folder / name).rename(venue.folder / f"{name.replace('/', '-')}.lost")
    async with venue.restarted():
        async with venue.device() as device:
            await venue.refuses(device, Distrust.UNKNOWN_KEY, plays=playing)
        venue.pair_anew()
        async with venue.device() as device:
            await venue.follows(device, playing, 1)


MISTAKES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("rotate", "online"), "run it again with --yes"),
    (("threshold", "2", "--yes"), "2 of 1 root keys cannot sign"),
    (("revoke", "ROOT", "--yes"), "last root key cannot be revoked"),
    (("revoke", "ONLINE", "--yes"), "last online key cannot be revoked"),
    (("revoke", "0123", "--yes"), "has no key 0123"),
    (("revoke", "", "--yes"), "has no key"),
    (("rotate", "root", "--with", "ONLINE PUBLIC", "--yes"), "cannot be the online key as well"),
    (("add", "ROOT PUBLIC", "--yes"), "has this root key already"),
    (("rotate", "root", "--with", "PUBLIC", "--yes"), "still to sign: 1 of the root keys of root 2"),
    (("add", "PUBLIC", "--yes"), "still to sign: 1 of the root keys of root 2"),
    (("add", "PUBLIC", "--threshold", "2", "--yes"), "still to sign: 1 of the root keys of root 2"),
    (("rotate", "online", "--with", "PUBLIC", "--yes"), "--with is for root keys"),
    (("rotate", "online", "--yes", "--key", "none.key"), "none.key"),
    (("rotate", "online", "--yes", "--export", "KEYS/root.key"), "exists already"),
    (("import", "KEYS/root.key", "--yes"), "not a proposed root"),
    (("import", "missing", "--yes"), "missing"),
    (("import", "/dev/zero", "--yes"), "a device, not a file"),
    (("renew", "--key", "/dev/zero", "--yes"), "a device, not a file"),
    (("rotate", "online", "--yes", "--export", "/nowhere/change"), "/nowhere"),
)


async def test_a_mistake_is_refused_and_changes_nothing(venue: Venue) -> None:
    root = venue.server.origin.keyring.root()
    public = {"ROOT": keys_of(root, root.root), "ONLINE": keys_of(root, root.timestamp)}
    words = {"PUBLIC": next(iter(public_of(SigningKey.generate()).values()))}
    words |= {name: next(iter(keys)) for name, keys in public.items()}
    words |= {f"{name} PUBLIC": next(iter(keys.values())) for name, keys in public.items()}
    before = everything(venue.folder)
    for arguments, answer in MISTAKES:
        given = [words.get(word, word.replace("KEYS", str(venue.keys))) for word in arguments]
        assert answer in await venue.trust(*given, code=1), arguments
        assert everything(venue.folder) == before, arguments


async def test_show_names_devices_that_refuse_what_they_are_sent(venue: Venue) -> None:
    _, token = await venue.server.pair("window")
    beat = {"at": "2026-11-29T12:00:00Z", "version": "1", "trust": "freeze"}
    assert (await venue.server.ask("POST", "/v1/heartbeats", token, beat)).status < 300
    await write_held(venue.server.database)  # the command is another process
    assert "device window refuses what it is sent: freeze" in await venue.trust("show")


async def test_a_change_that_waited_too_long_is_refused(venue: Venue) -> None:
    early, late = str(venue.folder / "early"), str(venue.folder / "late")
    await venue.trust("renew", "--yes", "--export", early)
    await venue.trust("rotate", "online", "--yes", "--export", late)
    await venue.trust("rotate", "online", "--yes")  # replaces the key that waited
    for file in (early, late):
        assert "root 2 does not follow root 2" in await venue.trust("import", file, "--yes", code=1)
    async with venue.device() as device:
        await venue.follows(device, await venue.publish("b"), 2)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for part in ("keys", "content") for path in (folder / part).rglob("*.*")}


def _die(*arguments: object, **named: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at(name: str, owner: object, when: str, call: int) -> None:
    """Have this process killed before or after a call of a function."""
    real, calls = getattr(owner, name), iter(range(1, 100))

    def wrapped(*arguments: object, **named: object) -> object:
        last = next(calls) == call
        if last and when == "before":
            _die()
        done = real(*arguments, **named)
        if last:
            _die()
        return done

    setattr(owner, name, wrapped)


@pytest.mark.parametrize("role", [ONLINE, ROOT])
@pytest.mark.parametrize(
    ("name", "owner", "when", "call", "version"),
    [
        ("_store_next", Keyring, "before", 1, 1),
        ("_store_next", Keyring, "after", 1, 1),
        ("put", DataFolder, "before", 1, 1),
        ("put", DataFolder, "after", 1, 2),
        ("write_durably", keyring_file, "before", 2, 2),
        ("write_durably", keyring_file, "after", 2, 2),
    ],
)
def test_killed_in_the_middle_of_a_rotation_old_or_new_keys_are_in_force_whole(
    tmp_path: Path, name: str, owner: object, when: str, call: int, version: int, role: str
) -> None:
    opened(tmp_path)
    first = pin_root(root_file(tmp_path, 1))
    if (child := os.fork()) == 0:
        keyring = opened(tmp_path)
        _die_at(name, owner, when, call)
        rotate(keyring, role)
        os._exit(0)
    assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    keyring = opened(tmp_path)
    assert keyring.root().version == version
    assert keyring.has_online_key()
    here = keyring.root_key()
    assert here is not None
    assert here.id in keyring.root().root.keys
    rotate(keyring, role)  # and again, to its end
    root = first
    for number in range(2, version + 2):
        root = next_root(root, root_file(tmp_path, number))
    assert root == opened(tmp_path).root()
    assert not list((tmp_path / "keys").glob("*-next*"))


@pytest.mark.parametrize("role", [ONLINE, ROOT])
def test_of_changes_at_once_each_is_made_whole_or_refused(tmp_path: Path, role: str) -> None:
    opened(tmp_path)
    children = []
    for _ in range(8):
        if (child := os.fork()) == 0:
            try:
                rotate(opened(tmp_path), role)
            except (Conflict, Rejected):  # the keys were changed after it began
                os._exit(1)
            os._exit(0)
        children.append(child)
    made = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children].count(0)
    keyring = opened(tmp_path)
    here = keyring.root_key()
    assert keyring.root().version == 1 + made > 1
    assert keyring.has_online_key()
    assert here is not None
    assert here.id in keyring.root().root.keys


def opened(folder: Path) -> Keyring:
    files = DataFolder(folder)
    files.prepare()
    keyring = Keyring(folder, files, FakeClock(SystemClock().now()))
    keyring.prepare()
    return keyring


def root_file(folder: Path, version: int) -> Envelope:
    return open_envelope((folder / "content" / root_path(version)).read_bytes(), ROOT_CAP_BYTES)


def rotate(keyring: Keyring, role: str) -> None:
    root, new, here = keyring.root(), SigningKey.generate(), keyring.root_key()
    assert here is not None
    root_keys, online = keys_of(root, root.root), keys_of(root, root.timestamp)
    changed = (public_of(new), online) if role == ROOT else (root_keys, public_of(new))
    following = make_root(root.version + 1, keyring.expiry(), changed[0], 1, changed[1])
    signers = [here, new] if role == ROOT else [here]
    keyring.publish(propose(keyring.root_envelope(), following, signers), {role: new})
