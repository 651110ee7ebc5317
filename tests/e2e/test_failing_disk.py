"""The real player on a disk that fails, and among files that belong to somebody else: it plays on, and says what is."""

import errno
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sync.device.store.content_store import ContentStore
from sync.device.store.membership import DeviceMembership, save_membership
from sync.trust.signing import open_envelope
from sync.wire.release import ROOT_CAP_BYTES
from tests.e2e.alone import CONTENT, alone, on_air, plays, problems, state, three_cuts
from tests.e2e.site import BIN, Site, until
from tests.fuse_folder import FailingDisk, failing_disk
from tests.player.pixels import YELLOW, recording_screen
from tests.sync.file_tree_origin import Publisher
from tests.unprivileged import give_away, give_to_player, reachable_folder, unprivileged

pytestmark = pytest.mark.display

NOWHERE = "http://127.0.0.1:1"
STATE = "player/state"
EVER = {"errno": errno.EIO, "times": 10**9}

# Every second, not every ten, it looks whether the disk gives the membership again.
_IMPATIENT = """
from player.app import device_session
device_session._READ_AGAIN_S = 1.0
from player.app.cli import main
main()
"""


def pair(site: Site) -> None:
    """Make the player one that is paired with an origin that is away."""
    store = ContentStore(state(site))
    root = open_envelope(Publisher(site.folder / "tree").root, ROOT_CAP_BYTES)
    save_membership(store, root, DeviceMembership(device="d1", token="t" * 40, channel="main", origin=NOWHERE))
    site.extra["SIGNAGE_PLAYER__ORIGIN__URL"] = NOWHERE


def device_of(site: Site) -> str | None:
    status = site.ask("player", "/v1/status")
    assert status["pairing_code"] is None
    device: str | None = status["device"]
    return device


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[FailingDisk]:
    with failing_disk(tmp_path) as disk:
        yield disk


def test_a_disk_that_fails_once_changes_nothing_and_one_that_goes_on_failing_is_named(
    disk: FailingDisk, media: Path, display: str
) -> None:
    names = ("active", "root.json", "floor", "membership.json", "endpoint_token")
    once = {f"{STATE}/{name}": {"errno": errno.EIO, "times": 1} for name in names}
    with alone(disk.mount, media, display) as site:
        pair(site)
        site.programs["player"] = (sys.executable, "-c", _IMPATIENT)
        disk.set_faults(once)
        site.start("player")
        until(lambda: on_air(site), "it plays")
        until(lambda: device_of(site) == "d1", "it is paired")
        site.stop("player")

        lost = ("active", "membership.json", "copies/active", "copies/membership.json")
        disk.set_faults({f"{STATE}/{name}": EVER for name in lost})
        site.start("player")
        until(lambda: on_air(site), "what the stored release shows")
        with recording_screen(display) as sight:
            three_cuts(sight)
        assert not sight.unexpected(*CONTENT, YELLOW)
        told = problems(site)
        assert "membership.json cannot be used: the disk reports an error" in told and "not paired yet" not in told
        assert device_of(site) is None
        so_far = len(plays(site))
        disk.set_faults({})
        until(lambda: device_of(site) == "d1", "the membership counts again")
        until(lambda: "membership.json" not in problems(site), "and the problem is over")
        until(lambda: len(plays(site)) > so_far, "in the same log")
        assert {play["device"] for play in plays(site)} == {"d1"}


def test_files_of_somebody_else_are_named_and_the_screen_plays_what_is_left(media: Path, display: str) -> None:
    with reachable_folder() as folder, alone(folder, media, display) as site:
        pair(site)
        site.programs["player"] = tuple(unprivileged(str(BIN / "signage-player")))
        give_to_player(folder)
        site.start("player")
        until(lambda: len(plays(site)) >= 2, "it plays")
        site.stop("player")
        asset = hashlib.sha256((media / "green.png").read_bytes()).hexdigest()
        home = state(site)
        names = ("active", "root.json", "membership.json", "endpoint_token", "plays.db", "index.db", "lock", "ballast")
        foreign = [home / "state" / name for name in names] + [home / "store" / "assets" / asset]
        for path in foreign:
            give_away(path)
        readable = "import os, sys; sys.exit(any(os.access(path, os.R_OK) for path in sys.argv[1:]))"
        subprocess.run(unprivileged(sys.executable, "-c", readable, *map(str, foreign)), check=True)
        site.start("player")
        until(lambda: on_air(site), "it plays what it can read")
        with recording_screen(display) as sight:
            three_cuts(sight)
        told = problems(site)
        assert f"{home}/state/membership.json cannot be used: this user is not allowed to" in told
        assert f"{home}/store/assets/{asset} cannot be read by this user" in told
        assert "plays.db" in told and "set aside" in told and device_of(site) == "d1"
        assert not [name for name in ("active", "root.json", "index.db", "ballast") if f"/{name} " in told]
        doctor = subprocess.run(
            unprivileged(str(BIN / "signage-player"), "doctor"),
            env=site.environment(), capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "WARNING: " in doctor.stdout and "membership.json cannot be used" in doctor.stdout, doctor.stderr
