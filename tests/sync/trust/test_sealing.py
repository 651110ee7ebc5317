"""Secrets are sealed for one person with one key, and a lost or wrong key is told."""

import asyncio
from pathlib import Path

import pytest

from sync.errors import StorageBroken
from sync.trust.sealing import is_sealed, open_seal


async def test_processes_that_start_at_once_make_one_key_that_only_its_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "keys/accounts.key"
    seals = await asyncio.gather(*(asyncio.to_thread(open_seal, path) for _ in range(4)))
    closed = seals[0].close("ABCD", "anna")
    assert [one.open(closed, "anna") for one in seals] == ["ABCD"] * 4
    assert (path.stat().st_mode & 0o777, len(path.read_bytes())) == (0o600, 32)
    assert is_sealed(closed) and "ABCD" not in closed and closed != seals[0].close("ABCD", "anna")


def test_what_was_sealed_for_another_or_with_another_key_does_not_open(tmp_path: Path) -> None:
    one, other = open_seal(tmp_path / "one.key"), open_seal(tmp_path / "other.key")
    closed = one.close("ABCD", "anna")
    for seal, text, of in (
        (one, closed, "bo"),
        (other, closed, "anna"),
        (one, closed[:-8], "anna"),
        (one, closed + "!", "anna"),
    ):
        with pytest.raises(StorageBroken, match="key"):
            seal.open(text, of)
    assert one.open("ABCD", "anna") == "ABCD"  # of an earlier version


def test_a_file_that_is_no_key_is_told(tmp_path: Path) -> None:
    path = tmp_path / "accounts.key"
    path.write_bytes(b"short")
    with pytest.raises(StorageBroken, match="not a key"):
        open_seal(path)
