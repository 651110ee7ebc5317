"""Names in any script: each thing that people name keeps a name as it was written; what would mislead is refused."""

from typing import Any
from unicodedata import normalize

import pytest

from tests.origin.running_origin import RunningOrigin

NAMES = (
    "מסעדה בנמל",
    "مطعم الميناء ٣",
    "港のレストラン",
    "ร้านอาหาร",
    "Café — 2. Stock",
    "Cafe\u0301",  # an accent of its own
    "☕🍽️ 👩‍🍳🏳️‍🌈",
    "नमस्ते",
    "x" * 200,
    "語" * 200,
)
REFUSED = ("", "   ", "one\ntwo", "bell\x07", "x" * 201)


def _to_log_in(name: str) -> str:
    """Return a name as it may be that of an account: 100 letters, or too long as before."""
    return name if len(name) > 200 else name[:100]


async def _named(server: RunningOrigin, name: str) -> dict[str, Any]:
    """Name one of each kind of thing; return the answers by their kind."""
    stream = {"url": "https://radio.example/a.m3u8", "name": name}
    media = await server.ask("POST", "/v1/media/streams", server.writer, stream)
    shown = media.document.get("id", "none")
    line = {"name": name, "creatives": [{"media": shown, "duration_ms": 1_000}]}
    flight = {"starts_at": "2026-03-01T00:00:00Z", "ends_at": "2026-04-01T00:00:00Z"}
    campaign = {"name": name, "advertiser": name, "lines": [line], **flight}
    playlist = {"name": name, "items": []}
    return {
        "media": media,
        "playlist": await server.ask("POST", "/v1/playlists", server.writer, playlist),
        "campaign": await server.ask("POST", "/v1/campaigns", server.writer, campaign),
        "key": await server.ask("POST", "/v1/keys", server.writer, {"name": name, "role": "viewer"}),
        "person": await server.ask("POST", "/v1/people", server.writer, {"name": _to_log_in(name), "role": "viewer"}),
    }


@pytest.mark.parametrize("name", NAMES)
async def test_a_name_of_any_script_is_kept_as_it_was_written(server: RunningOrigin, name: str) -> None:
    made = await _named(server, name)
    for kind, answer in made.items():
        assert answer.status == 201, (kind, answer.text)
        told = answer.document.get(kind, answer.document)
        if kind != "person":
            assert told["name"] == name, kind
        else:
            assert normalize("NFC", told["name"]) == normalize("NFC", _to_log_in(name))
    for path, key in (("media", "media"), ("playlists", "playlists"), ("campaigns", "campaigns")):
        [listed] = (await server.ask("GET", f"/v1/{path}", server.reader)).document[key]
        assert listed["name"] == name
        found = await server.ask("GET", f"/v1/{path}", server.reader, params={"search": name[:60]})
        assert [one["name"] for one in found.document[key]] == [name], path
    device, _ = await server.pair("window")
    renamed = await server.ask("PATCH", f"/v1/devices/{device}", server.writer, {"name": name})
    assert (renamed.status, renamed.document["name"]) == (200, name)


@pytest.mark.parametrize("name", REFUSED)
async def test_a_name_that_nobody_could_read_is_refused(server: RunningOrigin, name: str) -> None:
    for kind, answer in (await _named(server, name)).items():
        assert answer.status == 422, (kind, answer.text)
