"""Commands over HTTP: each operation for people has one, and they do what it does, on a real origin."""

import argparse
import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sync.http.listener import serve_http
from sync.origin.app.cli import parser as cli_parser
from sync.origin.remote import cli, uploads
from sync.origin.remote.answers import lines_of
from sync.origin.remote.arguments import parser_of
from sync.origin.remote.verbs import REMOTE, is_remote, verbs_of
from tests.origin.running_origin import RunningOrigin


class Caller:
    """Somebody at a terminal with the key of an administrator."""

    def __init__(self, server: RunningOrigin, capsys: pytest.CaptureFixture[str]) -> None:
        self.server = server
        self._capsys = capsys

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command; return its exit code and what it printed."""
        code = await asyncio.to_thread(cli.main, [*arguments, "--origin", self.server.url])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def printed(self) -> str:
        """Return what the last command printed as its error."""
        return self._capsys.readouterr().err

    async def done(self, *arguments: str) -> Any:
        """Run a command that must be carried out; return its answer."""
        code, out, err = await self.run(*arguments, "--json")
        assert code == 0, err
        return json.loads(out)


@pytest.fixture
async def caller(
    server: RunningOrigin, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Caller]:
    monkeypatch.setenv("SIGNAGE_ORIGIN_KEY", server.writer)
    yield Caller(server, capsys)


async def test_each_operation_for_people_is_a_command_of_its_own(server: RunningOrigin) -> None:
    document = (await server.ask("GET", "/v1/openapi.json")).document
    named = {path.split("/")[2] for path in document["paths"] if path.startswith("/v1/")}
    assert named > REMOTE
    local = next(one.choices for one in cli_parser()._actions if isinstance(one, argparse._SubParsersAction))
    of_pages = {"account", "live", "session", "sessions"}
    assert {thing for thing in named if verbs_of(thing, document)} - set(local) - of_pages == REMOTE
    for thing in sorted(named):
        verbs = verbs_of(thing, document)
        assert len({one.name for one in verbs}) == len(verbs), [one.name for one in verbs]
        parser_of(thing, verbs)
    names = {one.name for one in verbs_of("media", document)}
    assert {"list", "show", "change", "remove", "uses", "retry", "streams-create", "folders", "folders-create"} <= names
    assert {"undo", "replace", "change"} <= {one.name for one in verbs_of("playlists", document)}


def test_commands_on_the_data_of_this_machine_stay_what_they_are() -> None:
    for before in ("serve", "people list", "campaigns --channel main", "keys add Bo", "plays export x", ""):
        assert not is_remote(before.split())
    for over_http in ("playlists list", "people list --origin http://there", "campaigns list --origin=http://there"):
        assert is_remote(over_http.split())


async def test_a_playlist_is_made_seen_changed_and_removed(caller: Caller) -> None:
    stream = await caller.done("media", "streams-create", "--url", "https://radio.example/a.m3u8", "--name", "Radio")
    items = json.dumps([{"media": stream["id"], "duration_ms": 5_000}])
    made = await caller.done("playlists", "create", "--name", "Mittag ☕", "--items", items)
    code, out, _ = await caller.run("playlists", "list")
    assert (code, out.split()[:2]) == (0, [made["id"], "Mittag"])
    edits = json.dumps([{"do": "set", "set": {"name": "Noon"}}])
    changed = await caller.done("playlists", "change", made["id"], "--seen-version", "1", "--edits", edits)
    assert changed["version"] == 2
    code, out, _ = await caller.run("playlists", "show", made["id"])
    assert (code, "name: Noon" in out.splitlines()) == (0, True)
    code, out, _ = await caller.run("playlists", "remove", made["id"])
    assert (code, out) == (0, "done\n")
    code, _, err = await caller.run("playlists", "show", made["id"])
    assert (code, err) == (1, f"signage-origin: there is no playlist {made['id']}\n")


async def test_what_is_refused_is_told_in_the_words_of_the_origin(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, _, err = await caller.run("playlists", "create", "--name", "")
    assert (code, err.startswith("signage-origin: The field name is wrong. name: ")) == (1, True)
    with pytest.raises(SystemExit) as ended:
        await caller.run("playlists", "change", "x", "--edits", "[]")
    assert ended.value.code == 2, "the version that one has seen is missing"
    key = tmp_path / "key"
    key.write_text(f"{caller.server.reader}\n")
    code, _, err = await caller.run("playlists", "create", "--name", "A", "--key-file", str(key))
    assert (code, "it needs the role editor" in err) == (1, True)
    monkeypatch.setenv("SIGNAGE_ORIGIN_KEY", "made up")
    code, _, err = await caller.run("playlists", "list")
    assert (code, "a valid token is needed" in err) == (1, True)
    monkeypatch.setenv("SIGNAGE_ORIGIN_KEY", caller.server.writer)
    code, _, err = await caller.run("thing", "list")
    assert (code, "has no thing to talk of" in err) == (1, True)
    silent = await asyncio.to_thread(cli.main, ["playlists", "list", "--origin", "http://127.0.0.1:1"])
    assert silent == 1


async def test_fields_come_from_a_file_and_options_go_before_them(caller: Caller, tmp_path: Path) -> None:
    body = tmp_path / "schedule.json"
    body.write_text(json.dumps({"zone": "Europe/Berlin"}))
    saved = await caller.done("schedule", "replace", "shop", "--body", str(body), "--zone", "Asia/Tokyo")
    assert (saved["channel"], saved["zone"]) == ("shop", "Asia/Tokyo")
    body.write_text("[]")
    code, _, err = await caller.run("schedule", "replace", "shop", "--body", str(body))
    assert (code, "is no JSON object" in err) == (1, True)


async def test_a_file_is_sent_in_pieces_and_an_interrupted_one_goes_on(
    caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "PIECE_BYTES", 1_000)
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(2_500))
    code, out, err = await caller.run("media", "upload", str(film), "--json")
    assert (code, err.splitlines()) == (0, ["film.mp4: 40 %", "film.mp4: 80 %", "film.mp4: 100 %"])
    [sent] = json.loads(out)["media"]
    assert (await caller.done("media", "show", sent))["name"] == "film.mp4"

    half, other = tmp_path / "half" / "same.mp4", tmp_path / "same.mp4"
    half.parent.mkdir()
    half.write_bytes(b"a" * 2_000)
    other.write_bytes(b"b" * 2_000)
    where = await begun(caller, half)
    code, out, err = await caller.run("media", "upload", str(other), "--json")
    assert json.loads(out)["media"] != [where.rpartition("/")[2]], "bytes of two files became one"
    code, out, err = await caller.run("media", "upload", str(half), "--json")
    assert (err.splitlines(), json.loads(out)["media"]) == (["same.mp4: 100 %"], [where.rpartition("/")[2]])


async def begun(caller: Caller, file: Path) -> str:
    """Send the first 1,000 bytes of a file, as a command does that is interrupted; return its upload."""
    metadata = uploads._metadata(file.name, hashlib.sha256(file.read_bytes()).digest())
    begin = {"Tus-Resumable": "1.0.0", "Upload-Length": str(file.stat().st_size), "Upload-Metadata": metadata}
    made = await caller.server.ask("POST", "/v1/uploads", caller.server.writer, headers=begin)
    where: str = made.headers["Location"]
    piece = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    await caller.server.ask("PATCH", where, caller.server.writer, file.read_bytes()[:1_000], headers=piece)
    return where


async def test_a_file_that_becomes_shorter_is_given_up(
    caller: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "film.mp4"
    film.write_bytes(bytes(2_000))
    monkeypatch.setattr(uploads, "PIECE_BYTES", 1_000)
    monkeypatch.setattr(uploads, "_unfinished", lambda *_: _cut(film))
    code, _, err = await caller.run("media", "upload", str(film))
    assert (code, "film.mp4 has become shorter" in err) == (1, True)


async def _cut(film: Path) -> None:
    film.write_bytes(bytes(1_000))


async def test_words_are_not_completed_for_nothing_may_reach_another_origin(caller: Caller) -> None:
    for short in ("--orig", "--key"):
        with pytest.raises(SystemExit) as ended:
            await caller.run("playlists", "list", short, "http://127.0.0.1:1")
        assert ended.value.code == 2


async def test_what_is_no_origin_is_told(caller: Caller) -> None:
    pages = {"/html": ("text/html", "<p>hello"), "/list": ("application/json", "[]"), "/bad": ("application/json", "{")}

    async def answer(request: web.Request) -> web.Response:
        kind, text = pages[request.path.removesuffix("/v1/openapi.json")]
        return web.Response(text=text, content_type=kind)

    app = web.Application()
    app.router.add_get("/{any:.*}", answer)
    async with serve_http(app, "127.0.0.1", 0) as url:
        for path in pages:
            code = await asyncio.to_thread(cli.main, ["playlists", "list", "--origin", f"{url}{path}"])
            assert (code, "the address of an origin" in caller.printed()) == (1, True)


async def test_the_first_word_of_what_keys_add_printed_is_the_key(
    caller: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SIGNAGE_ORIGIN_KEY")
    key = tmp_path / "key"
    key.write_text(f"{caller.server.writer}\nThis is the key of Bo, an administrator. It is shown only now.\n")
    code, _, err = await caller.run("playlists", "list", "--key-file", str(key))
    assert (code, err) == (0, "")
    key.write_bytes(b"\xff\xfe")
    code, _, err = await caller.run("playlists", "list", "--key-file", str(key))
    assert (code, "is no file with a key" in err) == (1, True)


async def test_null_empties_a_field_and_dots_are_no_id(caller: Caller) -> None:
    stream = await caller.done("media", "streams-create", "--url", "https://radio.example/a.m3u8", "--name", "Radio")
    items = json.dumps([{"media": stream["id"], "duration_ms": 5_000}])
    made = await caller.done("playlists", "create", "--name", "Noon", "--items", items)
    code, _, err = await caller.run("playlists", "replace", made["id"], "--seen-version", "1", "--items", "null")
    assert (code, "items" in err) == (1, True), "what is given is sent"
    code, _, err = await caller.run("playlists", "remove", "..")
    assert (code, err) == (1, "signage-origin: '..' is the id of nothing\n")


async def test_no_password_stands_on_a_command_line(caller: Caller, capsys: pytest.CaptureFixture[str]) -> None:
    document = (await caller.server.ask("GET", "/v1/openapi.json")).document
    with pytest.raises(SystemExit):
        parser_of("people", verbs_of("people", document)).parse_args(["create", "--help"])
    told = capsys.readouterr().out
    assert "--password" not in told and "The only way to give password" in " ".join(told.split())


def test_answers_are_lines_for_people() -> None:
    rows = [{"id": "a", "name": "One\nline", "state": "ready", "x": 1}, {"id": "bb", "name": "Two", "state": "failed"}]
    assert lines_of({"media": rows, "next": "c1", "total": 3}) == [
        "a   One?line  ready",
        "bb  Two       failed",
        "There are more: --cursor c1",
    ]
    assert lines_of({"name": "Lunch", "note": None, "items": [], "ok": True}) == ["name: Lunch", "ok: true"]
    assert lines_of(None) == ["done"]


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    parser = parser_of("media", [])
    assert isinstance(parser, argparse.ArgumentParser)
    parser.print_help()
    assert "upload" in capsys.readouterr().out
