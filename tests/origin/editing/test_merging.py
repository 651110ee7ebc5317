"""Two people edit one document: what becomes of both changes, case by case and for any edits."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.errors import Rejected
from sync.origin.editing.agreement import Side, agreements
from sync.origin.editing.edits import Add, Duplicate, Edit, Move, Place, Remove, SetFields
from sync.origin.editing.merging import FieldClash, merge
from sync.origin.editing.parts import WHOLE, Part, Parts
from tests.origin.editing.documents import campaign, changes, edited, item_ids, items, playlist


def both(seen: Parts, yours: Edit, theirs: Edit) -> tuple[Parts, tuple[FieldClash, ...]]:
    merged = merge(seen, edited(seen, yours, by="y"), edited(seen, theirs, by="t"))
    return merged.parts, merged.clashes


def change(id: str, **fields: Any) -> Edit:
    return SetFields(fields, "items", (id,))


ABC = playlist("a", "b", "c")
A, B = Part("items", "a"), Part("items", "b")


@pytest.mark.parametrize(
    ("yours", "theirs", "order"),
    [
        (Add("items", ({"media": "m"},), Place("last")), Add("items", ({"media": "m"},), Place("last")), "abc t1 y1"),
        (Add("items", ({"media": "m"},), Place("first")), Add("items", ({"media": "m"},), Place("first")), "y1 t1 abc"),
        (Add("items", ({"media": "m"},), Place(after="a")), Remove("items", ("a",)), "y1 bc"),
        (Add("items", ({"media": "m"},), Place(after="b")), Remove("items", ("b",)), "a y1 c"),
        (Move("items", ("a",), Place(after="b")), Remove("items", ("b",)), "ac"),
        (Move("items", ("a",), Place("last")), Remove("items", ("a",)), "bc"),
        (Remove("items", ("a",)), Move("items", ("a",), Place("last")), "bc"),
        (Remove("items", ("a",)), Remove("items", ("a", "b")), "c"),
        (Move("items", ("c",), Place("first")), Add("items", ({"media": "m"},), Place(after="b")), "cab t1"),
        (Move("items", ("c",), Place("first")), Move("items", ("c",), Place("first")), "cab"),
        (Duplicate("items", ("a",)), change("a", volume=1), "a y1 bc"),
        (Remove("items", ("a", "b", "c")), Add("items", ({"media": "m"},), Place(after="a")), "t1"),
    ],
)
def test_what_both_placed_is_where_each_put_it(yours: Edit, theirs: Edit, order: str) -> None:
    parts, clashes = both(ABC, yours, theirs)
    assert "".join(item_ids(parts)) == order.replace(" ", "")
    assert clashes == ()


def test_people_at_different_items_or_fields_never_clash() -> None:
    parts, clashes = both(ABC, change("a", volume=7), change("b", volume=9))
    assert (items(parts)["a"]["volume"], items(parts)["b"]["volume"], clashes) == (7, 9, ())
    parts, clashes = both(ABC, change("a", volume=7), change("a", title="Menu"))
    assert (items(parts)["a"]["volume"], items(parts)["a"]["title"], clashes) == (7, "Menu", ())
    parts, clashes = both(ABC, change("a", volume=7), change("a", volume=7))
    assert (items(parts)["a"]["volume"], clashes) == (7, ())


def test_a_field_that_both_changed_has_both_sides_and_stays_as_the_others_have_it() -> None:
    parts, clashes = both(ABC, change("a", volume=7, loop=True), change("a", volume=9, title="Menu"))
    assert clashes == (FieldClash(A, "volume", 100, 9, 7),)
    assert {name: items(parts)["a"][name] for name in ("volume", "loop", "title")} == {
        "volume": 9,
        "loop": True,
        "title": "Menu",
    }


def test_what_both_agree_on_says_whose_it_is() -> None:
    seen = ABC
    yours = edited(seen, change("a", volume=7, loop=True), Remove("items", ("c",)), SetFields({"name": "X"}))
    theirs = edited(seen, change("a", volume=9, title="Menu"), SetFields({"name": "X"}))
    found = {
        (one.part, one.field): (one.value, one.by)
        for one in agreements(seen, yours, theirs, merge(seen, yours, theirs))
    }
    assert found == {
        (WHOLE, "name"): ("X", Side.BOTH),
        (A, "loop"): (True, Side.YOURS),
        (A, "title"): ("Menu", Side.THEIRS),
        (Part("items", "c"), None): (None, Side.YOURS),
    }


@pytest.mark.parametrize("is_yours", [True, False])
def test_taking_out_what_the_other_one_changed_is_a_clash_of_the_whole_part(is_yours: bool) -> None:
    removal, other = Remove("items", ("a",)), change("a", volume=7)
    parts, clashes = both(ABC, removal, other) if is_yours else both(ABC, other, removal)
    [clash] = clashes
    assert (clash.part, clash.field, clash.seen["volume"]) == (A, None, 100)
    assert (clash.theirs if is_yours else clash.yours)["volume"] == 7
    assert (clash.yours if is_yours else clash.theirs) is None
    assert ("a" in item_ids(parts)) == is_yours


def test_a_part_that_both_moved_elsewhere_is_a_clash_of_its_place() -> None:
    seen = playlist(*"abcdef")
    parts, clashes = both(seen, Move("items", ("a",), Place(after="c")), Move("items", ("a",), Place(after="e")))
    assert clashes == (FieldClash(A, "place", None, "e", "c"),)
    assert "".join(item_ids(parts)) == "bcdeaf"


def test_a_line_is_not_taken_out_with_a_creative_that_somebody_put_into_it() -> None:
    seen = campaign(one=["c1"], two=["c2"])
    theirs = edited(seen, Add("creatives", ({"media": "m"},), Place(), owner="one"), by="t")
    clashes = merge(seen, edited(seen, Remove("lines", ("one",))), theirs).clashes
    assert [(clash.part.id, clash.field, clash.yours) for clash in clashes] == [("one", None, None)]
    theirs = edited(seen, Move("creatives", ("c1",), Place(), owner="two"))
    clashes = merge(seen, edited(seen, Remove("lines", ("one",))), theirs).clashes
    assert [(clash.part.id, clash.field) for clash in clashes] == [("c1", None)]


def test_creatives_go_from_line_to_line_and_two_lines_at_once_are_a_clash() -> None:
    seen = campaign(one=["c1", "x"], two=["c2"], three=["c3"])
    yours = edited(seen, Move("creatives", ("c1",), Place("first"), owner="two"))
    theirs = edited(seen, SetFields({"volume": 3}, "creatives", ("c1",)))
    merged = merge(seen, yours, theirs)
    assert merged.clashes == ()
    assert [list(ids) for (_, name), ids in merged.parts.orders.items() if name == "creatives"] == [
        ["x"],
        ["c1", "c2"],
        ["c3"],
    ]
    theirs = edited(seen, Move("creatives", ("c1",), Place(), owner="three"))
    assert [(one.field, one.seen, one.theirs, one.yours) for one in merge(seen, yours, theirs).clashes] == [
        ("in", "one", "three", "two")
    ]


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_one_alone_gets_what_was_edited_whichever_side_it_is(data: st.DataObject) -> None:
    seen = playlist(*"abcde")
    result = edited(seen, *data.draw(changes(seen, "y")), by="y")
    assert merge(seen, result, seen).parts == result
    assert merge(seen, seen, result).parts == result
    merged = merge(seen, result, result)
    assert (merged.parts, merged.clashes) == (result, ())


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_nothing_is_lost_and_nothing_is_there_twice(data: st.DataObject) -> None:
    """Each part and field is that of whoever changed it, or a clash names it; both sides see the same."""
    seen = playlist(*"abcde")
    yours = edited(seen, *data.draw(changes(seen, "y")), by="y")
    theirs = edited(seen, *data.draw(changes(seen, "t")), by="t")
    merged, turned = merge(seen, yours, theirs), merge(seen, theirs, yours)
    ids = item_ids(merged.parts)
    assert len(ids) == len(set(ids)) and {Part("items", id) for id in ids} == set(merged.parts.fields) - {WHOLE}
    fields = {(clash.part, clash.field) for clash in merged.clashes if clash.field != "place"}
    assert fields == {(clash.part, clash.field) for clash in turned.clashes if clash.field != "place"}
    for part in {*seen.fields, *yours.fields, *theirs.fields}:
        before, own, other = (one.fields.get(part) for one in (seen, yours, theirs))
        now = merged.parts.fields.get(part)
        if (part, None) in fields:
            assert now == other
        elif own is None or other is None:
            assert now == (None if before is not None else own if other is None else other)
        else:
            for name in own:
                expected = other[name] if before is None or own[name] == before[name] else own[name]
                assert (part, name) in fields or (now or {})[name] == expected
    if not merged.clashes and not turned.clashes:
        assert merged.parts.fields == turned.parts.fields


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_what_was_undone_is_as_if_it_had_never_been(data: st.DataObject) -> None:
    """Edits of others stay: to undo is to merge the way back."""
    first = playlist(*"abcde")
    second = edited(first, *data.draw(changes(first, "y")), by="y")
    assert merge(second, first, second).parts == first
    later = (
        edited(second, SetFields({"loop": "undone"}, "items", tuple(item_ids(second)[:1])))
        if item_ids(second)
        else second
    )
    merged = merge(second, first, later)
    for clash in merged.clashes:
        assert clash.part.id == item_ids(second)[0]


def test_copies_end_where_no_document_is_so_long() -> None:
    lines = {f"l{line}": [f"l{line}-{number}" for number in range(100)] for line in range(100)}
    with pytest.raises(Rejected, match="more than 50000 parts") as refused:
        edited(campaign(**lines), *[Duplicate("lines", tuple(lines))] * 5)
    assert list(refused.value.fields) == ["edits.3.creatives"]
