"""A change of a playlist writes the items that differ: as few rows and positions as can be."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.store.item_rows import GAP, positions
from tests.origin.planning_origin import PlanningOrigin

IDS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@settings(deadline=None)
@given(st.lists(IDS, min_size=1, max_size=8))
def test_positions_have_the_order_however_often_it_changes(orders: list[list[str]]) -> None:
    known: dict[str, int] = {}
    for order in orders:
        known = positions(known, order)
        assert sorted(known, key=known.__getitem__) == order
        assert len(set(known.values())) == len(order)


def test_what_stays_keeps_its_position() -> None:
    known = positions({}, ["a", "b", "c"])
    assert known == {"a": 0, "b": GAP, "c": 2 * GAP}
    assert positions(known, ["c", "a", "b"]) == {**known, "c": -GAP}
    assert positions(known, ["a", "x", "b", "c"]) == {**known, "x": GAP // 2}
    assert positions(known, ["b", "c", "d"]) == {"b": GAP, "c": 2 * GAP, "d": 3 * GAP}
    assert positions({"a": 0, "b": 1}, ["a", "x", "b"]) == {"a": 0, "x": GAP, "b": 2 * GAP}  # no room: all are new
    assert positions({"a": -(2**30)}, ["x", "a"]) == {"x": 0, "a": GAP}


async def test_an_edit_of_one_of_many_items_writes_one_row(planning: PlanningOrigin) -> None:
    await planning.make_media("m")
    item = PlaylistItem(media="m", fit="cover", background="#ffffff", starts_at="2026-03-01T08:00:00Z")
    many = PlaylistDraft(name="Many", items=(item,) * 1_200)
    made = await planning.playlists.create(many)

    async def rows_written(version: int, *items: PlaylistItem) -> int:
        with heard_rows(planning) as rows:
            stored = await planning.playlists.replace(made.id, PlaylistDraft(name="Many", items=items), version=version)
        wanted = [one.id for one in items if one.id]
        assert [one.id for one in stored.items if one.id in wanted] == wanted
        return sum(rows)

    first, *others = made.items
    louder = first.model_copy(update={"volume": 7})
    assert await rows_written(1, louder, *others) == 1
    assert await rows_written(2, *others, louder) == 1
    assert await rows_written(3, *others[:600], item, *others[600:], louder) == 1
    assert await rows_written(4, *others, louder) == 0
    assert await rows_written(5, *others, louder) == 0


@contextmanager
def heard_rows(planning: PlanningOrigin) -> Iterator[list[int]]:
    """Provide how many items each insertion writes from now on."""
    rows = list[int]()

    def hear(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, is_many: bool) -> None:
        if statement.startswith("INSERT INTO playlist_items"):
            rows.append(len(parameters) if is_many else 1)

    engine = planning.database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield rows
    finally:
        event.remove(engine, "before_cursor_execute", hear)
