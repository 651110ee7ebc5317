"""Turns what is wrong with settings, requests, files and arguments into sentences for people.

A sentence says what is wrong, with the value that was given (but no secret, and no text in place of a group that holds
one), and what to do: the nearest right name, or what is expected with its range and unit. No text of a library and no
type name of Python appears in it. The JSON schema of the model tells what is expected; without a model the sentences do
not say it.
"""

import argparse
import codecs
import difflib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, time
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from sync.errors import Rejected
from sync.runtime.os_messages import os_reason
from sync.wire.input.expected_values import Schema, expected, listed, resolved

Model = type[BaseModel] | TypeAdapter[Any]

BODY = "body"
"""The name of the whole document, where no single field is at fault."""

_FILE_CAP_BYTES = 8 * 1024 * 1024  # a playlist.toml with 10,000 items and long titles
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_TOML_TEXTS = re.compile(  # a text that nobody ends goes to the end, so that it is looked at once
    r""""{3}(?:[^\\"]|\\.|"(?!""))*+(?:"{3}|\Z)|'{3}.*?(?:'{3}|\Z)|"(?:[^"\\\n]|\\.)*+"?|'[^'\n]*+'?|#[^\n]*+""",
    re.DOTALL,
)
_DEEP_NAME = re.compile(r"(?<![\w. \t-])[ \t]*+(?:[\w-]*+[ \t]*+\.[ \t]*+){100}")
_LONGEST_VALUE = 60  # characters of a wrong value that are repeated
_LONGEST_NAME = 100  # characters of the name of a field
_MOST_NAMES = 12  # names in one sentence
_MOST_FIELDS = 20  # explained
_MOST_FAULTS = 1_000  # looked at: pydantic needs 3 us for each, and a hostile document has a hundred thousand
_SECRET = re.compile("key|token|password|secret|url|signature", re.IGNORECASE)

_COMPLAINTS = {
    "This field is missing": (
        "missing", "missing_argument", "missing_keyword_only_argument", "missing_positional_only_argument",
    ),
    "There is no field of this name": (
        "extra_forbidden", "unexpected_keyword_argument", "unexpected_positional_argument", "no_such_attribute",
    ),
    "This field is given twice": ("multiple_argument_values",),
    "This field cannot be changed": ("frozen_field", "frozen_instance"),
    "{value} is too small": ("greater_than", "greater_than_equal"),
    "{value} is too large": ("less_than", "less_than_equal", "int_parsing_size"),
    "{value} is not a multiple of {multiple_of}": ("multiple_of",),
    "{value} has too many digits": ("decimal_max_digits", "decimal_max_places", "decimal_whole_digits"),
    "{value} has too few entries": ("too_short",),
    "{value} has too many entries": ("too_long",),
    "{value} is too short": ("string_too_short", "bytes_too_short"),
    "{value} is too long": ("string_too_long", "bytes_too_long", "url_too_long"),
    "{value} is not in the right form": ("string_pattern_mismatch", "string_not_ascii"),
    "{value} is not UTF-8 text": ("string_unicode", "bytes_invalid_encoding"),
    "{value} has no time zone": ("timezone_aware",),
    "{value} has a time zone and must not have one": ("timezone_naive",),
    "{value} has the wrong offset from UTC": ("timezone_offset",),
    "{value} is not in the past": ("date_past", "datetime_past"),
    "{value} is not in the future": ("date_future", "datetime_future"),
    "{value} has a time of day": ("date_from_datetime_inexact",),
    "{value} begins with the wrong scheme": ("url_scheme",),
    "{value} contains itself, or has too many levels": ("recursion_loop", "recursion_depth_exceeded"),
    "A name in this group of fields is not text": ("invalid_key",),
}  # fmt: skip
_COMPLAINT_OF = {kind: complaint for complaint, kinds in _COMPLAINTS.items() for kind in kinds}
_ANY_COMPLAINT = "{value} is not allowed here"
_ADVICE = {
    "frozen_field": "Leave it out.",
    "frozen_instance": "Leave it out.",
    "none_required": "Leave it out.",
    "multiple_argument_values": "Give it once.",
    "invalid_key": "Write every name as text.",
    "timezone_naive": "Give a date and time such as 2026-11-23T18:00:00.",
}
"""What to do, where that is not to give what the field takes."""

