"""How two versions of a document differ, part by part."""

from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sync.origin.audit.changes import ThingKind
from sync.origin.audit.differences import Difference, DifferenceKind, differences


def items(*parts: tuple[str, str]) -> dict[str, Any]:
    return {"name": "Lobby", "items": [{"id": id, "title": title} for id, title in parts]}


A, B, C = ("a", "Lunch"), ("b", "Dinner"), ("c", "News")


def test_each_part_is_added_removed_moved_or_changed_by_its_id() -> None:
    before, after = items(A, B, C), items(C, A, ("d", "New")) | {"name": "Hall"}
    after["items"][1]["title"] = "Lunch menu"
    assert differences(ThingKind.PLAYLIST, before, after) == (
        Difference(DifferenceKind.CHANGED, fields={"name": ("Lobby", "Hall")}),
        Difference(DifferenceKind.MOVED, "item", "c", "News", place=(2, 0)),
        Difference(
            DifferenceKind.CHANGED, "item", "a", "Lunch menu", place=(0, 1), fields={"title": ("Lunch", "Lunch menu")}
        ),
        Difference(DifferenceKind.ADDED, "item", "d", "New", place=(None, 2), fields={"title": (None, "New")}),
        Difference(DifferenceKind.REMOVED, "item", "b", "Dinner", place=(1, None), fields={"title": ("Dinner", None)}),
    )


def test_parts_within_parts_name_what_has_them_and_are_no_change_of_it() -> None:
    line = {"id": "l", "name": "Spring", "creatives": [{"id": "x", "title": "Film"}]}
    other = line | {"creatives": [{"id": "x", "title": "Film"}, {"id": "y", "title": "Still"}]}
    (found,) = differences(ThingKind.CAMPAIGN, {"lines": [line]}, {"lines": [other]})
    assert (found.kind, found.part, found.name, found.within) == (DifferenceKind.ADDED, "creative", "Still", "l")
    gone, inner = differences(ThingKind.CAMPAIGN, {"lines": []}, {"lines": [line]})[0], line["creatives"]
    assert (gone.kind, gone.part, gone.id, inner) == (DifferenceKind.ADDED, "line", "l", [{"id": "x", "title": "Film"}])


def test_what_was_not_there_has_all_its_parts_added_and_the_same_differs_in_nothing() -> None:
    assert [one.name for one in differences(ThingKind.PLAYLIST, {}, items(A, B))] == ["", "Lunch", "Dinner"]
    overlays = {"dayparts": [], "overlays": [{"id": "o", "kind": "ticker", "text": "Hi"}, {"id": "p", "kind": "logo"}]}
    assert [one.name for one in differences(ThingKind.SCHEDULE, {"dayparts": []}, overlays)] == ["Hi", "logo"]
    assert differences(ThingKind.SCHEDULE, overlays, overlays) == ()


def moved(before: list[int], after: list[int]) -> list[int]:
    old, new = (items(*((str(one), "") for one in ids)) for ids in (before, after))
    return [int(one.id) for one in differences(ThingKind.PLAYLIST, old, new) if one.kind is DifferenceKind.MOVED]


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)), st.sets(st.integers(8, 12)))
def test_as_few_parts_as_can_be_have_moved(order: list[int], gone: set[int], new: set[int]) -> None:
    after = [one for one in order if one not in gone] + sorted(new)
    found = moved(list(range(8)), after)
    rest = [one for one in after if one < 8 and one not in found]
    assert rest == sorted(rest)
    longest = [0] * 8
    for place, one in enumerate(kept := [one for one in after if one < 8]):
        longest[one] = 1 + max((longest[other] for other in kept[:place] if other < one), default=0)
    assert len(found) == len(kept) - max(longest)


def test_ten_thousand_parts_are_compared_in_no_time() -> None:
    ids = list(range(10_000))
    shuffled = Random(1).sample(ids, len(ids))
    assert len(moved(ids, shuffled)) > 9_000
    assert moved(ids, [9_999, *ids[:-1]]) == [9_999]
