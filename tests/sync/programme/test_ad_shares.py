"""Exact shares that add up to one, the bound of Tijdeman at every slot, and accounts that never catch up at once."""

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.programme.ad_queue import AdQueue, Wait, next_turn
from sync.programme.ad_shares import ONE_PLAY, Account, rebase_accounts, slot_shares
from sync.wire.release import Line, WholeShare
from tests.sync.programme.examples import creative

weights = st.lists(st.integers(1, 1000), min_size=2, max_size=25)


def line(name: str, *, share_ppm: int | None = None, weight: int = 1) -> Line:
    return Line(id=name, name=name, creatives=(creative(name),), share_ppm=share_ppm, weight=weight)


def split(parts: list[int]) -> list[int]:
    """Parts of `ONE` in proportion; the first takes what rounding leaves."""
    quotas = [ONE_PLAY * part // sum(parts) for part in parts]
    return [quotas[0] + ONE_PLAY - sum(quotas), *quotas[1:]]


@settings(max_examples=120, deadline=None)
@given(weights, st.integers(0, 2**64 - 1), st.integers(1, 250))
def test_with_fixed_shares_no_line_is_ever_off_by_more_than_the_bound(parts: list[int], seed: int, slots: int) -> None:
    quotas, count = split(parts), len(parts)
    accounts = [Account(line=str(index), share=quota) for index, quota in enumerate(quotas)]
    queue = AdQueue.from_turns(next_turn(account, count, index, seed, index) for index, account in enumerate(accounts))
    for slot in range(slots):
        index, queue = queue.pop(slot, lambda _: 0, lambda _: True)  # nobody may go early: nobody has to
        assert index is not None, "a slot found no line that is due"
        accounts[index] = accounts[index].charged(slot, "creative")
        queue = queue.with_turns([next_turn(accounts[index], count, index, seed, index)])
        filled = slot + 1
        assert sum(account.plays for account in accounts) == filled
        for account, quota in zip(accounts, quotas, strict=True):
            assert (2 * count - 2) * abs(ONE_PLAY * account.plays - quota * filled) <= (2 * count - 3) * ONE_PLAY
            assert account.owed(filled) == quota * filled - ONE_PLAY * account.plays


@pytest.mark.parametrize("first", [0, 50])
def test_a_parked_line_returns_in_the_slot_in_which_its_gap_ends(first: int) -> None:
    queue = AdQueue.from_turns([(first, 60, 0, 0)])  # due at once, or early
    for slot in range(3):
        index, queue = queue.pop(slot, waiting(3 - slot), lambda _: False)
        assert index is None
    assert queue.pop(3, waiting(0), lambda _: False)[0] == 0


def waiting(slots: int) -> Wait:
    return lambda _: slots


def test_a_choice_among_ten_thousand_lines_reads_one() -> None:
    quotas = split([number + 1 for number in range(10_000)])
    accounts = [Account(line=str(index), share=quota) for index, quota in enumerate(quotas)]
    queue = AdQueue.from_turns(next_turn(account, 10_000, index, 1, index) for index, account in enumerate(accounts))
    looked: list[int] = []

    def wait(index: int) -> int:
        looked.append(index)
        return 2 if index % 5 == 0 and len(looked) % 2 else 0  # some are excluded by a gap, and parked

    for slot in range(500):
        index, queue = queue.pop(slot, wait, lambda _: False)
        assert index is not None
        accounts[index] = accounts[index].charged(slot, "creative")
        queue = queue.with_turns([next_turn(accounts[index], 10_000, index, 1, index)])
    assert len(looked) < 750


@settings(max_examples=120, deadline=None)
@given(st.lists(st.one_of(st.integers(-400_000, -1), st.integers(1, 1_000)), max_size=30))
def test_shares_add_up_to_exactly_one_and_no_line_has_more_than_half(parts: list[int]) -> None:
    """A negative number stands for a bought share, a positive one for a weight."""
    lines = [line(f"l{n}", share_ppm=-part) if part < 0 else line(f"l{n}", weight=part) for n, part in enumerate(parts)]
    given_out = slot_shares(lines)
    assert sum(given_out.values()) == (ONE_PLAY if lines else 0)
    assert all(share > 0 for share in given_out.values())
    if len(given_out) > 1:
        assert max(given_out.values()) <= ONE_PLAY // 2 + 1


@settings(max_examples=80, deadline=None)
@given(st.lists(st.integers(1, 1000), min_size=1, max_size=20), st.integers(1, 50), st.randoms(use_true_random=False))
def test_neither_the_order_of_lines_nor_the_scale_of_weights_matters(parts: list[int], scale: int, rng: object) -> None:
    lines = [line(f"l{n}", weight=part) for n, part in enumerate(parts)]
    scaled = [line(f"l{n}", weight=part * scale) for n, part in enumerate(parts)]
    rng.shuffle(scaled)  # type: ignore[attr-defined]  # hypothesis has no type for what st.randoms gives
    assert slot_shares(scaled) == slot_shares(lines)


def test_bought_shares_come_first_and_weights_split_the_rest() -> None:
    lines = [line("a", share_ppm=250_000), line("b", weight=3), line("c", weight=1), line("d", weight=1)]
    given_out = slot_shares(lines)
    quarter, part = ONE_PLAY // 4, Fraction(3 * ONE_PLAY, 4 * 5)
    assert given_out["a"] == quarter
    assert abs(given_out["b"] - 3 * part) < 1 and abs(given_out["c"] - part) < 1


def test_what_no_line_bought_goes_to_all_lines() -> None:
    given_out = slot_shares([line(name, share_ppm=100_000) for name in "abcd"])
    assert set(given_out.values()) == {ONE_PLAY // 4}


def test_overbooked_shares_are_scaled_in_proportion() -> None:
    bought = {"a": 600_000, "b": 600_000, "c": 400_000}
    given_out = slot_shares([*(line(name, share_ppm=ppm) for name, ppm in bought.items()), line("rest")])
    assert set(given_out) == {"a", "b", "c"}
    for name, ppm in bought.items():
        assert abs(given_out[name] - Fraction(ONE_PLAY * ppm, 1_600_000)) < 1


def test_a_line_that_wants_more_than_half_gets_half() -> None:
    given_out = slot_shares([line("a", share_ppm=900_000), line("b", weight=1), line("c", weight=3)])
    assert (given_out["a"], given_out["b"], given_out["c"]) == (ONE_PLAY // 2, ONE_PLAY // 8, ONE_PLAY // 8 * 3)
    assert slot_shares([line("a", share_ppm=WholeShare)]) == {"a": ONE_PLAY}


def test_a_line_is_owed_nothing_while_it_is_not_shown_and_does_not_catch_up_later() -> None:
    known = {"a", "b", "c"}
    half, third = (
        {"a": ONE_PLAY // 2, "b": ONE_PLAY // 2},
        {"a": ONE_PLAY // 3 + 1, "b": ONE_PLAY // 3, "c": ONE_PLAY // 3},
    )
    accounts = rebase_accounts({}, half, known, 0)
    owing = {"a": 7 * ONE_PLAY, "b": -7 * ONE_PLAY}
    starved = {name: accounts[name].model_copy(update={"lag": lag}) for name, lag in owing.items()}
    away = rebase_accounts(starved, {"b": ONE_PLAY}, known, 0)
    assert away["a"].share == 0
    assert away["a"].owed(0) == away["a"].owed(1_000_000) == ONE_PLAY
    back = rebase_accounts(away, third, known, 0)
    assert [back[name].owed(0) for name in "abc"] == [ONE_PLAY, -2 * ONE_PLAY, 0]


def test_the_same_shares_again_change_nothing() -> None:
    once = rebase_accounts({}, {"a": ONE_PLAY // 2, "b": ONE_PLAY // 2}, {"a", "b"}, 0)
    again = rebase_accounts(once, {"a": ONE_PLAY // 2, "b": ONE_PLAY // 2}, {"a", "b"}, 77)
    assert again == once
    assert all(again[name] is once[name] for name in once)


def test_the_account_of_a_line_that_left_the_release_is_dropped() -> None:
    accounts = rebase_accounts({}, {"a": ONE_PLAY // 2, "b": ONE_PLAY // 2}, {"a", "b"}, 0)
    assert set(rebase_accounts(accounts, {"b": ONE_PLAY}, {"b"}, 1)) == {"b"}


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcdefgh"), min_size=1), min_size=2, max_size=12), st.integers(0, 30))
def test_the_total_owed_to_eligible_lines_stays_within_one_play(eligible: list[set[str]], slots: int) -> None:
    accounts: dict[str, Account] = {}
    slot = 0
    for names in eligible:
        given_out = slot_shares([line(name, weight=ord(name) - 96) for name in sorted(names)])
        accounts = rebase_accounts(accounts, given_out, frozenset("abcdefgh"), slot)
        total = sum(accounts[name].owed(slot) for name in given_out)
        assert abs(total) <= ONE_PLAY + len(given_out)
        hungriest = max(given_out, key=lambda name: given_out[name])
        for _ in range(slots):  # the worst scheduler there is
            accounts[hungriest] = accounts[hungriest].charged(slot, "creative")
            slot += 1
