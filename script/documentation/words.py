"""The page of words: each sentence that an origin tells, by its code, with the values in it."""

import re
from collections.abc import Sequence

from markdown import table

from sync.words.media import MEDIA_PROBLEMS
from sync.words.plays import PLAY_REASONS
from sync.words.problems import PROBLEMS
from sync.words.sentences import Sentences
from sync.words.warnings import WARNINGS

_TABLES = (
    ("Problems", "`code` and `values` of a problem, and of each field in `fields_told`.", PROBLEMS),
    (
        "Warnings",
        "`warnings_told` of schedules, campaigns, releases and previews, in the order of `warnings`.",
        WARNINGS,
    ),
    ("Media", "`problem_told` of a media, with one entry for each sentence of `problem`.", MEDIA_PROBLEMS),
    ("Plays", "`reason_told` of a play that is set aside.", PLAY_REASONS),
)


def page() -> str:
    """Return the page."""
    intro = (
        "Whatever an origin says in a sentence it says as a code with named values, too: a page in another language "
        "makes its own sentence of them. A code is never renamed, and a newer origin may tell others: then the "
        "sentence is what there is, as for a code that is empty. Codes of devices are in [problems](problems.md)."
    )
    parts = (f"## {name}\n\n{where}\n\n{_table(sentences)}" for name, where, sentences in _TABLES)
    return f"# Words\n\n{intro}\n\n" + "\n".join(parts)


def _table(sentences: Sentences) -> str:
    return table(("code", "values", "English"), (_row(code, template) for code, template in sentences))


def _row(code: str, template: str) -> Sequence[str]:
    names = dict.fromkeys(re.findall(r"\{(\w+)\}", template))
    return f"`{code}`", ", ".join(f"`{name}`" for name in names), template.replace("<", "&lt;")
