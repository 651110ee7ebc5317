"""Reads a release without the entries that this version does not know, and without what depends on them."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain
from typing import Any

from sync.runtime.clock import give_way
from sync.wire.lenient_lists import LeftOut
from sync.wire.release import Campaign, Creative, Item, Line, Playlist, Release
from sync.wire.value_types import RepeatedName, refuse_repeated_names, unique_names

_LONG_BYTES = 64 * 1024
_NOTHING = {"channel": '"none"', "created_at": '"2000-01-01T00:00:00Z"'}
_AT_ONCE = 100  # entries: 1 ms
_AT_ONCE_CHARACTERS = 32_768  # of entries that are long themselves, such as campaigns
_MOST_ENTRIES = 65_536  # of one list, more than 5 MiB of real ones; what has more is read at once, which refuses it
_MOST_FIELDS = 100
_DECODE = json.JSONDecoder(object_pairs_hook=unique_names).raw_decode


def read_release(raw: bytes, *, at_once: bool = False) -> Release:
    """Return a release without unknown entries, which its `left_out` lists.

    A long one is read in pieces: a thread that reads it at once holds the interpreter for 0.1 s, and a cut would wait.
    `at_once` is for the start of a player, when nothing is on air and each piece would wait for its imports: what was
    accepted once is not looked at for repeated names again.

    Raises:
        ValidationError: the document itself is not valid.
        ValueError: readers may not agree on what it says: it gives a field twice.
    """
    unknown: list[LeftOut] = []
    release = _read_in_pieces(raw, unknown) if len(raw) > _LONG_BYTES and not at_once else None
    if release is None:
        unknown = []
        release = Release.model_validate_json(raw, context=unknown)
        if not at_once:
            refuse_repeated_names(raw)
    media = {one.name: one.unknown for one in unknown if one.list_name in ("assets", "streams")}
    others = [one for one in unknown if one.name not in media]
    return _without(release, media, (*others, *_dependents(release, media)))


def read_bookings(raw: bytes, *, at_once: bool = False) -> Release:
    """Return a file of bookings as a release of which only campaigns, assets and streams count.

    Raises:
        ValidationError, ValueError: as `read_release`.
    """
    head, body = _document(_NOTHING).encode(), raw.strip()
    if not body.startswith(b"{"):
        raise ValueError("it is no JSON object")
    return read_release(head[:-1] + b"," + body[1:], at_once=at_once)


def with_bookings(release: Release, files: Mapping[str, Release]) -> Release:
    """Return a release with what its files of bookings have that are in `files`, by name."""
    named = [file.sha256 for file in release.bookings or () if file.sha256 in files]
    parts = [release, *(files[name] for name in named)]
    if len(parts) == 1:
        return release
    return release.model_copy(
        update={
            "campaigns": tuple(campaign for part in parts for campaign in part.campaigns),
            "assets": tuple({one.sha256: one for part in reversed(parts) for one in part.assets}.values()),
            "streams": tuple({one.sha256: one for part in reversed(parts) for one in part.streams}.values()),
            "left_out": tuple(one for part in parts for one in part.left_out),
            "booked": release.booked | frozenset(named),
        }
    )


def _read_in_pieces(raw: bytes, unknown: list[LeftOut]) -> Release | None:
    """Return the release as if it had been read at once; None if it has to be, because something about it is odd."""
    try:
        cursor = _Cursor(raw.decode().strip())
        fields, lists = _split(cursor, {"assets": {}, "streams": {}, "campaigns": {}, "playlists": {"items": {}}})
        if not cursor.ended():
            return None
        release = Release.model_validate_json(_document(fields), context=unknown)
        update: dict[str, Any] = {"playlists": tuple(_playlists(lists.pop("playlists", []), unknown))}
        for name, pieces in lists.items():
            update[name] = tuple(entry for piece in pieces for entry in getattr(_part(name, piece, unknown), name))
        return release.model_copy(update=update)
    except RepeatedName:
        raise
    except (ValueError, IndexError, RecursionError):
        return None


def _playlists(found: list[Any], unknown: list[LeftOut]) -> Iterator[Playlist]:
    part = '{"id":"part","name":"part","items":[%s]}'
    for fields, lists in found:
        (shell,) = _part("playlists", _document(fields | {name: "[]" for name in lists}), unknown).playlists
        items = (_part("playlists", part % piece, unknown).playlists[0].items for piece in lists.get("items", ()))
        yield shell.model_copy(update={"items": tuple(chain.from_iterable(items))})


def _part(name: str, entries: str, unknown: list[LeftOut]) -> Release:
    """Return a release that has nothing but these entries of one list."""
    give_way()
    return Release.model_validate_json(_document(_NOTHING | {name: f"[{entries}]"}), context=unknown)


def _document(fields: Mapping[str, str]) -> str:
    return "{" + ",".join(f"{json.dumps(name)}:{text}" for name, text in fields.items()) + "}"


class _Cursor:
    """A position in a JSON text, which reads on from there; ValueError or IndexError: it is no JSON."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def next(self) -> str:
        """Return the next letter that is no space, without passing it."""
        while self._text[self._at] in " \t\r\n":
            self._at += 1
        return self._text[self._at]

    def ended(self) -> bool:
        """Tell whether nothing is left."""
        return self._at == len(self._text)

    def passes(self, letter: str) -> bool:
        """Pass the next letter if it is this one."""
        found = self.next() == letter
        self._at += found
        return found

    def expect(self, letter: str) -> None:
        """Pass the next letter, which must be this one."""
        if not self.passes(letter):
            raise ValueError(f"{letter} is missing")

    def value(self) -> tuple[Any, str]:
        """Pass a value; return it and its text."""
        self.next()
        start = self._at
        value, self._at = _DECODE(self._text, start)
        return value, self._text[start : self._at]


