"""Chooses the ad for a slot: the line that is due first, the lines that gaps exclude, and the rules given up at need.

The state is a value. A reservation is a new state, so looking ahead is choosing and dropping the new state. The same
seed, eligible lines and refunds give the same ads, with or without a restart, whatever the order of lines in the
release.

The order of choice: first the line that is due and passes all gaps; then, early, the line that is due next and gets at
most one play ahead. If none passes, soft rules are given up, always the least of them, in this order: the gap within a
category, the gap of an advertiser, the pace, and last that no line follows itself. Flight dates, windows, what can be
shown and what fits are never given up.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sync.programme.ad_eligibility import EligibleAds, EligibleLine, shares_of
from sync.programme.ad_queue import AdQueue, Turn, Wait, next_turn
from sync.programme.ad_separation import REMEMBERED_ADS, AdSeparation, RecentAd
from sync.programme.ad_shares import (
    ONE_PLAY,
    Account,
    changed_accounts,
    clamped,
    rebase_accounts,
    with_account,
)
from sync.wire.release import Campaign, Creative, Line
from sync.wire.value_types import Identifier, Wire

SOFT_RULES = ("category", "advertiser", "pace", "repeat")
"""The rules that may be given up, the first one first."""

_NO_MORE = ONE_PLAY * 6 // 5  # a line that is owed so much lets no other go first


class AdHead(Wire):
    """The state without the accounts: one row."""

    seed: int
    slot: int = 0  # slots filled, less refunds
    choices: int = 0  # made so far: the next choice's id
    tried: Identifier | None = None  # the line of the last choice, though it may have failed
    recent: tuple[RecentAd, ...] = ()  # oldest first
    recent_from: int = 0  # no choice before this one is in `recent`


@dataclass(frozen=True, slots=True)
class AdState:
    """The whole state: `AdState(AdHead(seed=…), {})` at first, later from the rows of the ledger.

    `queue` only saves time and is never stored: it is computed from the eligible lines and the accounts.
    """

    head: AdHead
    accounts: Mapping[str, Account]
    queue: tuple[EligibleAds, AdQueue] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AdChanges:
    """What to write besides the head: accounts that are new or differ, the lines whose accounts are removed.

    The same of recent ads; those before `AdHead.recent_from` need not be removed.
    """

    accounts: tuple[Account, ...] = ()
    removed_lines: tuple[str, ...] = ()
    recent: tuple[RecentAd, ...] = ()
    removed_choices: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """One reservation; `relaxed` names the soft rules given up for it."""

    id: int
    campaign: Campaign
    line: Line
    creative: Creative
    length_ms: int | None
    relaxed: tuple[str, ...] = ()

    @property
    def advertiser(self) -> str:
        """Return the name of the advertiser."""
        return self.campaign.advertiser


def select_ad(state: AdState, ads: EligibleAds, *, fits_ms: int | None = None) -> tuple[Choice | None, AdState]:
    """Reserve the next ad; None when no line may be shown or fits within `fits_ms`: then the slot stays free."""
    if not ads.lines:
        return None, state
    prepared, queue = _with_queue(state, ads)
    slot, accounts = prepared.head.slot, prepared.accounts
    separation = AdSeparation(prepared.head.recent, ads.widest_gap)
    wait = _wait_rule(prepared, ads, separation, fits_ms)
    seed = prepared.head.seed

    def is_turn(turn: Turn) -> bool:
        return turn == _turn(ads, accounts, turn[3], seed)

    index, after = queue.pop(slot, wait, lambda index: accounts[ads.lines[index].line.id].ahead(slot), is_turn)
    if index is not None:
        return _reserve(prepared, ads, index, fits_ms, (), after)
    found = _relax_rules(prepared, ads, separation, fits_ms)
    if found is None:
        return None, prepared
    index, relaxed = found
    choice, reserved = _reserve(prepared, ads, index, fits_ms, relaxed, after)
    if "pace" in relaxed:  # a line that is due cannot be shown: its debt must not grow
        level = clamped(dict(reserved.accounts), shares_of(ads), reserved.head.slot)
        changed = [line for line, account in level.items() if account is not reserved.accounts[line]]
        reserved = _with_accounts(reserved, reserved.head, level, changed)
    return choice, reserved


def _turn(ads: EligibleAds, accounts: Mapping[str, Account], index: int, seed: int) -> Turn:
    entry = ads.lines[index]
    return next_turn(accounts[entry.line.id], len(ads.lines), index, seed, entry.tag)


def prepare_ads(state: AdState, ads: EligibleAds) -> AdState:
    """Return the state as the next choice from `ads` needs it; that takes long when many lines have changed."""
    return _with_queue(state, ads)[0] if ads.lines else state


def _with_accounts(state: AdState, head: AdHead, accounts: Mapping[str, Account], lines: Iterable[str]) -> AdState:
    """Return the state with other accounts of these lines; its queue gets their turns."""
    if state.queue is None:
        return AdState(head, accounts)
    ads, queue = state.queue
    places = ((line, bisect_left(ads.lines, line, key=lambda entry: entry.line.id)) for line in lines)
    turns = [
        _turn(ads, accounts, index, head.seed)
        for line, index in places
        if index < len(ads.lines) and ads.lines[index].line.id == line
    ]
    return AdState(head, accounts, (ads, queue.with_turns(turns)))


def _with_queue(state: AdState, ads: EligibleAds) -> tuple[AdState, AdQueue]:
    if state.queue is not None and _same_lines(state.queue[0], ads):
        return AdState(state.head, state.accounts, (ads, state.queue[1])), state.queue[1]
    head = state.head
    accounts = rebase_accounts(state.accounts, shares_of(ads), ads.known_lines, head.slot)
    turns = (_turn(ads, accounts, index, head.seed) for index in range(len(ads.lines)))
    queue = AdQueue.from_turns(turns, head.slot)
    _ = ads.large  # is made now, for the next choice must not take long
    return AdState(head, accounts, (ads, queue)), queue


def _same_lines(before: EligibleAds, ads: EligibleAds) -> bool:
    return before is ads or (before.lines == ads.lines and before.known_lines == ads.known_lines)


def _wait_rule(state: AdState, ads: EligibleAds, separation: AdSeparation, fits_ms: int | None) -> Wait:
    def wait(index: int) -> int | None:
        entry = ads.lines[index]
        if not entry.creatives_within(fits_ms):
            return None
        slots = max(separation.wait(entry), int(entry.line.id == state.head.tried))
        return slots or int(_yields(state, ads, separation, index))

    return wait


def _yields(state: AdState, ads: EligibleAds, separation: AdSeparation, index: int) -> bool:
    """Return whether a line lets this slot pass so that a larger one of its category or advertiser is not late.

    It does while the larger one, kept off by their gap, would be owed more than a play, and more than itself.
    """
    own, slot = ads.lines[index], state.head.slot
    account = state.accounts[own.line.id]
    for key, gap in own.gaps():
        for other, others_gap in ads.large.get(key, ()):
            apart, larger = max(gap, others_gap), ads.lines[other]
            if not apart or other == index or separation.wait(larger) > apart:
                continue
            owed = account.owed(slot + apart + 2)
            if max(ONE_PLAY, owed) < state.accounts[larger.line.id].owed(slot + apart + 1) and owed < _NO_MORE:
                return True
    return False


def _relax_rules(
    state: AdState, ads: EligibleAds, separation: AdSeparation, fits_ms: int | None
) -> tuple[int, tuple[str, ...]] | None:
    """Return the line that breaks the least soft rules, and these rules; None when no line fits.

    Of lines that break the same ones, one that makes a larger line late comes last.
    """
    head = state.head

    def rank(index: int) -> tuple[int, bool, bool, int, int, int, int]:
        entry = ads.lines[index]
        broken = (
            separation.category(entry) > 0,
            separation.advertiser(entry) > 0,
            state.accounts[entry.line.id].ahead(head.slot),
            entry.line.id == head.tried,
        )
        first, last, tie, _ = _turn(ads, state.accounts, index, head.seed)
        early = first > head.slot
        rules = sum(rule << bit for bit, rule in enumerate(broken))
        late = _yields(state, ads, separation, index)
        return rules, late, early, first if early else 0, last, tie, index

    fitting = [index for index, entry in enumerate(ads.lines) if entry.creatives_within(fits_ms)]
    best = min(map(rank, fitting), default=None)
    if best is None:
        return None
    return best[-1], tuple(rule for bit, rule in enumerate(SOFT_RULES) if best[0] >> bit & 1)


def _reserve(
    state: AdState,
    ads: EligibleAds,
    index: int,
    fits_ms: int | None,
    relaxed: tuple[str, ...],
    queue: AdQueue,
) -> tuple[Choice, AdState]:
    head, entry = state.head, ads.lines[index]
    account = state.accounts[entry.line.id]
    creative = _next_creative(entry, account.creative, fits_ms)
    paid = account.charged(head.slot, creative.id)
    recent_ad = RecentAd.of(head.choices, entry, creative, account.creative)
    recent = (*head.recent[1 - REMEMBERED_ADS :], recent_ad)
    after = head.model_copy(
        update={
            "slot": head.slot + 1,
            "choices": head.choices + 1,
            "tried": entry.line.id,
            "recent": recent,
            "recent_from": recent[0].choice if len(recent) == REMEMBERED_ADS else head.recent_from,
        }
    )
    length_ms = next(length for each, length in entry.creatives if each.id == creative.id)
    choice = Choice(head.choices, entry.campaign, entry.line, creative, length_ms, relaxed)
    accounts = with_account(state.accounts, paid)
    queue_after = (ads, queue.with_turns((_turn(ads, accounts, index, head.seed),)))
    return choice, AdState(after, accounts, queue_after)


def _next_creative(entry: EligibleLine, last: str | None, fits_ms: int | None) -> Creative:
    """Return the next creative that fits, in the line's own order, after the last one."""
    fitting = entry.creatives_within(fits_ms)
    order = [creative.id for creative in entry.line.creatives]
    start = order.index(last) + 1 if last in order else 0
    turns = {creative: (place - start) % len(order) for place, creative in enumerate(order)}
    return min(fitting, key=lambda creative: turns[creative.id])