_TOML_REASONS = (
    ("Expected '=' after a key", "an equals sign is missing after a name"),
    ("Cannot overwrite a value", "the same name is set twice"),
    ("Duplicate inline table key", "the same name is set twice"),
    ("Cannot declare", "the same section is there twice"),
    ("Cannot mutate immutable", "the same section is there twice"),
    ("Expected ']'", "a closing bracket ] is missing"),
    ("Unclosed array", "a closing bracket ] is missing"),
    ("Unclosed inline table", "a closing brace } is missing"),
    ("Unterminated string", "a closing quotation mark is missing"),
    ("Found invalid character", "a closing quotation mark is missing, or a character is not allowed"),
    ("Illegal character", "a closing quotation mark is missing, or a character is not allowed"),
    ("Unescaped '\\' in a string", "a backslash is not allowed between double quotation marks; use single ones"),
    ("Expected newline or end of document", "something follows the value that does not belong to it"),
    ("Invalid value", "the value is no number, neither true nor false, and not text in quotation marks"),
    ("Invalid initial character for a key part", "a name is missing or has a character that is not allowed"),
    ("Invalid statement", "the line does not begin with a name or a [section]"),
)


def rejected(error: ValidationError, model: Model | None = None) -> Rejected:
    """Return a failed validation as ours: `fields` has a sentence for each wrong field, at most 20, by its path."""
    if error.error_count() > _MOST_FAULTS:
        many = f"The document has {error.error_count()} faults. Send one that fits the description of this operation."
        return Rejected(many, fields={BODY: many})
    root: Schema = {} if model is None else _schema(model)
    fields: dict[str, str] = {}
    for fault in error.errors(include_url=False):
        path, node = _locate(root, fault["loc"])
        if path not in fields:
            fields[path] = _sentence(fault, path, node, root)
        if len(fields) == _MOST_FIELDS:
            break
    return Rejected(_summary(fields), fields=fields)


def one_line(error: Rejected) -> str:
    """Return an error's message and what is wrong with each field in one line."""
    message = "" if str(error) == _summary(error.fields) else str(error)
    return " ".join(filter(None, (message, field_reasons(error.fields))))


def field_reasons(fields: Mapping[str, str]) -> str:
    """Return what is wrong with each field, in one line."""
    return " ".join(reason if path == BODY else f"{path}: {reason}" for path, reason in sorted(fields.items()))


def _summary(fields: Mapping[str, str]) -> str:
    if list(fields) == [BODY]:
        return fields[BODY]
    names = ", ".join(sorted(fields))
    if len(fields) == 1:
        return f"The field {names} is wrong."
    return f"{len(fields)} fields{' or more' if len(fields) == _MOST_FIELDS else ''} are wrong: {names}."


