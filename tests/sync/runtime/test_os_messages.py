"""Reasons of the operating system, the network and SQLite, in plain words."""

import asyncio
import errno
import os
import socket
import sqlite3
import ssl
from pathlib import Path

import aiohttp
import pytest

from sync.errors import StorageBroken
from sync.runtime.os_messages import network_reason, os_reason
from sync.runtime.sqlite import database_reason, open_database


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (FileNotFoundError(errno.ENOENT, "x"), "there is no such file or folder"),
        (PermissionError(errno.EACCES, "x"), "this user is not allowed to; change the owner or the permissions"),
        (OSError(errno.ENOSPC, "x"), "the disk is full; delete something or use a larger disk"),
        (OSError(errno.EROFS, "x"), "the disk is read-only"),
        (OSError(errno.EADDRINUSE, "x"), "another program uses this port; stop it or choose another port"),
        (OSError(errno.ENOTTY, "x"), "the system refuses it (ENOTTY)"),
        (TimeoutError(), "there was no answer in time"),
        (OSError("x"), "the connection broke"),
        (socket.gaierror(-2, "x"), "the name of the host is not known; check the name and the DNS settings"),
        (
            ssl.SSLCertVerificationError(1, "x"),
            "the other side's certificate is not trusted; check its name, its dates and the clock of this machine",
        ),
        (
            ssl.SSLError(1, "x"),
            "no secure connection could be made; check that the other side speaks HTTPS at this port",
        ),
    ],
)
def test_an_error_of_the_system_has_a_plain_reason(error: OSError, reason: str) -> None:
    assert os_reason(error) == reason


def test_no_reason_is_the_text_of_the_system() -> None:
    for code in errno.errorcode:
        assert os.strerror(code) not in os_reason(OSError(code, os.strerror(code)))


async def test_an_http_client_reports_the_cause_and_not_its_own_words(unused_tcp_port: int) -> None:
    async def failure(url: str) -> Exception:
        async with aiohttp.ClientSession() as session:
            try:
                async with session.get(url):
                    raise AssertionError("it answered")
            except (aiohttp.ClientError, OSError) as error:
                return error

    refused = await failure(f"http://127.0.0.1:{unused_tcp_port}/")
    assert network_reason(refused).startswith("no program listens at this address")
    assert network_reason(await failure("foo")) == "this is not an address such as http://127.0.0.1:8080"
    unknown = await failure("http://nowhere.invalid/")
    assert network_reason(unknown) == os_reason(socket.gaierror())
    untrusted = ssl.SSLCertVerificationError(1, "x")  # an OSError and a ValueError
    assert network_reason(untrusted) == os_reason(untrusted)
    broken = aiohttp.ServerDisconnectedError()
    assert network_reason(broken) == "what it sends is not HTTP, or the connection broke"


async def test_a_database_says_in_plain_words_what_is_wrong_with_it(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is not a database, whatever its name says" * 100)
    with pytest.raises(StorageBroken, match=r"x\.db cannot be used: it is damaged, or it is not a database"):
        async with open_database(tmp_path / "x.db", ()):
            pass


async def test_a_locked_database_names_the_lock(tmp_path: Path) -> None:
    async with open_database(tmp_path / "x.db", ("CREATE TABLE t (x)",)) as database:
        other = sqlite3.connect(tmp_path / "x.db")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageBroken, match="another program has locked it"):
            async with asyncio.timeout(60), database.transaction():
                pass
        other.close()


def test_an_unknown_error_of_sqlite_keeps_its_name() -> None:
    assert database_reason("SQLITE_BUSY_SNAPSHOT") == "another program has locked it; stop that program"
    assert database_reason("SQLITE_CANTOPEN").startswith("it cannot be opened; check that its folder is there")
    assert database_reason("SQLITE_MISUSE") == "SQLite refuses it (SQLITE_MISUSE)"
