"""The parser of the commands of one thing: ids first, a field or a parameter is an option."""

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sync.command_output import one_line
from sync.origin.remote.verbs import Verb

OPTION, FIELD = "option:", "field:"
"""How the destinations of parameters and of fields begin."""

_READERS: Mapping[str, Callable[[str], Any]] = {"string": str, "integer": int, "number": float}


def parser_of(thing: str, verbs: Iterable[Verb]) -> argparse.ArgumentParser:
    """Return the parser of the commands of a thing. It completes no word: what is not said in full is not done."""
    text = f"Talks of {thing} with an origin."
    parser = argparse.ArgumentParser(prog=f"signage-origin {thing}", description=text, allow_abbrev=False)
    choices = parser.add_subparsers(required=True, metavar="VERB")
    for verb in verbs:
        text = one_line(verb.summary)
        one = choices.add_parser(verb.name, help=_help(text), description=f"{text}.", allow_abbrev=False)
        add_connection(one)
        _add_verb(one, verb)
    if thing == "media":
        text = "send files; what was interrupted goes on where it ended"
        upload = choices.add_parser("upload", help=text, description=text, allow_abbrev=False)
        add_connection(upload)
        upload.add_argument("files", nargs="+", type=Path, metavar="FILE", help="pictures, films, sound")
        upload.set_defaults(verb=None)
    return parser


def add_connection(parser: argparse.ArgumentParser) -> None:
    """Add where the origin is, who asks, and how the answer is printed."""
    text = "the address of the origin (default: SIGNAGE_ORIGIN_URL, else http://127.0.0.1:8090)"
    parser.add_argument("--origin", metavar="URL", help=text)
    text = "a file with a key, as `keys add` printed it (default: the key in SIGNAGE_ORIGIN_KEY)"
    parser.add_argument("--key-file", type=Path, metavar="FILE", help=text)
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def _add_verb(parser: argparse.ArgumentParser, verb: Verb) -> None:
    for one in verb.parameters_in("path"):
        parser.add_argument(one["name"], metavar=one["name"].upper(), help=f"the {one['name']}")
    for one in verb.parameters_in("query"):
        _add_option(parser, one["name"], one["schema"], OPTION, required=one["required"])
    if verb.is_versioned:
        text = "the version that you have seen: nobody's change is lost"
        parser.add_argument("--seen-version", type=int, metavar="N", required=verb.needs_version, help=text)
    for name, schema in verb.fields.items():
        if not _is_secret(schema):  # all who are on this machine read command lines
            _add_option(parser, name, schema, FIELD)
    if verb.fields:
        secret = ", ".join(name for name, schema in verb.fields.items() if _is_secret(schema))
        text = "all fields as a JSON object in a file; - reads it from standard input"
        text += f". The only way to give {secret}" if secret else ""
        parser.add_argument("--body", metavar="FILE", help=text)
    parser.set_defaults(verb=verb)


def _add_option(
    parser: argparse.ArgumentParser, name: str, schema: Mapping[str, Any], begins: str, *, required: bool = False
) -> None:
    kind = _kind(schema)
    choices = schema.get("enum")
    shown = "TEXT" if kind == "string" else "N" if kind in ("integer", "number") else "JSON"
    parser.add_argument(
        f"--{name.replace('_', '-')}",
        dest=begins + name,
        type=_READERS.get(kind, _json),
        choices=choices,
        metavar=None if choices else shown,
        required=required,
        default=argparse.SUPPRESS,
        help=_help(str(schema.get("description", ""))) or None,
    )


def _help(text: str) -> str:
    """Return what an origin says of its operations as a help in which argparse fills in nothing."""
    return one_line(text).replace("%", "%%")


def _is_secret(schema: Mapping[str, Any]) -> bool:
    return any(one.get("format") == "password" for one in schema.get("anyOf", [schema]))


def _kind(schema: Mapping[str, Any]) -> str:
    """Return the type of a value that is written as it is, else an empty text: it is written as JSON."""
    kinds = {str(one.get("type", "")) for one in schema.get("anyOf", [schema])} - {"null"}
    return kinds.pop() if len(kinds) == 1 and kinds <= _READERS.keys() else ""


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"is not JSON: {text[:60]}") from error
