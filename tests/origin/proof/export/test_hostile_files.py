"""Files that somebody made to break the verifier: each is refused with a sentence, in bounded time and memory."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sync.origin.proof.export.findings import Kind, Verification, Weight
from sync.origin.proof.export.records import LINE_CAP_BYTES, Record
from sync.origin.proof.export.verification_text import verification_document, verification_lines
from sync.origin.proof.export.verifier import MOST_FAULTS, verify_export
from sync.origin.proof.export.writer import ExportLines
from tests.origin.proof.export.signed_screens import BEGINS, ENDS, Operator, SignedScreen

OPERATOR = Operator()
_RECORD: TypeAdapter[Any] = TypeAdapter(Record)


def small_export() -> list[bytes]:
    screen = SignedScreen("lobby", now=BEGINS)
    screen.sign()
    for line in ("spring-a", "rival-1", "spring-b", None, "spring-a"):
        screen.play(line)
    screen.sign()
    screen.play("spring-a")
    screen.now = ENDS
    screen.sign()
    return OPERATOR.export(screen, campaign="spring")


RIGHT = small_export()
WHOLE = b"".join(RIGHT)


def verified(raw: bytes) -> Verification:
    """Verify a file as the command reads it, and print the result."""
    lines = iter(partial(io.BytesIO(raw).readline, LINE_CAP_BYTES + 1), b"")
    found = verify_export(lines, OPERATOR.fingerprint())
    assert all(text.isprintable() for text in verification_lines(found))
    assert json.dumps(verification_document(found))
    return found


def zipped(raw: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("export.jsonl", raw)
    return file.getvalue()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"null\n",
        b"[]\n",
        b"7\n",
        b"{}\n",
        b'{"record":"export"}\n',
        b'{"record":["export"]}\n',
        b'{"record":"export","record":"root"}\n',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 5_000,
        b"NaN\n",
        b"\xef\xbb\xbf" + WHOLE,
        WHOLE.decode().encode("utf-16"),
        WHOLE.decode().encode("utf-32"),
        gzip.compress(WHOLE),
        zipped(WHOLE),
        b"\0" * 1_000_000,
        b" " * (LINE_CAP_BYTES + 7),
        b"\n" * 1_000_000,
        WHOLE.replace(b'"format":1', b'"format":3'),
        WHOLE.replace(b'"ends_at":"2026', b'"ends_at":"1926'),
        WHOLE.replace(b'"campaign":"spring",', b"", 1),
    ],
)
def test_what_is_no_export_is_told_in_a_sentence(raw: bytes) -> None:
    found = verified(raw)
    assert (found.verdict, found.export) == ("broken", None)
    assert found.findings[0].kind in (Kind.UNREADABLE, Kind.MISPLACED, Kind.CUT_OFF)
    assert len(found.findings) == 1


def changed_play(change: Callable[[dict[str, Any]], object]) -> bytes:
    documents = [json.loads(line) for line in RIGHT]
    change(next(each for each in documents if each["record"] == "play"))
    return b"".join(json.dumps(each).encode() + b"\n" for each in documents)


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each["play"].update(sequence=10**4000),
        lambda each: each["play"].update(sequence=-1),
        lambda each: each["play"].update(sequence=1.5),
        lambda each: each["play"].update(sequence=True),
        lambda each: each["play"].update(rendered_ms=10**400),
        lambda each: each["play"].update(rendered_ms=1e400),
        lambda each: each["play"].update(title="\ud800"),
        lambda each: each["play"].update(title="\x1b[2J"),
        lambda each: each["play"].update(more="\ud800"),
        lambda each: each["play"].update(started_at=0),
        lambda each: each["play"].update(started_at="0001-01-01T00:00:00+14:00"),
        lambda each: each["play"].update(started_at="9999-12-31T23:59:59-14:00"),
        lambda each: each["play"].update(log_epoch="\u202e" * 32),
        lambda each: each["play"].clear(),
        lambda each: each.update(play=[]),
        lambda each: each.update(path=["0" * 64] * 54),
        lambda each: each.update(path=[]),
        lambda each: each.update(salt="xyz"),
    ],
)
def test_a_hostile_play_is_a_fault_and_the_rest_is_read(change: Callable[[dict[str, Any]], object]) -> None:
    found = verified(changed_play(change))
    assert found.verdict == "broken"
    assert sum(each.plays for each in found.totals.values()) == 3


@pytest.mark.parametrize("depth", range(800, 1000, 9))
def test_a_play_nested_as_deeply_as_can_be_read_breaks_nothing(depth: int) -> None:
    deep = b'"play":{"more":' + b"[" * depth + b"]" * depth + b","
    assert verified(WHOLE.replace(b'"play":{', deep, 1)).verdict == "broken"


def test_a_file_of_faults_is_not_read_to_its_end() -> None:
    found = verified(WHOLE + b"x\n" * (3 * MOST_FAULTS))
    assert (found.verdict, found.untold > 0) == ("broken", True)
    assert sum(each.weight is Weight.FAULT for each in found.findings) == 1_000


def test_a_long_line_ends_the_reading() -> None:
    found = verified(RIGHT[0] + b"[" * (3 * LINE_CAP_BYTES))
    assert [each.kind for each in found.findings][:1] == [Kind.UNREADABLE]


THE_RIGHT_RESULT = verified(WHOLE)


def same(found: Verification) -> bool:
    return verification_document(found) == verification_document(THE_RIGHT_RESULT)


def same_sums(found: Verification) -> bool:
    return (found.totals, found.screens) == (THE_RIGHT_RESULT.totals, THE_RIGHT_RESULT.screens)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_a_flipped_byte_never_leaves_a_whole_export(place: int, flip: int) -> None:
    found = verified(WHOLE[:place] + bytes([WHOLE[place] ^ flip]) + WHOLE[place + 1 :])
    assert found.verdict != "whole" or same(found)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(WHOLE)), st.integers(0, len(WHOLE)), st.binary(max_size=3))
def test_bytes_taken_out_or_put_in_never_leave_a_whole_export(one: int, other: int, put: bytes) -> None:
    begin, end = sorted((one, other))
    found = verified(WHOLE[:begin] + put + WHOLE[end:])
    assert found.verdict != "whole" or same(found)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_records_that_the_operator_removes_moves_or_doubles_change_no_sum_unseen(data: st.DataObject) -> None:
    documents = [json.loads(line) for line in RIGHT[:-1]]
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.integers(1, len(documents) - 1))
        taken = documents.pop(place)
        for _ in range(data.draw(st.sampled_from([0, 1, 2]))):
            documents.insert(data.draw(st.integers(1, len(documents))), taken)
    found = resigned(documents)
    assert found.verdict != "whole" or same_sums(found)


def values(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = document.items() if isinstance(document, dict) else enumerate(document)
    return [
        place
        for name, value in items
        for place in (values(value, (*path, name)) if isinstance(value, dict | list) else [(*path, name)])
    ]


OTHER_VALUES: st.SearchStrategy[Any] = st.sampled_from(
    [None, 0, 1, 2, 3, -1, 2**53, "", "0" * 64, "lobby", "spring-a", "spring-b", [], {}, True]
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_a_value_that_the_operator_changes_changes_no_sum_unseen(data: st.DataObject) -> None:
    documents = [json.loads(line) for line in RIGHT[:-1]]
    place = data.draw(st.sampled_from(values(documents[1:])))
    target: Any = documents[1:]
    for name in place[:-1]:
        target = target[name]
    target[place[-1]] = data.draw(OTHER_VALUES)
    try:
        found = resigned(documents)
    except ValidationError:
        return
    assert found.verdict != "whole" or same_sums(found)


def resigned(documents: list[dict[str, Any]]) -> Verification:
    lines = ExportLines()
    raw = [lines.line(_RECORD.validate_python(each)) for each in documents]
    return verified(b"".join([*raw, lines.end(OPERATOR.online)]))
