"""The compiled reader takes what the models of pydantic take, and what it takes is stored as by them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.origin.intake.play_intake import _check_document, check_play
from sync.origin.proof.clock_corrections import as_recorded, at_right_time
from sync.origin.sent_plays.play_checks import written
from sync.origin.sent_plays.sent_play import (
    SentPlay,
    as_document,
    read_batch,
    read_exchange,
    read_exchange_message,
    read_plays,
    span_of,
)
from sync.origin.store.proof.plays import _ROW, ReceivedPlay, _row
from sync.wire.device_reports import Play, Receipt, play_hash

HASH = "ab" * 32
USUAL: dict[str, Any] = {
    "device": "lobby", "log_epoch": "e" * 32, "sequence": 7, "take": "take-7", "kind": "ad", "release": HASH,
    "asset": HASH, "title": "Iced mint tea", "playlist": None, "campaign": "spring", "advertiser": "Tea & Co.",
    "line": "mornings", "creative": "tea-1", "started_at": "2026-03-02T09:00:00.250Z",
    "ended_at": "2026-03-02T09:00:10.250Z", "zone": "Europe/Berlin", "rendered_ms": 10_000, "expected_ms": 10_000,
    "outcome": "complete", "reason": "duration", "frames_lost": 0, "screen": "on", "clock": "synced",
    "relaxed": ["share"], "output": "HDMI-1", "resolution": "1920x1080", "offset_min": 60, "boot_id": "b" * 32,
    "mono_start_ms": 5, "mono_end_ms": 10_005, "clock_state": "synchronised", "clock_age_s": 30, "player": "1.4.0",
    "previous_hash": HASH,
}  # fmt: skip

TEXTS = (
    "", " ", "a", "A-1", "-a", "a" * 64, "a" * 65, "a" * 201, "a\n", "\x7f", "\x00", "tea \n", " tea",
    "tea\x85", "Käse", "茶", "🍵", '"hash":"x",', "\\", "e" * 32, "E" * 32, HASH, HASH[:-1] + "G", HASH + "\n",
    "partial", "off", "item", "1920x1080", "10", "2026-03-02T09:00:00Z", "2026-03-02T09:00:00.25Z",
    "2026-03-02T09:00:00.1234567Z", "2026-03-02 09:00:00Z", "2026-03-02T09:00:00+01:00", "2026-03-02T09:00Z",
    "2026-03-02T24:00:00Z", "2026-02-30T09:00:00Z", "2026-03-02T09:00:60Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999Z", "2026-W10-1T09:00:00Z", "20260302T090000Z",
    "٢026-03-02T09:00:00Z", '"hash":"', '","hash":"', '"previous_hash":"',
)  # fmt: skip
NUMBERS = (0, 1, -1, 2**53, 2**53 + 1, 2**70, 1.0, 1.5, 1440, -1441, True)
TEXT_FIELDS = [name for name, field in Play.model_fields.items() if "str" in str(field.annotation) and name != "hash"]
VALUES = st.sampled_from((*TEXTS, *NUMBERS, None, [], ["a"], [1], {}, {"a": 1}))


def right(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "hash": play_hash(str(document.get("previous_hash")), document)}


def as_sent(document: dict[str, Any]) -> bytes:
    return json.dumps({"plays": [document]}).encode()


def outcome(found: ReceivedPlay | Receipt) -> Any:
    if isinstance(found, Receipt):
        return found
    row = dict(zip(_ROW, _row(found, 1), strict=True))
    body = json.loads(row["body"]) if isinstance(row["body"], bytes) else row["body"]
    return row | {"body": body}


@settings(max_examples=1_500, deadline=None)
@given(
    st.dictionaries(st.sampled_from([*Play.model_fields, "later"]), VALUES, max_size=2),
    st.sets(st.sampled_from(sorted(USUAL)), max_size=2),
    st.booleans(),
)
def test_both_ways_to_read_a_play_agree(changes: dict[str, Any], without: set[str], is_hashed: bool) -> None:
    document = {name: value for name, value in (USUAL | changes).items() if name not in without}
    if is_hashed:
        document = right(document)
    expected = outcome(_check_document(document, "lobby"))
    batch = read_batch(as_sent(document), 500)
    if batch is not None:
        assert outcome(check_play(batch.plays[0], "lobby")) == expected
    assert outcome(check_play(read_plays([document])[0], "lobby")) == expected


@pytest.mark.parametrize("changes", [{}, {"title": "Käse 🍵"}, {"item": "i-1", "title": "a\\b"}, {"clock": "unsynced"}])
def test_what_players_send_is_read_at_once(changes: dict[str, Any]) -> None:
    document = right(USUAL | changes)
    batch = read_batch(as_sent(document), 500)
    assert batch is not None
    text = written(batch.plays[0], "lobby")
    assert text is not None
    assert json.loads(text) == {name: value for name, value in document.items() if value is not None}
    assert as_document(batch.plays[0]) == json.loads(text)
    exchange = read_exchange(json.dumps({"heartbeat": {"a": 1.5}, "plays": [document]}).encode(), 500)
    assert exchange is not None and exchange.heartbeat == {"a": 1.5}
    assert written(exchange.plays[0], "lobby") == text


def test_its_fields_are_those_of_a_play_in_the_order_of_their_names() -> None:
    assert list(SentPlay.__struct_encode_fields__) == sorted(Play.model_fields)


def test_a_play_of_another_device_or_hash_is_not_right() -> None:
    [play] = read_plays([right(USUAL)])
    assert isinstance(play, SentPlay)
    assert written(play, "hall") is None
    assert written(read_plays([right(USUAL) | {"title": "Coffee"}])[0], "lobby") is None  # type: ignore[arg-type]


def test_more_than_a_batch_or_than_may_be_read_is_left_to_the_models() -> None:
    document = right(USUAL)
    assert read_batch(json.dumps({"plays": [document] * 501}).encode(), 50_000) is None
    assert read_batch(json.dumps({"plays": [document] * 20}).encode(), 500) is None
    assert read_batch(json.dumps({"plays": [document], "more": 1}).encode(), 500) is None
    assert read_batch(b"[" * 100_000, 500_000) is None
    assert read_exchange(b'{"plays":[],"heartbeat":' + b'{"a":' * 100_000, 10**7) is None


def test_an_exchange_over_a_live_connection_is_read_as_one_over_http() -> None:
    exchange = {"plays": [right(USUAL)], "heartbeat": {"version": "1"}}
    message = {"topic": "exchange", "number": 3, "exchange": exchange}
    found = read_exchange_message(json.dumps(message).encode(), 500)
    assert found is not None
    assert (found.number, found.exchange) == (3, read_exchange(json.dumps(exchange).encode(), 500))
    others: tuple[dict[str, Any], ...] = (
        {"topic": "on_air"}, {"number": -1}, {"number": 2**53 + 1}, {"number": 1.0}, {"exchange": None}, {"more": 1},
    )  # fmt: skip
    for other in others:
        assert read_exchange_message(json.dumps(message | other).encode(), 500) is None
    assert read_exchange_message(json.dumps(message | {"exchange": {"plays": [{}] * 501}}).encode(), 500) is None
    assert read_exchange_message(b'{"topic":"exchange","number":1,"exchange":' + b"[" * 10_000, 10**6) is None


@pytest.mark.parametrize("name", TEXT_FIELDS)
def test_a_long_text_is_left_to_the_models(name: str) -> None:
    """What the quick checks remember stays small, and no text keeps the origin busy."""
    text = "a\u00e9" * 101
    document = right(USUAL | {name: [text] if name == "relaxed" else text})
    assert read_batch(as_sent(document), 500) is None
    assert read_plays([document]) == [document]
    assert outcome(check_play(document, "lobby")) == outcome(_check_document(document, "lobby"))


def test_a_corrected_play_has_its_right_time() -> None:
    sent, model = read_plays([right(USUAL | {"clock": "unsynced"})])[0], Play.model_validate(right(USUAL))
    assert isinstance(sent, SentPlay)
    assert as_recorded(sent) == as_recorded(model.model_copy(update={"clock": sent.clock}))
    assert span_of(at_right_time(sent, 5_000)) == span_of(at_right_time(model, 5_000))
    assert span_of(at_right_time(sent, None)) == span_of(model)
