"""The signing keys and the chain of roots: made once, readable by nobody else, followed by devices step by step."""

import os
import stat
from pathlib import Path

import pytest

from sync.errors import StorageBroken, Untrusted
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.publishing.keyring import RENEW_BEFORE, ROOT_VALID, Keyring
from sync.trust.signing import next_root, open_envelope, pin_root, sign_envelope, verify_envelope
from sync.wire.release import ROOT_CAP_BYTES, TIMESTAMP_DOMAIN
from tests.fakes import FakeClock


def _open(folder: Path, clock: FakeClock) -> Keyring:
    files = DataFolder(folder)
    files.prepare()
    keyring = Keyring(folder, files, clock)
    keyring.prepare()
    return keyring


def _root_file(folder: Path, version: int) -> bytes:
    return (folder / f"content/roots/{version}.json").read_bytes()


def test_the_first_start_makes_keys_only_we_can_read(tmp_path: Path, clock: FakeClock) -> None:
    keyring = _open(tmp_path, clock)
    for name in ("root.key", "timestamp.key"):
        assert stat.S_IMODE((tmp_path / "keys" / name).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert pin_root(open_envelope(_root_file(tmp_path, 1), ROOT_CAP_BYTES)) == keyring.root()
    assert keyring.root().timestamp.keys == (keyring.timestamp_key.id,)
    assert keyring.root().root.keys != keyring.root().timestamp.keys


def test_later_starts_change_nothing(tmp_path: Path, clock: FakeClock) -> None:
    first = _open(tmp_path, clock)
    raw = _root_file(tmp_path, 1)
    again = _open(tmp_path, clock)
    assert (again.root_envelope(), again.timestamp_key.id) == (first.root_envelope(), first.timestamp_key.id)
    assert _root_file(tmp_path, 1) == raw
    assert not (tmp_path / "content/roots/2.json").exists()


def test_a_renewed_timestamp_key_is_named_by_the_next_root(tmp_path: Path, clock: FakeClock) -> None:
    running = _open(tmp_path, clock)
    first = running.root()
    (tmp_path / "keys/timestamp.key").unlink()
    second = _open(tmp_path, clock)
    followed = next_root(first, second.root_envelope())
    assert followed.version == 2
    sealed = open_envelope(sign_envelope(TIMESTAMP_DOMAIN, b"{}", second.timestamp_key), ROOT_CAP_BYTES)
    assert verify_envelope(TIMESTAMP_DOMAIN, sealed, followed.keys, followed.timestamp) == b"{}"
    with pytest.raises(Untrusted):
        verify_envelope(TIMESTAMP_DOMAIN, sealed, first.keys, first.timestamp)
    assert running.timestamp_key.id == second.timestamp_key.id, "an origin that runs follows"


async def test_a_root_is_renewed_a_year_before_its_end(tmp_path: Path, clock: FakeClock) -> None:
    first = _open(tmp_path, clock).root()
    await clock.advance((first.expires_at - RENEW_BEFORE - clock.now()).total_seconds())
    second = _open(tmp_path, clock)
    assert next_root(first, second.root_envelope()).expires_at == clock.now() + ROOT_VALID


def test_the_root_key_may_lie_in_a_safe_until_it_is_needed(tmp_path: Path, clock: FakeClock) -> None:
    _open(tmp_path, clock)
    away = (tmp_path / "keys/root.key").rename(tmp_path / "safe")
    assert _open(tmp_path, clock).root().version == 1
    (tmp_path / "keys/timestamp.key").unlink()
    lost = _open(tmp_path, clock)  # plays and heartbeats are still taken
    assert not lost.has_online_key()
    with pytest.raises(StorageBroken, match="trust rotate online"):
        assert lost.timestamp_key
    away.rename(tmp_path / "keys/root.key")
    assert _open(tmp_path, clock).root().version == 2


def test_a_damaged_key_stops_the_start_instead_of_being_replaced(tmp_path: Path, clock: FakeClock) -> None:
    _open(tmp_path, clock)
    (tmp_path / "keys/root.key").write_bytes(b"short")
    with pytest.raises(StorageBroken, match="restore it"):
        _open(tmp_path, clock)
    assert (tmp_path / "keys/root.key").read_bytes() == b"short"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_a_key_that_root_makes_belongs_to_the_service(tmp_path: Path, clock: FakeClock) -> None:
    _open(tmp_path, clock)
    os.chown(tmp_path / "keys", 4711, 4712)
    (tmp_path / "keys/timestamp.key").unlink()
    _open(tmp_path, clock)
    found = (tmp_path / "keys/timestamp.key").stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (4711, 4712, 0o600)
