"""A long release is read in pieces, with the same result as at once, however odd it is."""

import json
from functools import cache
from typing import Any

import pytest
from pydantic import ValidationError

from sync.wire import release_reader
from sync.wire.release import Asset, MediaKind, Release
from sync.wire.release_reader import read_release
from sync.wire.value_types import RepeatedName
from tests.sync.file_tree_origin import release_of
from tests.sync.wire.test_lenient_lists import FRAME, ITEM

MANY = 420


@cache
def _long_text() -> str:
    named = [f"{number:064x}" for number in range(MANY)]
    assets = tuple(
        Asset(sha256=name, size_bytes=1, index=name, kind=MediaKind.PICTURE, media_type="image/png", width=1, height=1)
        for name in named
    )
    return release_of(assets).model_dump_json()


def long() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_long_text())
    return document


def changed(where: str, entry: int, change: Any) -> dict[str, Any]:
    document = long()
    entries = document["playlists"][0]["items"] if where == "items" else document[where]
    entries[entry] = entries[entry] | change if isinstance(change, dict) else change
    return document


def with_playlist(playlist: dict[str, Any]) -> dict[str, Any]:
    document = long()
    return document | {"playlists": [*document["playlists"], playlist]}


def both(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    for longest in (0, len(raw)):
        monkeypatch.setattr(release_reader, "_LONG_BYTES", longest)
        try:
            release = read_release(raw)
            found.append((release.model_dump(), sorted(map(str, release.left_out))))
        except RepeatedName as error:
            found.append(str(error))
        except ValidationError as error:
            found.append(sorted(str(fault["loc"]) for fault in error.errors()))
    return found


TEXT = json.dumps(long())
ODD = {
    "as the origin writes it": release_of(()).model_dump_json(),
    "with spaces": json.dumps(long(), indent=2),
    "unknown items": json.dumps(changed("items", 60, {"fit": "zoom"})),
    "unknown assets": json.dumps(changed("assets", 119, {"kind": "page"})),
    "an item that is wrong in every version": json.dumps(changed("items", 70, {"id": ""})),
    "an asset that is a number": json.dumps(changed("assets", 3, 7)),
    "an unknown playlist": json.dumps(with_playlist({"id": "p", "name": 5, "items": [ITEM]})),
    "a second playlist": json.dumps(with_playlist({"id": "p", "name": "P", "items": [ITEM, ITEM]})),
    "a playlist without items": json.dumps(with_playlist({"id": "p", "name": "P"})),
    "a playlist that is none": json.dumps(long() | {"playlists": [5]}),
    "no playlists": json.dumps(FRAME),
    "lists that are none": json.dumps(long() | {"assets": None}),
    "streams with a wrong name": json.dumps(long() | {"streams": [{"sha256": "e" * 64, "url": "http://x/a"}]}),
    "unknown fields": json.dumps(long() | {"mood": ["calm", {"assets": [1]}], "x": '[{"'}),
    "a field twice": TEXT[:-1] + ',"assets":[]}',
    "something behind it": TEXT + "5",
    "half of it": TEXT[: len(TEXT) // 2],
    "no comma": TEXT.replace("}, {", "} {", 1),
    "a comma too many": TEXT.replace("}]", "},]", 1),
    "letters in titles": json.dumps(changed("items", 0, {"title": 'a "quoted" [1]}, \\ é \u2028 \U0001f600'})),
    "another format": json.dumps(long() | {"format": 2}),
    "a list": "[]",
    "nothing": "",
    "deep": '{"a":' + "[" * 5000 + "]" * 5000 + "}",
    "too many unknown": json.dumps(long() | {"playlists": [{"id": "p", "name": "P", "items": [ITEM] * 1001}]}),
}  # fmt: skip


@pytest.mark.parametrize("text", ODD.values(), ids=list(ODD))
def test_reading_in_pieces_gives_the_same_as_reading_at_once(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, at_once = both(text.encode(), monkeypatch)
    assert pieces == at_once


@pytest.mark.parametrize("at", range(0, len(TEXT), 997))
def test_a_document_that_was_cut_or_changed_anywhere_gives_the_same(at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for raw in (TEXT[:at].encode(), (TEXT[:at] + '"' + TEXT[at + 1 :]).encode(), TEXT.encode()[:at] + b"\xff"):
        pieces, at_once = both(raw, monkeypatch)
        assert pieces == at_once


@pytest.mark.parametrize(
    "text",
    [
        TEXT[:-1] + ',"channel":"main"}',
        TEXT[:-1] + ',"\\u0063hannel":"main"}',
        TEXT[:-1] + ',"odd":{"a":[{"b":1,"b":1}]}}',
        TEXT.replace('"size_bytes": 1', '"size_bytes": 1, "size_bytes": 2', 1),
        TEXT.replace('"title"', '"loop": true, "loop": false, "title"', 1),
        TEXT.replace('"items": [', '"items": [], "items": [', 1),
    ],
)
def test_a_release_that_gives_a_field_twice_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces, at_once = both(text.encode(), monkeypatch)
    assert pieces == at_once == str(RepeatedName())
    read_release(text.encode(), at_once=True)  # what an older version has accepted plays on


def test_what_the_origin_writes_is_read_in_pieces() -> None:
    raw = Release.model_validate(long()).model_dump_json().encode()
    assert release_reader._read_in_pieces(raw, []) == Release.model_validate_json(raw)
