"""What is wrong with settings, requests, files and arguments, in sentences for people."""

import json
import re
import typing
from collections.abc import Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core import core_schema

import player
import sync
from player.settings.model import Settings
from sync.errors import Rejected
from sync.origin.api.people.session_routes import Login
from sync.origin.planning.campaigns import CampaignDraft
from sync.origin.planning.folder_plan import FolderPlan
from sync.origin.planning.playlists import PlaylistDraft
from sync.origin.planning.schedules import ScheduleDraft
from sync.origin.settings.model import OriginConfiguration
from sync.wire.device_reports import PlayBatch
from sync.wire.input.expected_values import PATTERNS
from sync.wire.input.input_messages import BODY, argument, json_fault, one_line, read_toml, rejected

OURS = ValueError("must be after starts_at")

CONTEXT: dict[str, Any] = {
    **dict.fromkeys(("gt", "ge", "lt", "le", "min_length", "actual_length", "max_length", "multiple_of"), 2),
    **dict.fromkeys(
        ("max_digits", "decimal_places", "whole_digits", "tz_expected", "tz_actual", "expected_version"), 4
    ),
    **dict.fromkeys(("attribute", "method_name", "class_name", "field_type", "class", "error"), "str_type"),
    **dict.fromkeys(("encoding", "encoding_error", "pattern"), "int_type"),
    **{"discriminator": "'kind'", "tag": "clock"},
    **dict.fromkeys(("expected", "expected_tags", "expected_schemes"), "'a' or 'b'"),
}
"""What any type of error of pydantic needs besides a value; the library's words in it must not reach people."""

LIBRARY_WORDS = re.compile(
    r"\b(str|int|float|bool|dict|tuple|NoneType|None|pydantic|Input|instance|validat\w+)\b|_type\b"
)


@pytest.mark.parametrize("kind", typing.get_args(core_schema.ErrorType))
def test_every_type_of_error_becomes_plain_sentences(kind: str) -> None:
    context = {**CONTEXT, "error": OURS} if kind in ("value_error", "assertion_error") else CONTEXT
    error = ValidationError.from_exception_data(
        "Model", [{"type": kind, "loc": ("field",), "input": 7, "ctx": context}]
    )
    sentence = rejected(error).fields["field"]
    assert re.fullmatch(r"[A-Z0-9\"].+[.?]", sentence) and not LIBRARY_WORDS.search(sentence)


OVERLAY = {"kind": "ticker", "text": "news"}
AT = datetime(2031, 1, 1)  # noqa: DTZ001  # a TOML file may hold one without a zone


