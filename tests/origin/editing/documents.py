"""Documents and edits of them, for tests: small ones by hand, and any by chance."""

from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import strategies as st

from sync.origin.editing.edits import Add, Duplicate, Edit, Move, Place, Remove, SetFields, apply
from sync.origin.editing.kinds import CAMPAIGN_EDITS, PLAYLIST_EDITS
from sync.origin.editing.parts import WHOLE, Parts, put_together, take_apart

PLAYLIST = PLAYLIST_EDITS.structure
CAMPAIGN = CAMPAIGN_EDITS.structure


def playlist(*ids: str, name: str = "Lobby") -> Parts:
    items = [{"id": id, "media": "m", "title": id} for id in ids]
    return take_apart(PLAYLIST, {"name": name, "items": items})


def campaign(**lines: list[str]) -> Parts:
    bodies = [
        {"id": id, "name": id, "creatives": [{"id": one, "media": "m"} for one in creatives]}
        for id, creatives in lines.items()
    ]
    head = {"name": "Spring", "advertiser": "Tea", "starts_at": "2026-03-01T00:00:00.000Z"}
    return take_apart(CAMPAIGN, {**head, "ends_at": "2026-04-01T00:00:00.000Z", "lines": bodies})


def names(prefix: str) -> Callable[[], str]:
    """Return what makes ids that nobody else makes."""
    numbers = count(1)
    return lambda: f"{prefix}{next(numbers)}"


def edited(parts: Parts, *edits: Edit, by: str = "new") -> Parts:
    structure = CAMPAIGN if "advertiser" in parts.fields[WHOLE] else PLAYLIST
    return apply(structure, parts, edits, names(by)).parts


def item_ids(parts: Parts) -> list[str]:
    return [item["id"] for item in put_together(PLAYLIST, parts)["items"]]


def items(parts: Parts) -> dict[str, Any]:
    return {item["id"]: item for item in put_together(PLAYLIST, parts)["items"]}


@st.composite
def changes(draw: st.DrawFn, parts: Parts, by: str) -> list[Edit]:
    """Draw edits of a playlist by one person, each of what is there then."""
    found: list[Edit] = []
    for number in range(draw(st.integers(0, 4))):
        ids = item_ids(edited(parts, *found, by=by))
        found.append(draw(_edit(ids, f"{by}-{number}")))
    return found


def _edit(ids: list[str], value: str) -> st.SearchStrategy[Edit]:
    place = st.sampled_from([Place("first"), Place("last")])
    add: st.SearchStrategy[Edit] = st.builds(
        lambda at, many: Add("items", ({"media": value},) * many, at), place, st.integers(1, 2)
    )
    name: st.SearchStrategy[Edit] = st.just(SetFields({"name": value}))
    if not ids:
        return add | name
    some = st.lists(st.sampled_from(ids), min_size=1, max_size=3, unique=True).map(tuple)
    field = st.sampled_from(["title", "volume", "loop"])
    return st.one_of(
        add,
        name,
        st.builds(lambda which, name: SetFields({name: value}, "items", which), some, field),
        st.builds(lambda which: Remove("items", which), some),
        st.builds(lambda which, at: Move("items", which, at), some, place),
        st.builds(lambda which: Duplicate("items", which), some),
        st.builds(_move_behind, some, st.sampled_from(ids)),
    )


def _move_behind(which: tuple[str, ...], after: str) -> Edit:
    return Move("items", which, Place("first") if after in which else Place(after=after))