def refund(state: AdState, choice: int, *, failed: bool = False) -> AdState:
    """Take a reservation back, as if its slot had never been. A second refund, or one long after, changes nothing.

    After one that `failed` another line comes first if there is one, and the line goes on with its next creative.
    """
    head = state.head
    recent_ad = next((each for each in head.recent if each.choice == choice), None)
    if recent_ad is None:
        return state
    recent = tuple(each for each in head.recent if each.choice != choice)
    update: dict[str, object] = {"recent": recent}
    if not failed and recent_ad.line == head.tried:
        update["tried"] = recent[-1].line if recent else None
    account = state.accounts.get(recent_ad.line)
    queue = None if state.queue is None else (state.queue[0], state.queue[1].unparked())
    state = AdState(state.head, state.accounts, queue)
    if account is None:  # the line has left the release
        return AdState(head.model_copy(update=update), state.accounts, queue)
    restored = recent_ad.before if not failed and account.creative == recent_ad.creative else account.creative
    accounts = with_account(state.accounts, account.refunded(restored))
    return _with_accounts(state, head.model_copy(update={**update, "slot": head.slot - 1}), accounts, (recent_ad.line,))


def ad_changes(before: AdState, after: AdState) -> AdChanges:
    """Return what the ledger writes to get from one state to the other, apart from the head."""
    return AdChanges(*changed_accounts(before.accounts, after.accounts), *_changed_ads(before.head, after.head))


def _changed_ads(before: AdHead, after: AdHead) -> tuple[tuple[RecentAd, ...], tuple[int, ...]]:
    if before is after:
        return (), ()
    old, new = ({one.choice: one for one in head.recent} for head in (before, after))
    removed = (choice for choice in old.keys() - new.keys() if choice >= after.recent_from)
    return tuple(one for one in after.recent if one.choice not in old), tuple(sorted(removed))
