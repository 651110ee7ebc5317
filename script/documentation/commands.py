"""The page of commands: each with its options, read from the parsers."""

import argparse
import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

from endpoints import origin_document
from markdown import table

import player.app.cli
import sync.origin.app.cli
from sync.origin.remote.verbs import verbs_of

_OF_PAGES = {"account", "live", "passkeys", "session", "session-by-passkey", "session-by-provider", "sessions"}
"""What belongs to a page that logged in."""


def page() -> str:
    """Return the page."""
    parsers = (player.app.cli.parser(), sync.origin.app.cli.parser())
    own = "\n".join(part for parser in parsers for part in _commands(parser))
    return f"# Commands\n\n{own}\n{_over_http(asyncio.run(origin_document()))}"


def _over_http(document: Mapping[str, Any]) -> str:
    """Return what `signage-origin` can do over HTTP: the operations for people, by the command of each."""
    things = sorted({path.split("/")[2] for path in document["paths"] if path.startswith("/v1/")})
    rows = [
        (f"`{thing} {verb.name}`", verb.summary, f"`{verb.method} {verb.path}`")
        for thing in things
        if thing not in _OF_PAGES
        for verb in verbs_of(thing, document)
    ]
    text = (
        "Made from the operations of the origin that is asked: its address is `--origin URL` or `SIGNAGE_ORIGIN_URL`, "
        "the key `--key-file FILE` or `SIGNAGE_ORIGIN_KEY`. Ids come first, each field and parameter is an option, "
        "`--body FILE` has all fields as JSON, and is the only way to give a password; `--json` prints the answer as "
        "it is. `media upload FILE…` sends files. "
        "Things that have commands on the data of this machine, too, are asked over HTTP with `--origin`.\n"
    )
    return f"## signage-origin THING VERB\n\n{text}\n{table(('command', 'what it does', 'operation'), rows)}"


def _commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    rows = [(_name(action), " ".join((action.help or "").split())) for action in _options(parser)]
    texts = [text.strip() for text in (parser.description or "", parser.epilog or "") if text.strip()]
    yield "\n\n".join((f"## {parser.prog}", *texts, table(("option", "meaning"), rows)))
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _commands(inner)


def _options(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    yield from (
        action
        for action in parser._actions
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction)
    )


def _name(action: argparse.Action) -> str:
    if not action.option_strings:
        return f"`{action.metavar or action.dest}`"
    value = (
        "" if action.nargs == 0 else f" {action.metavar or '|'.join(map(str, action.choices or [action.dest.upper()]))}"
    )
    return ", ".join(f"`{option}{value}`" for option in action.option_strings)
