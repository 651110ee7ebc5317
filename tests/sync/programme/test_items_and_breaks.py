"""Going through a playlist: order, validity, new releases, breaks, and that no loop runs for ever."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.items_and_breaks import (
    ASK_AGAIN,
    SHORTEST_SHOW,
    AdSlot,
    NothingToShow,
    Rotation,
    RotationStep,
    ShowItem,
    next_entry,
)
from sync.wire.release import AtEnd, BreakRule, Item, Playlist
from tests.sync.programme.examples import NOON, item, playlist

RULE = BreakRule(every_items=2, ads=3)


def anything(_: Item) -> bool:
    return True


def without(*names: str) -> Callable[[Item], bool]:
    return lambda each: each.id not in names


def walk(
    rotation: Rotation,
    items: Playlist,
    steps: int,
    *,
    rule: BreakRule = RULE,
    ads: bool = False,
    playable: Callable[[Item], bool] = anything,
) -> tuple[str, Rotation]:
    """What the steps show: items by name, ads as digits of their position, `-` for nothing."""
    shown = ""
    for _ in range(steps):
        step, rotation = next_entry(rotation, items, rule, NOON, playable=playable, ads=ads)
        shown += sign(step)
    return shown, rotation


def sign(step: RotationStep) -> str:
    match step:
        case ShowItem(each):
            return each.id
        case AdSlot(position, _):
            return str(position)
        case NothingToShow():
            return "-"


def test_items_come_in_order_round_and_round() -> None:
    assert walk(Rotation(), playlist("abc"), 7)[0] == "abcabca"


def test_a_break_comes_after_every_so_many_items_across_the_end_of_the_list() -> None:
    assert walk(Rotation(), playlist("abc"), 15, ads=True)[0] == "ab012ca012bc012"


def test_at_most_one_break_is_due_after_a_time_without_ads() -> None:
    _, rotation = walk(Rotation(), playlist("abc"), 9)
    assert walk(rotation, playlist("abc"), 9, ads=True)[0] == "012ab012c"


def test_the_count_to_the_next_break_goes_on_in_another_playlist() -> None:
    _, rotation = walk(Rotation(), playlist("abc", "morning"), 1, ads=True)
    assert walk(rotation, playlist("xyz", "noon"), 6, ads=True)[0] == "x012yz"


def test_a_break_cut_short_by_ads_running_out_starts_anew() -> None:
    _, rotation = walk(Rotation(), playlist("abc"), 3, ads=True)  # a b 0
    shown, rotation = walk(rotation, playlist("abc"), 1)
    assert shown == "c"
    assert walk(rotation, playlist("abc"), 4, ads=True)[0] == "012a"


def test_each_playlist_goes_on_where_it_was() -> None:
    _, rotation = walk(Rotation(), playlist("abc", "morning"), 2)
    _, rotation = walk(rotation, playlist("xyz", "noon"), 1)
    assert walk(rotation, playlist("abc", "morning"), 2)[0] == "ca"
    assert walk(rotation, playlist("xyz", "noon"), 2)[0] == "yz"


def test_a_new_release_keeps_the_position() -> None:
    _, rotation = walk(Rotation(), playlist("abcd"), 2)  # after b
    for changed, expected in {
        "abcd": "cd",  # nothing changed
        "abcde": "cd",  # appended
        "xabcd": "cd",  # put in front
        "abxcd": "xc",  # put in right here
        "acd": "cd",  # the one on air removed
        "xacd": "cd",  # removed, and the rest moved
        "abd": "da",  # the next removed
        "dcba": "ad",  # turned round
        "ad": "da",  # the one on air and the next removed: what stands where it stood
        "a": "aa",  # and past the end is the front
        "xyz": "yz",  # all new: the place counts
        "b": "bb",
    }.items():
        assert walk(rotation, playlist(changed), 2)[0] == expected, changed


def test_items_that_cannot_play_are_skipped() -> None:
    assert walk(Rotation(), playlist("abcd"), 4, playable=without("b", "c"))[0] == "adad"


def test_validity_is_half_open() -> None:
    second = timedelta(seconds=1)
    items = Playlist(
        id="list",
        name="list",
        items=(
            item("a", starts_at=NOON),
            item("b", ends_at=NOON),
            item("c", starts_at=NOON + second),
            item("d", ends_at=NOON + second),
        ),
    )
    assert walk(Rotation(), items, 4)[0] == "adad"


@pytest.mark.parametrize(("at_end", "shown"), [(AtEnd.CUT, "bbbb"), (AtEnd.FINISH, "abab")])
def test_an_item_that_would_be_cut_at_once_is_not_started(at_end: AtEnd, shown: str) -> None:
    soon = item("a", ends_at=NOON + SHORTEST_SHOW).model_copy(update={"at_end": at_end})
    assert walk(Rotation(), Playlist(id="list", name="list", items=(soon, item("b"))), 4)[0] == shown


def test_an_empty_list_asks_again_soon_and_a_waiting_item_sooner() -> None:
    step, rotation = next_entry(Rotation(), playlist(""), RULE, NOON, playable=anything, ads=True)
    assert step == NothingToShow(NOON + ASK_AGAIN)
    assert rotation == Rotation()
    soon, later = NOON + timedelta(seconds=7), NOON + timedelta(days=2)
    items = Playlist(id="list", name="list", items=(item("b", starts_at=later), item("a", starts_at=soon)))
    step, rotation = next_entry(Rotation(), items, RULE, NOON, playable=anything, ads=True)
    assert step == NothingToShow(soon)
    assert next_entry(rotation, items, RULE, soon, playable=anything, ads=True)[0] == ShowItem(items.items[1])


def test_a_list_of_broken_items_checks_each_once() -> None:
    looked: list[str] = []

    def broken(each: Item) -> bool:
        looked.append(each.id)
        return False

    step, _ = next_entry(Rotation(), playlist("abc"), RULE, NOON, playable=broken, ads=False)
    assert isinstance(step, NothingToShow)
    assert looked == ["a", "b", "c"]


def test_a_shorter_break_rule_ends_the_current_break() -> None:
    _, rotation = walk(Rotation(), playlist("abc"), 4, ads=True)  # a b 0 1
    shown, _ = walk(rotation, playlist("abc"), 3, ads=True, rule=BreakRule(every_items=2, ads=1))
    assert shown == "ca0"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True),
    st.integers(1, 4),
    st.integers(1, 3),
    st.integers(1, 30),
)
def test_a_restart_in_the_middle_changes_nothing(names: list[str], every: int, ads: int, steps: int) -> None:
    items, rule = playlist("".join(names)), BreakRule(every_items=every, ads=ads)
    whole, _ = walk(Rotation(), items, 2 * steps, rule=rule, ads=True)
    first, rotation = walk(Rotation(), items, steps, rule=rule, ads=True)
    again = Rotation.model_validate_json(rotation.model_dump_json())
    ahead, _ = walk(rotation, items, steps, rule=rule, ads=True)  # looking ahead
    assert first + ahead == whole
    assert first + walk(again, items, steps, rule=rule, ads=True)[0] == whole
