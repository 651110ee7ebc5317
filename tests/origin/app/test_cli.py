"""The command `signage-origin` as people run it: real child processes, real signals, real exit codes."""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest
from aiohttp import ClientSession, WSMsgType

from sync.command_output import READER_GONE
from sync.origin.app.cli import main
from sync.origin.ingest import chunker
from sync.origin.settings import loader
from sync.runtime.clock import SystemClock
from sync.trust.signing import pairing_code
from sync.wire.release import Envelope

PATIENCE_S = 60.0
LIMIT_S = 6.0  # the promise is 3 s; a loaded machine is given twice that


def environment(**more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("SIGNAGE_", "NOTIFY_", "WATCHDOG_"))
    }
    return kept | {"SIGNAGE_ORIGIN__PIPELINE__PRIORITY": "normal"} | more


async def started(
    *arguments: str, out: int | IO[bytes] = PIPE, err: int | IO[bytes] = PIPE, variables: dict[str, str] | None = None
) -> Process:
    command = (sys.executable, "-m", "sync.origin.app.start", *arguments)
    return await asyncio.create_subprocess_exec(*command, stdout=out, stderr=err, env=environment(**(variables or {})))


async def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    """Run a command that ends by itself, in a thread with a loop of its own: a process of its own takes a second."""
    try:
        code = await asyncio.to_thread(main, list(arguments))
    except SystemExit as error:  # argparse
        code = int(error.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


async def test_a_person_without_settings_works_in_a_folder_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 4711)
    monkeypatch.setattr(loader, "DEFAULT_FILE", tmp_path / "not-installed.toml")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "empty").mkdir()
    code, _, err = await run(capsys, "publish", str(tmp_path / "empty"), "--channel", "main")
    assert (code, (tmp_path / "signage-origin/origin.db").exists()) == (1, True), err
    code, out, _ = await run(capsys, "keys", "list")
    assert (code, out) == (0, "none\n")