@pytest.mark.parametrize(
    ("model", "document", "field", "sentence"),
    [
        (Settings, {"playback": {"volume": 300}}, "playback.volume",
         "300 is too large. Give a whole number in percent from 0 to 100."),
        (Settings, {"playback": {"volume": "loud"}}, "playback.volume",
         '"loud" is not allowed here. Give a whole number in percent from 0 to 100.'),
        (Settings, {"playback": {"picture_ms": 5}}, "playback.picture_ms",
         "5 is too small. Give a whole number in milliseconds, at least 100."),
        (Settings, {"playback": {"volum": 3}}, "playback.volum",
         "There is no field of this name. Did you mean volume?"),
        (Settings, {"display": {"volume": 3}}, "display.volume",
         "There is no field of this name. It belongs to playback."),
        (Settings, {"playbak": {}}, "playbak", "There is no field of this name. Did you mean playback?"),
        (Settings, {"recovery": {"wait": 3}}, "recovery.wait",
         "There is no field of this name. The field here is reboot."),
        (Settings, {"storage": {"password": 3}}, "storage.password",
         "There is no field of this name. The fields here are state_dir and reserve_bytes."),
        (Settings, {"playback": {"fit": "covr"}}, "playback.fit",
         '"covr" is not allowed here. Give "contain", "cover" or "fill". Did you mean "cover"?'),
        (Settings, {"display": {"rotation": 45}}, "display.rotation",
         "45 is not allowed here. Give 0, 90, 180 or 270."),
        (Settings, {"playback": {"background": "red"}}, "playback.background",
         '"red" is not in the right form. Give a colour such as #1a2b3c.'),
        (Settings, {"audio": {"muted": "maybe"}}, "audio.muted", '"maybe" is not allowed here. Give true or false.'),
        (Settings, {"audio": {"quiet_hours": [{"start": "25:00"}]}}, "audio.quiet_hours.0.start",
         '"25:00" is not in the right form. Give a time of day from 00:00 to 24:00.'),
        (Settings, {"endpoint": {"allowed_hosts": 3}}, "endpoint.allowed_hosts", "3 is not allowed here. Give a list."),
        (Settings, {"venue": {"zone": "Berlin"}}, "venue.zone",
         "'Berlin' is not an IANA time zone such as Europe/Berlin."),
        (Settings, {"venue": "Berlin"}, "venue", '"Berlin" is not allowed here. Give a group of fields, such as zone.'),
        (Settings, {"logging": {"level": "debug"}}, "logging.level",
         '"debug" is not in the right form. Give DEBUG, INFO, WARNING or ERROR.'),
        (Settings, {"origin": {"name": ""}}, "origin.name",
         '"" is too short. Give one line of text of 1 to 200 characters.'),
        (Settings, {"origin": {"name": "x" * 201}}, "origin.name",
         f'"{"x" * 60}…" is too long. Give one line of text of 1 to 200 characters.'),
        (Settings, {"origin": {"url": "user:secret"}}, "origin.url",
         "The value begins with the wrong scheme. Give an address such as https://signage.example.com."),
        (Settings, {"origin": {"url": "https://user:secret@signage.example.com"}}, "origin.url",
         "Leave the user and the password out of the address of the origin."),
        (Settings, {"origin": {"enrolment_key": 1234567}}, "origin.enrolment_key",
         "The value is not allowed here. Give text."),
        (Settings, {"origin": "http://user:secret@signage.example.com"}, "origin",
         "The value is not allowed here. Give a group of fields, such as url, name and enrolment_key."),
        (OriginConfiguration, {"storage": "postgresql+asyncpg://user:secret@db/signage"}, "storage",
         "The value is not allowed here. Give a group of fields, such as data_dir, database_url and reserve_bytes."),
        (OriginConfiguration, {"publish": "secret"}, "publish", "The value is not allowed here. "
         "Give a group of fields, such as valid_for_s, enrolment_key and enrolment_channel."),
        (Login, "secret", BODY, "The value is not allowed here. "
         "Give a group of fields, such as token, name and password."),
        (OriginConfiguration, {"pipeline": {"retry_first_s": 0}}, "pipeline.retry_first_s",
         "0 is too small. Give a number in seconds, more than 0."),
        (OriginConfiguration, {"uploads": {"largest_bytes": 0}}, "uploads.largest_bytes",
         "0 is too small. Give a whole number in bytes, at least 1."),
        (PlaylistDraft, {}, "name", "This field is missing. Give one line of text of 1 to 200 characters."),
        (PlaylistDraft, [], BODY, "The list is not allowed here. Give a group of fields, such as name and items."),
        (ScheduleDraft, {"overlays": [OVERLAY] * 9}, "overlays",
         "The list has too many entries. Give a list of at most 8 entries."),
        (ScheduleDraft, {"overlays": [OVERLAY | {"kind": "clock"}]}, "overlays.0",
         '"clock" is not a kind that is known here. Set kind to "logo" or "ticker".'),
        (ScheduleDraft, {"overlays": [{}]}, "overlays.0",
         'The field kind is missing. Set kind to "logo" or "ticker".'),
        (ScheduleDraft, {"overlays": [OVERLAY | {"colr": 3}]}, "overlays.0.ticker.colr",
         "There is no field of this name. Did you mean colour?"),
        (FolderPlan, {"items": [{"file": "a.png", "starts_at": AT}]}, "items.0.starts_at",
         "2031-01-01 00:00:00 has no time zone. "
         "Give a date and time with its time zone, such as 2026-11-23T18:00:00Z."),
        (FolderPlan, {"dayparts": [{"name": "a", "first_day": "soon"}]}, "dayparts.0.first_day",
         '"soon" is not allowed here. Give a date such as 2026-11-23.'),
        (FolderPlan, {"items": [{}]}, "items.0", "Name either a file or a url."),
        (CampaignDraft, {"name": "a\x1bb", "advertiser": "b", "starts_at": "2031-01-01T00:00:00Z",
                         "ends_at": "2031-01-02T00:00:00Z", "lines": []}, "name",
         '"a?b" is not in the right form. Give one line of text of 1 to 200 characters.'),
    ],
)  # fmt: skip
def test_a_sentence_says_what_is_wrong_and_what_the_field_takes(
    model: type[BaseModel], document: object, field: str, sentence: str
) -> None:
    with pytest.raises(ValidationError) as raised:
        model.model_validate(document)
    assert rejected(raised.value, model).fields[field] == sentence


