"""What an edit, or its undoing, makes of a stored document that others changed meanwhile. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic

from pydantic import ValidationError

from sync.errors import Clash, Rejected
from sync.origin.editing.agreement import agreements
from sync.origin.editing.edits import Edit, apply
from sync.origin.editing.kinds import Draft, EditedKind
from sync.origin.editing.merging import Merge, merge
from sync.origin.editing.parts import WHOLE, Body, Part, Parts, put_together, take_apart
from sync.wire.input.input_messages import rejected

MOST_NAMED = 100
"""The most clashes, and the most differences that both sides agree on, of one answer."""

MediaNames = Mapping[str, str]
NO_NAMES: MediaNames = {}

_NAMES = ("title", "name", "text", "kind")  # the first one that a part has is what people call it
_CHANGED_TOO = "somebody else changed the same, since the version that you saw"


@dataclass(frozen=True, slots=True)
class EditedDraft(Generic[Draft]):
    """What a document is to become, and for each edit the ids of the parts that it added."""

    draft: Draft
    added: tuple[tuple[str, ...], ...]


def edited_draft(
    kind: EditedKind[Draft],
    seen: Body,
    now: Body,
    edits: Sequence[Edit],
    new_id: Callable[[], str],
    names: MediaNames = NO_NAMES,
) -> EditedDraft[Draft]:
    """Return what these edits of the version `seen` make of the version `now`; a clash tells media by their `names`.

    Raises:
        Rejected: an edit names what is not there, or what it makes is not valid; `fields` says by ids where.
        Clash: others changed the same.
    """
    before = take_apart(kind.structure, seen)
    edited = apply(kind.structure, before, edits, new_id)
    if seen is now:
        return EditedDraft(valid_draft(kind, edited.parts), edited.added)
    return EditedDraft(_merged_draft(kind, before, edited.parts, now, edited.moved, _CHANGED_TOO, names), edited.added)


def undone_draft(kind: EditedKind[Draft], before: Body, after: Body, now: Body, names: MediaNames = NO_NAMES) -> Draft:
    """Return the version `now` without what changed from `before` to `after`; a clash tells media by their `names`.

    Raises:
        Clash: something that was changed later builds on it.
    """
    parts = (take_apart(kind.structure, after), take_apart(kind.structure, before))
    return _merged_draft(kind, *parts, now, frozenset(), "what was changed later stands in the way", names)


def valid_draft(kind: EditedKind[Draft], parts: Parts) -> Draft:
    """Return the parts as a document; raise Rejected if they are none. Its fields are named by the ids of parts."""
    body = put_together(kind.structure, parts)
    try:
        return kind.draft.model_validate(body)
    except ValidationError as error:
        raise by_ids(rejected(error, kind.draft), body) from error


def by_ids(error: Rejected, document: Mapping[str, Any]) -> Rejected:
    """Return an error whose fields are named by the ids of parts (`items.ID.media`), not by their numbers."""
    paths = {path: _by_id(path, document) for path in error.fields}
    message = str(error)
    for path, named in paths.items():
        message = message.replace(path, named)
    return Rejected(message, fields={paths[path]: why for path, why in error.fields.items()})


def _by_id(path: str, document: Any) -> str:
    words: list[str] = []
    for word in path.split("."):
        if isinstance(document, Sequence) and word.isdecimal() and int(word) < len(document):
            document = document[int(word)]
            words.append(document.get("id") or word if isinstance(document, Mapping) else word)
        else:
            document = document.get(word) if isinstance(document, Mapping) else None
            words.append(word)
    return ".".join(words)


def _merged_draft(
    kind: EditedKind[Draft],
    seen: Parts,
    yours: Parts,
    now: Body,
    placed: frozenset[Part],
    why: str,
    names: MediaNames,
) -> Draft:
    theirs = take_apart(kind.structure, now)
    merged, sides = merge(seen, yours, theirs, placed), (seen, yours, theirs)
    if merged.clashes:
        raise _clash(why, sides, merged, names)
    try:
        return valid_draft(kind, merged.parts)
    except Rejected as error:
        valid_draft(kind, yours)  # raises if it is wrong by itself
        raise _clash(f"both changes together are not valid, {error}", sides, merged, names) from error


def _clash(why: str, sides: tuple[Parts, Parts, Parts], merged: Merge, names: MediaNames) -> Clash:
    def told(part: Part) -> Mapping[str, Any]:
        fields = next((one.fields[part] for one in (merged.parts, *sides) if part in one.fields), {})
        return {"list": part.list, "id": part.id, "name": _name(part, fields, names)}

    clashes = [
        {**told(one.part), "field": one.field, "seen": one.seen, "theirs": one.theirs, "yours": one.yours}
        for one in merged.clashes[:MOST_NAMED]
    ]
    agreed = [
        {**told(one.part), "field": one.field, "seen": one.seen, "value": one.value, "by": one.by.value}
        for one in islice(agreements(*sides, merged), MOST_NAMED)
    ]
    named = ", ".join(f"{one['field'] or 'all'}{one['name'] and ' of '}{one['name']}" for one in clashes[:3])
    more = "" if len(merged.clashes) <= 3 else f" and {len(merged.clashes) - 3} more"
    return Clash(f"{why}: {named}{more}" if named else why, clashes=clashes, agreed=agreed)


def _name(part: Part, fields: Body, names: MediaNames) -> str:
    """Return what people call a part: by itself, or by the media that it shows."""
    if part == WHOLE:
        return ""
    own = next((str(fields[name]) for name in _NAMES if fields.get(name)), "")
    return own or names.get(fields.get("media", ""), part.id)
