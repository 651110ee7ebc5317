"""What people change of media: their names, folders and tags."""

from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from sync.origin.planning.file_names import same_word
from sync.wire.value_types import Identifier, Name, Request

MOST_TAGS = 50
"""Tags of one media."""
MOST_AT_ONCE = 1_000
"""Media that one request changes."""


def each_once(tags: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out tags that are spelled otherwise and are the same; the first spelling stays."""
    return tuple({same_word(tag): tag for tag in reversed(tags)}[key] for key in dict.fromkeys(map(same_word, tags)))


Tag = Annotated[
    str,
    StringConstraints(min_length=1, max_length=60, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f,]+$"),
]
"""A word that people put on media, in any script; a comma separates tags."""

Tags = Annotated[tuple[Tag, ...], AfterValidator(each_once), Field(max_length=MOST_TAGS)]


class MediaChange(Request):
    """What a person may change; what is left out stays. `folder` null: it lies in none. `tags` are all it has."""

    name: Name | None = None
    folder: Identifier | None = None
    tags: Tags | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "MediaChange":
        if not self.model_fields_set:
            raise ValueError("say what to change: name, folder or tags")
        if "name" in self.model_fields_set and self.name is None:
            raise ValueError("a media has a name: leave it out to keep it")
        return self


class MediaBatch(Request):
    """What changes of many media at once; without `folder` they stay where they are, null: they lie in none."""

    media: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]
    folder: Identifier | None = None
    add_tags: Tags = ()
    remove_tags: Tags = ()


class FolderDraft(Request):
    """A folder as a person makes it; without a parent it is at the top."""

    name: Name
    parent: Identifier | None = None


class FolderChange(Request):
    """What a person may change of a folder; what is left out stays. `parent` null: it comes to the top."""

    name: Name | None = None
    parent: Identifier | None = None