def read_toml(path: Path) -> dict[str, Any]:
    """Return what a TOML file says; blocks.

    Raises:
        Rejected: it cannot be read, is too large, or is not TOML; the message says where.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_FILE_CAP_BYTES + 1)
    except OSError as error:
        raise Rejected(f"{path} cannot be read: {os_reason(error)}.") from error
    if len(raw) > _FILE_CAP_BYTES:
        raise Rejected(f"{path} is too large: at most {_FILE_CAP_BYTES} bytes are read.")
    if raw.startswith(_UTF_16_MARKS) or b"\0" in raw:
        raise Rejected(f"{path} is UTF-16 text. Save it as UTF-8: in Notepad, Save as, Encoding.")
    try:
        text = raw.removeprefix(codecs.BOM_UTF8).decode()  # Windows puts a mark before UTF-8
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise Rejected(f"{path} is not UTF-8 text in line {line}. Save it as UTF-8.") from error
    return _parse_toml(path, text)


def _parse_toml(path: Path, text: str) -> dict[str, Any]:
    if _DEEP_NAME.search(_TOML_TEXTS.sub("", text)):  # the library needs minutes for a name of 100,000 parts
        raise Rejected(f"{path} has a name with too many dots: a name has at most 100 parts.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Rejected(f"{path} {_toml_fault(str(error), len(text.splitlines()))}") from error
    except RecursionError as error:
        raise Rejected(f"{path} has too many levels of brackets.") from error
    except ValueError as error:  # Python reads no number of more than 4,300 digits
        raise Rejected(f"{path} has a number with too many digits.") from error


def json_fault(error: ValueError | RecursionError) -> str:
    """Return where text stops being JSON, as a sentence."""
    if isinstance(error, UnicodeDecodeError):
        return "This is not UTF-8 text. Send JSON as UTF-8."
    if isinstance(error, RecursionError):
        return "The JSON has too many levels. Send a simpler document."
    return _json_sentence(str(error))


def wrong_variable(prefix: str, error: Exception, name: str = "") -> Rejected:
    """Return the fault of an environment variable that holds a list or group of fields and is not JSON.

    Without its `name`, which counts in any case of letters, it is found by its value.
    """
    value = getattr(error.__cause__, "doc", None)
    ours = [each for each in os.environ if each.upper().startswith(prefix)]
    names = [each for each in ours if (each.upper() == name.upper() if name else os.environ[each] == value)]
    subject = " or ".join(sorted(names)) or f"A variable that begins with {prefix}"
    return Rejected(f'{subject} is not JSON. Write a list as ["one", "two"] and a group of fields as {{"name": 1}}.')


def argument(kind: Any) -> Callable[[str], Any]:
    """Return a reader of a command-line argument for argparse: `kind` is a type, with its bounds, for pydantic."""
    adapter: TypeAdapter[Any] = TypeAdapter(kind)

    def read(text: str) -> Any:
        try:
            return adapter.validate_python(text)
        except ValidationError as error:
            raise argparse.ArgumentTypeError(one_line(rejected(error, adapter))) from error

    return read


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the name that was probably meant, None if none is like it."""
    if len(name) > _LONGEST_NAME:
        return None  # comparing takes as long as the name is
    return next(iter(difflib.get_close_matches(name, list(names), n=1, cutoff=0.6)), None)


@cache
def _schema(model: Model) -> Schema:
    return model.json_schema() if isinstance(model, TypeAdapter) else model.model_json_schema()


def _locate(root: Schema, where: Sequence[int | str]) -> tuple[str, Schema]:
    """Return the dotted path without the library's own marks, and the schema there, empty if it is not known."""
    node: Schema = resolved(root, root)
    parts = []
    for part in where:
        below = _below(root, node, part)
        if below is None and (node.get("anyOf") or "[" in str(part)):
            continue  # which alternative of a union, or which function, failed: not a name people know
        parts.append(_cut(str(part), _LONGEST_NAME))
        node = below or {}
    return ".".join(parts) or BODY, node


def _below(root: Schema, node: Schema, part: int | str) -> Schema | None:
    found: Any = None
    if isinstance(part, int):
        found = node.get("items")
    elif part in node.get("properties", {}):
        found = node["properties"][part]
    elif part in node.get("discriminator", {}).get("mapping", {}):
        found = {"$ref": node["discriminator"]["mapping"][part]}
    elif isinstance(node.get("additionalProperties"), Mapping):
        found = node["additionalProperties"]
    return resolved(root, found) if isinstance(found, Mapping) else None


