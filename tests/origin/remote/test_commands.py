"""Commands over HTTP: each operation for people has one, and they do what it does, on a real origin."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

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

    other = tmp_path / "other.mp4"
    other.write_bytes(bytes(2_000))
    begun = {"Tus-Resumable": "1.0.0", "Upload-Length": "2000", "Upload-Metadata": "filename b3RoZXIubXA0"}
    where = (await caller.server.ask("POST", "/v1/uploads", caller.server.writer, headers=begun)).headers["Location"]
    piece = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    await caller.server.ask("PATCH", where, caller.server.writer, bytes(1_000), headers=piece)
    code, out, err = await caller.run("media", "upload", str(other), "--json")
    assert (err.splitlines(), json.loads(out)["media"]) == (["other.mp4: 100 %"], [where.rpartition("/")[2]])


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
