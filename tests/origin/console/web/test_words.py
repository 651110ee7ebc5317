"""What the console says: every sentence is there in each language, with the same values."""

import re
from pathlib import Path

import pytest

from sync.origin.console.server import WEB
from sync.words.problems import PROBLEMS

LANGUAGES = sorted(folder.name for folder in (WEB / "words").iterdir())
CATALOGUES = sorted(file.name for file in (WEB / "words/en").iterdir())
_MESSAGE = re.compile(r"^([a-zA-Z][\w-]*) =(.*(?:\n(?:[ \t}].*|(?=\n)))*)", re.MULTILINE)
_VALUE = re.compile(r"\{\s*\$(\w+)")
_SAID = re.compile(r'\bt\("([a-zA-Z][\w-]*)"')


def _messages(language: str, catalogue: str) -> dict[str, set[str]]:
    """Return the messages of a catalogue, each with the names of its values."""
    text = (WEB / "words" / language / catalogue).read_text()
    found = [(id, set(_VALUE.findall(words))) for id, words in _MESSAGE.findall(text)]
    assert len(found) == len(dict(found)), f"{language}/{catalogue} says something twice"
    return dict(found)


@pytest.mark.parametrize("catalogue", CATALOGUES)
def test_each_language_says_the_same(catalogue: str) -> None:
    english = _messages("en", catalogue)
    for language in LANGUAGES:
        said = _messages(language, catalogue)
        if catalogue == "problem.ftl":  # in English the sentences of the origin itself are the last resort
            assert set(english) <= set(said)
            continue
        assert set(said) == set(english), f"{language}/{catalogue}"
        for id, values in said.items():
            assert values <= english[id], f"{language}/{catalogue}: {id} has values that English does not know"


def test_each_catalogue_is_in_each_language() -> None:
    for language in LANGUAGES:
        assert sorted(file.name for file in (WEB / "words" / language).iterdir()) == CATALOGUES


def _scripts() -> list[Path]:
    return [file for file in sorted(WEB.rglob("*.js")) if "libraries" not in file.parts]


@pytest.mark.parametrize("file", _scripts(), ids=lambda file: str(file.relative_to(WEB)))
def test_what_is_said_is_in_the_catalogue_that_is_loaded_there(file: Path) -> None:
    everywhere = set(_messages("en", "ui.ftl")) | set(_messages("en", "shell.ftl")) | set(_messages("en", "parts.ftl"))
    view = file.relative_to(WEB).parts[1] if "views" in file.parts else None
    known = everywhere | (set(_messages("en", f"{view}.ftl")) if view else set())
    assert set(_SAID.findall(file.read_text())) <= known


OF_PROGRAMS = frozenset(
    [
        "address_not_of_origin",
        "body_encoded",
        "body_not_http",
        "chunk_type",
        "exchange_not_object",
        "expectation",
        "header_must_be",
        "header_too_large",
        "heartbeat_too_large",
        "http_version",
        "idempotency_key_of_other",
        "idempotency_key_wrong",
        "json_cut",
        "json_deep",
        "json_empty",
        "key_of_another",
        "method_not_allowed",
        "no_kind",
        "no_proxy",
        "not_a_cursor",
        "not_a_key_request",
        "not_json",
        "not_utf8",
        "only_a_websocket",
        "other_bytes",
        "other_order",
        "pairing_secret_needed",
        "range_outside",
        "signed_by_too_few",
        "too_many_device_keys",
        "transfer_encoding",
        "tus_version",
        "unknown_kind",
        "wrong_host",
        "wrong_if_match",
        "wrong_last_day",
        "wrong_until",
    ]
)
"""Refusals of what only a program sends: the page never does, and they stay English."""


def test_each_refusal_that_a_person_meets_is_said_in_german() -> None:
    said = _messages("de", "problem.ftl")
    missing = {code for code in PROBLEMS.templates if f"problem-{code}" not in said}
    assert missing == OF_PROGRAMS, "say it in words/de/problem.ftl"
    for code, template in PROBLEMS.templates.items():
        told = set(re.findall(r"{(\w+)", template))
        assert said.get(f"problem-{code}", set()) <= told, f"problem-{code} has values that the origin does not tell"