def _sentence(fault: ErrorDetails, path: str, node: Schema, root: Schema) -> str:
    kind, given = fault["type"], fault.get("ctx", {})
    if kind in ("value_error", "assertion_error"):
        return _own_words(given, fault)
    if kind == "json_invalid":
        return _json_sentence(str(given.get("error", "")))
    if kind.startswith("union_tag"):
        return _kind_sentence(given, node)
    name = path.rpartition(".")[2]
    complaint = _COMPLAINT_OF.get(kind, _ANY_COMPLAINT)
    secret = "writeOnly" in node or any(map(_SECRET.search, (path, *node.get("properties", ()))))
    start = complaint.format(value="The value" if secret else _shown(fault["input"]), **{"multiple_of": "", **given})
    if complaint == _COMPLAINT_OF["extra_forbidden"]:
        return f"{start}. {_right_name(name, fault['loc'], root)}"
    if kind in _ADVICE:
        return f"{start}. {_ADVICE[kind]}"
    hint = "" if secret else _right_value(fault["input"], node)
    return f"{start}. Give {expected(node, name)}.{hint}"


def _own_words(given: Mapping[str, Any], fault: ErrorDetails) -> str:
    """Return what a validator of ours says, as a sentence."""
    words = str(given.get("error") or fault["msg"])
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."


def _kind_sentence(given: Mapping[str, Any], node: Schema) -> str:
    field = str(given.get("discriminator", "kind")).strip("'")
    tags = list(node.get("discriminator", {}).get("mapping", ()))
    start = f"The field {field} is missing"
    if "tag" in given:
        start = f"{_shown(given.get('tag'))} is not a {field} that is known here"
    return f"{start}. Set {field} to {listed(map(json.dumps, tags), 'or') if tags else 'one that is known here'}."


def _right_name(name: str, where: Sequence[int | str], root: Schema) -> str:
    """Return the field that was probably meant: one of the same group, else one of another section."""
    group = _locate(root, where[:-1])[1]
    names = list(group.get("properties", {}))
    meant = nearest(name, names)
    if meant:
        return f"Did you mean {meant}?"
    sections = {part: resolved(root, node) for part, node in root.get("properties", {}).items()}
    home = next((part for part, node in sections.items() if name in node.get("properties", {})), None)
    if home:
        return f"It belongs to {home}."
    if names and len(names) <= _MOST_NAMES:
        return f"The {'field here is' if len(names) == 1 else 'fields here are'} {listed(names)}."
    return "Remove it, or correct its name."


def _right_value(value: object, node: Schema) -> str:
    choices = [each for each in node.get("enum", ()) if isinstance(each, str)]
    meant = nearest(value, choices) if isinstance(value, str) else None
    return f" Did you mean {json.dumps(meant)}?" if meant else ""


def _shown(value: object) -> str:
    """Return a wrong value as people wrote it, shortened and without control characters."""
    if isinstance(value, str):
        cut = _cut(value, _LONGEST_VALUE)
        return '"' + "".join(letter if letter.isprintable() else "?" for letter in cut) + '"'
    if isinstance(value, bool | int | float) or value is None:
        return json.dumps(value)
    if isinstance(value, date | time | Path):
        return str(value)
    if isinstance(value, Mapping | BaseModel):
        return "The group of fields"
    return "The list" if isinstance(value, list | tuple | set | frozenset) else "The value"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _json_sentence(text: str) -> str:
    place = re.search(r"line (\d+) column (\d+)", text)
    where = f" at line {place[1]}, column {place[2]}" if place else ""
    if "line 1 column 0" in text:
        return "It is empty. Send JSON."
    if "EOF" in text or "Unterminated" in text:
        return f"The JSON ends too early{where}. Send all of it."
    return f"This is not JSON{where}. Correct it there, or check that JSON is what is sent."


def _toml_fault(text: str, lines: int) -> str:
    place = re.search(r"line (\d+), column (\d+)", text)
    where = f"in line {place[1]}, column {place[2]}" if place else f"at its end, line {lines}"
    reason = next((words for start, words in _TOML_REASONS if text.startswith(start)), None)
    return f"is not correct TOML {where}" + (f": {reason}." if reason else '. Write each setting as name = "value".')
