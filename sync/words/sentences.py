"""A table of sentences by code: says one with its values, and reads back which one a text is.

Sentences are stored, cross processes and come from older programs as plain English. So a code is not carried beside a
text but read from it: a text that the table can say has its code, whoever wrote it and when.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

LONGEST = 2_000
"""Characters of a text that is read; a longer one has no code."""
_HOLE = re.compile(r"\{(\w+)\}")


class Told(BaseModel):
    """What a sentence is: its code, which never changes, and the values in it, by name."""

    model_config = ConfigDict(frozen=True)

    code: str = ""
    values: dict[str, str] = {}


class _Template(NamedTuple):
    """A template as the texts around its values: one more than there are names."""

    code: str
    texts: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def weight(self) -> int:
        return sum(map(len, self.texts))


class Sentences:
    """A table of templates by code, such as `"there is no media {id}"`."""

    def __init__(self, templates: Mapping[str, str]) -> None:
        self.templates = dict(templates)
        self._remembered = lru_cache(maxsize=512)(self._find)

    def say(self, code: str, **values: object) -> str:
        """Return the sentence of a code; raises KeyError for a code or a value that is missing."""
        return self.templates[code].format_map(values)

    def told(self, text: str) -> Told:
        """Return code and values of a sentence of this table; of any other text an empty code.

        Where several could have said it, it is the one with the most words of its own.
        """
        return self._remembered(text) if len(text) <= LONGEST else Told()

    def all_told(self, text: str) -> tuple[Told, ...]:
        """Return code and values of a text of one or two sentences; what this table cannot say has an empty code."""
        for end in re.finditer(r"\.(?= )", text[:LONGEST]):
            both = self.told(text[: end.end()]), self.told(text[end.end() + 1 :])
            if both[0].code and both[1].code:
                return both
        return (self.told(text),)

    @cached_property
    def _parsed(self) -> tuple[_Template, ...]:
        parsed = [
            _Template(code, tuple(_HOLE.split(template)[::2]), tuple(_HOLE.findall(template)))
            for code, template in self.templates.items()
        ]
        return tuple(sorted(parsed, key=lambda one: -one.weight))

    def _find(self, text: str) -> Told:
        for one in self._parsed:
            found = _values(one, text)
            values = dict(zip(one.names, found or (), strict=False))
            if found is not None and [values[name] for name in one.names] == found:  # what is said twice is the same
                return Told(code=one.code, values=values)
        return Told()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.templates.items())


def _values(template: _Template, text: str) -> list[str] | None:
    """Return the values in a text, each as short as it can be but the last; None: another template said it.

    Each text between two values is looked for once, from left to right, so that no text takes long to read.
    """
    first, last = template.texts[0], template.texts[-1]
    if not template.names:
        return [] if text == first else None
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return None
    values, place, end = [], len(first), len(text) - len(last)
    for between in template.texts[1:-1]:
        found = text.find(between, place, end)
        if found < 0:
            return None
        values.append(text[place:found])
        place = found + len(between)
    return [*values, text[place:end]]