class Serving:
    """A `signage-origin serve` under way."""

    def __init__(self, process: Process, url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self._log = log

    async def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[float, str, str]:
        """Send a signal; return how many seconds it took, and the rest of both outputs."""
        clock = SystemClock()
        began = clock.monotonic()
        self.process.send_signal(number)
        out, _ = await asyncio.wait_for(self.process.communicate(), PATIENCE_S)
        assert self.process.returncode == 0
        return clock.monotonic() - began, out.decode(), self._log.read_text()


@asynccontextmanager
async def serving(folder: Path, **variables: str) -> AsyncIterator[Serving]:
    log = folder.with_suffix(".log")
    with log.open("wb") as err:
        process = await started("serve", "--port", "0", "--data-dir", str(folder), err=err, variables=variables)
    assert process.stdout is not None
    try:
        line = (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode()
        assert line.startswith("listening on http://127.0.0.1:"), line
        yield Serving(process, line.split()[-1], log)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_within_three_seconds_whoever_still_listens(
    tmp_path: Path, number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving(tmp_path) as origin, ClientSession() as client:
        _, out, _ = await run(capsys, "keys", "add", "page", "--data-dir", str(tmp_path), "--json")
        headers = {"Authorization": f"Bearer {json.loads(out)['token']}"}
        async with client.ws_connect(f"{origin.url}/v1/live", headers=headers):
            seconds, _, err = await origin.end(number)
    assert seconds < LIMIT_S
    assert "Traceback" not in err


async def test_the_first_key_is_printed_once_works_and_is_in_no_log_and_no_file(tmp_path: Path) -> None:
    async with serving(tmp_path, SIGNAGE_ORIGIN__LOGGING__LEVEL="DEBUG") as origin, ClientSession() as client:
        assert origin.process.stdout is not None
        line = (await origin.process.stdout.readline()).decode()
        token = line.split()[-1]
        headers = {"Authorization": f"Bearer {token}"}
        async with client.get(f"{origin.url}/v1/session", headers=headers) as answer:
            who = await answer.json()
            assert (who["name"], who["access"], who["roles"][-1]) == ("first", "write", "administrator")
        page = (await origin.process.stdout.readline()).decode()
        assert origin.url.replace("127.0.0.1", "localhost") in page  # there are no passkeys under an address
        _, out, err = await origin.end()
    assert token not in out and token not in err
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and token.encode() in path.read_bytes()]
    async with serving(tmp_path) as origin:
        _, out, _ = await origin.end()
    assert (out.count("\n"), "http://localhost:" in out) == (1, True)


async def test_two_origins_never_share_a_folder(tmp_path: Path) -> None:
    async with serving(tmp_path) as origin:
        second = await started("serve", "--port", "0", "--data-dir", str(tmp_path))
        _, err = await asyncio.wait_for(second.communicate(), PATIENCE_S)
        assert (second.returncode, err.count(b"\n")) == (1, 1)
        assert b"another origin already uses" in err
        await origin.end()


async def test_it_tells_systemd_when_it_is_ready_alive_and_ending(tmp_path: Path) -> None:
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    told.bind(str(tmp_path / "notify"))
    told.setblocking(False)
    loop = asyncio.get_running_loop()
    variables = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    heard: list[bytes] = []
    async with serving(tmp_path / "data", **variables) as origin, asyncio.timeout(PATIENCE_S):
        while heard.count(b"WATCHDOG=1") < 3:
            heard.append(await loop.sock_recv(told, 100))
        await origin.end()
        while heard[-1] != b"STOPPING=1":
            heard.append(await loop.sock_recv(told, 100))
    told.close()
    assert heard[0] == b"READY=1"


async def test_keys_are_made_listed_and_revoked_beside_a_serving_origin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ("--data-dir", str(tmp_path))
    async with serving(tmp_path) as origin, ClientSession() as client:
        _, out, _ = await run(capsys, "keys", "add", "Ada", "--access", "write", *at, "--json")
        made = json.loads(out)
        headers = {"Authorization": f"Bearer {made['token']}"}
        async with client.get(f"{origin.url}/v1/session", headers=headers) as answer:
            assert (await answer.json())["access"] == "write"
        _, out, _ = await run(capsys, "keys", "list", *at, "--json")
        assert [key["name"] for key in json.loads(out)] == ["first", "Ada"]
        assert made["token"] not in out
        _, out, _ = await run(capsys, "keys", "add", "Bo", "--role", "technician", *at)
        assert "This is the key of Bo, a technician." in out
        _, out, _ = await run(capsys, "keys", "list", *at, "--json")
        assert [key["role"] for key in json.loads(out)] == ["administrator", "administrator", "technician"]
        code, _, err = await run(capsys, "keys", "add", "Ada", *at)
        assert (code, "already" in err) == (1, True)
        assert (await run(capsys, "keys", "revoke", "Ada", *at))[0] == 0
        async with client.get(f"{origin.url}/v1/session", headers=headers) as answer:
            assert answer.status == 401
        code, _, err = await run(capsys, "keys", "revoke", "Ada", *at)
        assert (code, err) == (1, "signage-origin: there is no key 'Ada'\n")


async def test_people_are_made_reset_and_removed_beside_a_serving_origin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at, password = ("--data-dir", str(tmp_path)), "five blue herons at dawn"
    async with serving(tmp_path) as origin, ClientSession() as client:

        async def post(path: str, **body: str) -> int:
            async with client.post(f"{origin.url}/v1/{path}", json=body) as answer:
                return answer.status

        _, out, _ = await run(capsys, "people", "add", "Ada", "--role", "editor", *at, "--json")
        made = json.loads(out)
        assert (made["role"], made["link"]) == ("editor", f"http://localhost:8090/#code={made['code']}")
        assert await post("account/reset", code=made["code"], password=password) == 204
        assert await post("session", name="ada", password=password) == 200
        assert (await run(capsys, "people", "role", "ADA", "publisher", *at))[1] == "Ada is a publisher now.\n"
        async with client.get(f"{origin.url}/v1/session") as answer:
            assert answer.status == 401  # another process ended the session
        _, out, _ = await run(capsys, "people", "list", *at, "--json")
        assert [(one["name"], one["role"], one["has_password"]) for one in json.loads(out)] == [
            ("Ada", "publisher", True)
        ]
        assert (await run(capsys, "people", "reset", made["id"], *at))[1].startswith("http://localhost:8090/#code=")
        assert await post("session", name="ada", password=password) == 401
        assert "has not set a password yet" in (await run(capsys, "people", "list", *at))[1]
        code, _, err = await run(capsys, "keys", "revoke", "first", *at)
        assert (code, "this is the last administrator" in err) == (1, True)
        assert (await run(capsys, "people", "remove", "Ada", *at))[0] == 0
        assert (await run(capsys, "people", "reset", "Ada", *at))[2].startswith("signage-origin: there is no account")


async def test_what_is_stored_is_told_and_cleared_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "origin.db").touch()
    await run(capsys, "keys", "add", "Ann", "--data-dir", str(tmp_path))
    stray = tmp_path / "content/assets" / ("f" * 64)
    stray.parent.mkdir()
    stray.write_bytes(b"of nobody")
    await run(capsys, "storage", "--clear", "--data-dir", str(tmp_path))  # seen for the first time
    with closing(sqlite3.connect(tmp_path / "origin.db")) as database, database:
        database.execute("UPDATE strays SET since_ms = 1")
    code, out, _ = await run(capsys, "storage", "--json", "--data-dir", str(tmp_path))
    assert (code, json.loads(out)["over_bytes"], stray.exists()) == (0, 9, True)
    code, out, _ = await run(capsys, "storage", "--clear", "--data-dir", str(tmp_path))
    assert (code, stray.exists()) == (0, False)
    assert "may go    0 files" in out


async def test_the_doctor_says_how_media_are_divided(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "origin.db").touch()
    for compiled, words in ((True, "by content"), (False, "at fixed lengths")):
        monkeypatch.setattr(chunker, "_COMPILED", compiled)
        monkeypatch.setattr(chunker, "pyfastcdc", SimpleNamespace(__version__="9"), raising=False)
        assert words in (await run(capsys, "doctor", "--data-dir", str(tmp_path)))[1]
        code, out, _ = await run(capsys, "doctor", "--json", "--data-dir", str(tmp_path))
        assert (code, json.loads(out)["chunks_by_content"]) == (0, compiled)


async def test_a_device_is_let_in_listed_and_locked_out_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at, secret = ("--data-dir", str(tmp_path), "--json"), "5" * 64
    async with serving(tmp_path) as origin, ClientSession() as client:
        wanted = {"name": "window", "secret": secret}
        async with client.post(f"{origin.url}/v1/pairings", json=wanted) as answer:
            asked: dict[str, Any] = await answer.json()
        code = pairing_code(Envelope.model_validate(asked["root"]), secret)
        _, out, _ = await run(capsys, "devices", "approve", code, "--channel", "main", *at)
        device = json.loads(out)["id"]
        headers = {"Authorization": f"Bearer {secret}"}
        async with client.get(f"{origin.url}/v1/pairings/{asked['pairing']}", headers=headers) as answer:
            paired = await answer.json()
            assert paired["device"] == device
        _, out, _ = await run(capsys, "devices", "list", *at)
        assert [(d["id"], d["channel"]) for d in json.loads(out)] == [(device, "main")]
        chosen = {("--search", "WIN"): 1, ("--search", "x"): 0, ("--channel", "cafe"): 0, ("--limit", "1"): 1}
        for options, count in chosen.items():
            assert len(json.loads((await run(capsys, "devices", "list", *options, *at))[1])) == count
        headers = {"Authorization": f"Bearer {paired['token']}"}
        async with client.ws_connect(f"{origin.url}/v1/live", headers=headers) as socket:
            assert (await run(capsys, "devices", "remove", device, *at))[0] == 0
            while (await socket.receive(60)).type is not WSMsgType.CLOSE:
                pass
        async with client.post(f"{origin.url}/v1/exchange", headers=headers, json={}) as answer:
            assert answer.status == 401
        assert json.loads((await run(capsys, "devices", "list", *at))[1]) == []
        assert (await run(capsys, "devices", "approve", "NOSUCH", "--channel", "main", *at))[0] == 1


async def test_mistakes_are_told_in_one_line_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "origin.toml"
    bad.write_text("[server]\nprot = 1\n")
    for arguments, told in (
        (("serve", "--config", str(bad)), "server.prot"),
        (("serve", "--config", str(tmp_path / "none.toml")), "cannot be read"),
        (("serve", "--port", "70000", "--data-dir", str(tmp_path)), "server.port"),
        (("keys", "list", "--data-dir", str(bad)), "origin.toml"),
        (("keys", "list", "--data-dir", str(tmp_path / "typo")), "check --data-dir"),
        (("keys", "add", "Ada", "--data-dir", str(tmp_path / "typo")), "check --data-dir"),
        (("devices", "list", "--data-dir", str(tmp_path / "typo")), "check --data-dir"),
    ):
        code, out, err = await run(capsys, *arguments)
        assert (code, out, err.count("\n")) == (1, "", 1), err
        assert told in err
    assert not (tmp_path / "typo").exists(), "only serving and publishing begin an origin"


async def test_an_address_that_is_not_ours_is_told_without_a_traceback(tmp_path: Path) -> None:
    process = await started("serve", "--port", "0", "--host", "203.0.113.1", "--data-dir", str(tmp_path))
    out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert (process.returncode, out) == (1, b"")
    assert err.splitlines()[-1].startswith(b"signage-origin: cannot listen on 203.0.113.1")
    assert b"Traceback" not in err


@pytest.mark.parametrize(
    "arguments", [(), ("serve",), ("publish",), ("keys",), ("keys", "add"), ("devices", "approve")], ids=" ".join
)
async def test_help_tells_what_there_is(arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = await run(capsys, *arguments, "--help")
    assert code == 0
    assert out.startswith("usage: signage-origin")


async def test_a_reader_that_is_gone_ends_a_command_without_a_traceback(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    async with serving(tmp_path / "origin"):
        with os.fdopen(write, "wb") as pipe:
            listing = await started("keys", "list", "--data-dir", str(tmp_path / "origin"), out=pipe)
        _, errors = await listing.communicate()
    assert (listing.returncode, errors) == (READER_GONE, b"")


async def test_a_wrong_call_exits_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    assert (await run(capsys, "fly"))[0] == 2
    assert (await run(capsys, "publish", ".", "--channel", "../up"))[0] == 2
    assert (await run(capsys, "publish", ".", "--channel", "main", "--name", " "))[0] == 2
    assert (await run(capsys, "keys", "add", "\x1b[31m"))[0] == 2
    assert (await run(capsys, "keys", "add"))[0] == 2