def _split(cursor: _Cursor, long: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Return the fields of an object as JSON, and the pieces of its `long` lists.

    The entries of a long list that has long lists of its own are split in turn.
    """
    fields: dict[str, str] = {}
    lists: dict[str, list[Any]] = {}
    cursor.expect("{")
    while not cursor.passes("}"):
        if fields or lists:
            cursor.expect(",")
        name = cursor.value()[0]
        cursor.expect(":")
        if not isinstance(name, str) or len(fields) == _MOST_FIELDS:
            raise ValueError("a name is no text, or there are too many")
        if name in fields or name in lists:
            raise RepeatedName
        if name not in long:
            fields[name] = cursor.value()[1]
        elif long[name]:
            lists[name] = list(_entries(cursor, partial(_split, cursor, long[name])))
        else:
            lists[name] = list(_pieces(_entries(cursor, lambda: cursor.value()[1])))
    return fields, lists


def _pieces(entries: Iterable[str]) -> Iterator[str]:
    """Yield entries joined, so many that a piece is read in a millisecond."""
    piece: list[str] = []
    characters = 0
    for entry in entries:
        piece.append(entry)
        characters += len(entry)
        if len(piece) == _AT_ONCE or characters >= _AT_ONCE_CHARACTERS:
            yield ",".join(piece)
            piece, characters = [], 0
    if piece:
        yield ",".join(piece)


def _entries(cursor: _Cursor, read: Callable[[], Any]) -> Iterator[Any]:
    cursor.expect("[")
    number = 0
    while not cursor.passes("]"):
        if number == _MOST_ENTRIES:
            raise ValueError("too many entries")
        if number:
            cursor.expect(",")
        yield read()
        number += 1
        if number % _AT_ONCE == 0:
            give_way()


def _without(release: Release, media: Mapping[str, str], left_out: tuple[LeftOut, ...]) -> Release:
    campaigns = (_campaign(campaign, media) for campaign in release.campaigns)
    overlays = (overlay for overlay in release.overlays if overlay.kind != "logo" or overlay.asset not in media)
    return release.model_copy(
        update={
            "playlists": tuple(_playlist(playlist, media) for playlist in release.playlists),
            "campaigns": tuple(campaigns),
            "overlays": tuple(overlays),
            "fallback": None if release.fallback in media else release.fallback,
            "left_out": left_out,
            "booked": frozenset(),
        }
    )


def _playlist(playlist: Playlist, media: Mapping[str, str]) -> Playlist:
    return playlist.model_copy(update={"items": tuple(item for item in playlist.items if item.asset not in media)})


def _campaign(campaign: Campaign, media: Mapping[str, str]) -> Campaign:
    lines = (_line(line, media) for line in campaign.lines)
    return campaign.model_copy(update={"lines": tuple(line for line in lines if line.creatives)})


def _line(line: Line, media: Mapping[str, str]) -> Line:
    return line.model_copy(update={"creatives": tuple(one for one in line.creatives if one.asset not in media)})


def _dependents(release: Release, media: Mapping[str, str]) -> Iterator[LeftOut]:
    """Yield the entries that are left out because their media is."""
    lines = (line for campaign in release.campaigns for line in campaign.lines)
    shown: dict[str, list[Item | Creative]] = {
        "items": [item for playlist in release.playlists for item in playlist.items],
        "creatives": [creative for line in lines for creative in line.creatives],
    }
    for among, entries in shown.items():
        yield from (LeftOut(among, one.title, media[one.asset]) for one in entries if one.asset in media)
    for overlay in release.overlays:
        if overlay.kind == "logo" and overlay.asset in media:
            yield LeftOut("overlays", overlay.id, media[overlay.asset])
    if release.fallback is not None and release.fallback in media:
        yield LeftOut("pictures", "the fallback", media[release.fallback])