def test_the_message_names_the_fields_and_one_line_explains_each() -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({"playback": {"volume": 101, "volum": 3}})
    error = rejected(raised.value, Settings)
    assert str(error) == "2 fields are wrong: playback.volum, playback.volume."
    assert one_line(error) == (
        "playback.volum: There is no field of this name. Did you mean volume? "
        "playback.volume: 101 is too large. Give a whole number in percent from 0 to 100."
    )
    assert one_line(Rejected("The certificate is missing.", fields={"endpoint.tls_key": "is not set"})) == (
        "The certificate is missing. endpoint.tls_key: is not set"
    )


def test_a_document_with_a_hundred_thousand_faults_is_refused_in_a_short_message() -> None:
    with pytest.raises(ValidationError) as raised:
        PlayBatch.model_validate({"plays": [0] * 100_000})  # its list ends at the first fault
    assert list(rejected(raised.value, PlayBatch).fields) == ["plays.0"]
    with pytest.raises(ValidationError) as raised:
        ScheduleDraft.model_validate({f"field{n}": 1 for n in range(100_000)})
    assert str(rejected(raised.value, ScheduleDraft)).startswith("The document has 100000 faults.")
    with pytest.raises(ValidationError) as raised:
        ScheduleDraft.model_validate({f"field{n}": 1 for n in range(100)})
    error = rejected(raised.value, ScheduleDraft)
    assert len(error.fields) == 20
    assert str(error).startswith("20 fields or more are wrong: field0, field1, ") and len(one_line(error)) < 5_000


def schemas(node: object) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
    for below in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from schemas(below)


