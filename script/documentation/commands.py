"""The page of commands: each with its options, read from the parsers."""

import argparse
from collections.abc import Iterator

from markdown import table

import player.app.cli
import sync.origin.app.cli


def page() -> str:
    """Return the page."""
    parsers = (player.app.cli.parser(), sync.origin.app.cli.parser())
    return "# Commands\n\n" + "\n".join(part for parser in parsers for part in _commands(parser))


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