def models(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for model in base.__subclasses__():
        yield from models(model)
        if model.__module__.split(".")[0] in ("player", "sync"):
            yield model


def test_every_pattern_of_a_model_has_words() -> None:
    for package in (player, sync):
        for module in walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(("__main__", "migrations.env")):  # programs, and what only Alembic runs
                import_module(module.name)
    nodes = [node for model in models() for node in schemas(model.model_json_schema())]
    patterns = {node["pattern"] for node in nodes if isinstance(node.get("pattern"), str)}
    assert len(patterns) > 5
    assert patterns <= PATTERNS.keys()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "It is empty. Send JSON."),
        (b'{"name":', "The JSON ends too early at line 1, column 8. Send all of it."),
        (
            b'{"name": 1,}',
            "This is not JSON at line 1, column 12. Correct it there, or check that JSON is what is sent.",
        ),
        (b"\xff", "This is not JSON at line 1, column 1. Correct it there, or check that JSON is what is sent."),
    ],
)
def test_a_body_that_is_not_json_says_where(text: bytes, sentence: str) -> None:
    with pytest.raises(ValidationError) as raised:
        PlaylistDraft.model_validate_json(text)
    error = rejected(raised.value, PlaylistDraft)
    assert (str(error), error.fields) == (sentence, {BODY: sentence})


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b'{"a": nope}', "This is not JSON at line 1, column 7. Correct it there, or check that JSON is what is sent."),
        (b"\xff", "This is not UTF-8 text. Send JSON as UTF-8."),
        (b"[" * 100_000, "The JSON has too many levels. Send a simpler document."),
    ],
)
def test_json_read_without_a_model_says_where_it_breaks(text: bytes, sentence: str) -> None:
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        fault = json_fault(error)
    assert fault == sentence


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (b"a = 1\na = 2\n", "is not correct TOML in line 2, column 6: the same name is set twice."),
        (b"[a]\n[a]\n", "is not correct TOML in line 2, column 3: the same section is there twice."),
        (b'a = "x', "is not correct TOML at its end, line 1: a closing quotation mark is missing."),
        (b"a = [1", "is not correct TOML at its end, line 1: a closing bracket ] is missing."),
        (b"a = {b = 1", "is not correct TOML at its end, line 1: a closing brace } is missing."),
        (b"[origin\n", "is not correct TOML in line 1, column 8: a closing bracket ] is missing."),
        (b"a 1", "is not correct TOML in line 1, column 3: an equals sign is missing after a name."),
        (b"\na = hello", "is not correct TOML in line 2, column 5: the value is no number, neither true nor false, "
         "and not text in quotation marks."),
        (b'a = "\\q"', "is not correct TOML in line 1, column 8: a backslash is not allowed between double quotation "
         "marks; use single ones."),
        (b"a = 1 2", "is not correct TOML in line 1, column 7: something follows the value that does not belong "
         "to it."),
        (b"= 3", "is not correct TOML in line 1, column 1: the line does not begin with a name or a [section]."),
        (b"a = {b = 1, b = 2}", "is not correct TOML in line 1, column 18: the same name is set twice."),
        (b"a = 1\nb = '\xff'", "is not UTF-8 text in line 2. Save it as UTF-8."),
        (b"a = " + b"[" * 100_000, "has too many levels of brackets."),
        (b"a" + b".a" * 100_000 + b" = 1", "has a name with too many dots: a name has at most 100 parts."),
        (b"\t[ a" + b" .a" * 100_000 + b" ]", "has a name with too many dots: a name has at most 100 parts."),
        (b"a = " + b"9" * 100_000, "has a number with too many digits."),
        (b"a = " + b" " * 2_000_000, "is not correct TOML at its end, line 1: the value is no number, neither true nor "
         "false, and not text in quotation marks."),
        (b'a = """' + b'\\"' * 500_000, "is not correct TOML at its end, line 1: a closing quotation mark is missing."),
        ("a = 1".encode("utf-16"), "is UTF-16 text. Save it as UTF-8: in Notepad, Save as, Encoding."),
        (b"#" * 9_000_000, "is too large: at most 8388608 bytes are read."),
    ],
)  # fmt: skip
def test_a_toml_file_says_where_it_breaks(tmp_path: Path, text: bytes, fault: str) -> None:
    path = tmp_path / "player.toml"
    path.write_bytes(text)
    with pytest.raises(Rejected) as raised:
        read_toml(path)
    assert str(raised.value) == f"{path} {fault}"


def test_a_toml_file_may_begin_with_a_byte_order_mark_and_hold_long_texts_with_dots(tmp_path: Path) -> None:
    path = tmp_path / "player.toml"
    path.write_bytes(b"\xef\xbb\xbfa = '" + b"and.so.on." * 1000 + b"' # " + b"a." * 1000 + b"\nb.c = 1\n")
    assert read_toml(path)["b"] == {"c": 1}


def test_a_toml_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="cannot be read: there is no such file or folder"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(Rejected, match="cannot be read: it is a folder, not a file"):
        read_toml(tmp_path)


def test_an_argument_is_read_or_refused_in_words() -> None:
    port = argument(Annotated[int, Field(ge=0, le=65_535)])
    assert port("8080") == 8080
    with pytest.raises(Exception, match=r'"abc" is not allowed here\. Give a whole number from 0 to 65535\.'):
        port("abc")


def test_a_choice_of_kinds_names_each() -> None:
    adapter: TypeAdapter[int | bool] = TypeAdapter(int | bool)
    with pytest.raises(ValidationError) as raised:
        adapter.validate_python("x")
    assert rejected(raised.value, adapter).fields == {
        BODY: '"x" is not allowed here. Give a whole number or true or false.'
    }
