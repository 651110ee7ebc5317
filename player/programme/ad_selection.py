"""Chooses the ad for a slot: who is most due, what gaps keep out, and what is given up when nobody passes.

The state is a value: a reservation is a new state; looking ahead is choosing and throwing it away. The same seed, the
same slates and the same refunds give the same ads, restarted or not, whatever the order of lines in the release.

The ladder: first whoever is due and passes all gaps; then, early, whoever is due next and gets at most a play ahead;
then soft rules are given up in this order, always the least of them: the gap within a category, the gap of an
advertiser, the pace, and last that no line follows itself. Flights, windows, what can be shown and what fits are never
given up.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from player.programme.ad_eligibility import EligibleAds, EligibleLine, eligible_ads, split_of
from player.programme.ad_pacing import Account, clamped, rebase_accounts
from player.programme.ad_queue import AdQueue, Wait, turn
from player.programme.ad_separation import KEPT, AdSeparation, Aired
from sync.wire.base import Identifier, Wire
from sync.wire.release import Campaign, Creative, Line

__all__ = [
    "Account",
    "AdHead",
    "AdState",
    "Aired",
    "Changes",
    "Choice",
    "EligibleAds",
    "EligibleLine",
    "changes",
    "eligible_ads",
    "refund",
    "select_ad",
]  # fmt: skip

SOFT_RULES = ("category", "advertiser", "pace", "repeat")
"""In the order they are given up."""


class AdHead(Wire):
    """The state but for the accounts: one row."""

    seed: int
    slot: int = 0  # slots filled, refunds taken back
    choices: int = 0  # made so far: the next choice's id
    tried: Identifier | None = None  # the line of the last choice, though it may have failed
    recent: tuple[Aired, ...] = ()  # oldest first


@dataclass(frozen=True, slots=True)
class AdState:
    """The whole state: `AdState(AdHead(seed=…), {})` at first, later from the rows of the ledger.

    `agenda` only saves time and is never stored; it is what `slate` and the accounts make it.
    """

    head: AdHead
    accounts: Mapping[str, Account]
    agenda: tuple[EligibleAds, AdQueue] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write besides the head: accounts that are new or differ, and the lines whose accounts are gone."""

    accounts: tuple[Account, ...]
    gone: tuple[str, ...]


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
        """Return who pays for it."""
        return self.campaign.advertiser


def select_ad(state: AdState, slate: EligibleAds, *, fits_ms: int | None = None) -> tuple[Choice | None, AdState]:
    """Reserve the next ad; None when no line may be shown or fits within `fits_ms`, and then the slot stays free."""
    if not slate.lines:
        return None, state
    prepared, agenda = _prepared(state, slate)
    slot, accounts = prepared.head.slot, prepared.accounts
    distances = AdSeparation(prepared.head.recent)
    wait = _waiting(slate, distances, prepared.head.tried, fits_ms)
    index, after = agenda.take(slot, wait, lambda index: accounts[slate.lines[index].line.id].ahead(slot))
    if index is not None:
        return _reserved(prepared, slate, index, fits_ms, (), after)
    bent = _bend(prepared, slate, distances, fits_ms)
    if bent is None:
        return None, prepared
    index, relaxed = bent
    choice, reserved = _reserved(prepared, slate, index, fits_ms, relaxed, None)
    if "pace" in relaxed:  # somebody is owed who cannot be shown: do not let the debt grow
        level = clamped(dict(reserved.accounts), split_of(slate), reserved.head.slot)
        reserved = AdState(reserved.head, level)
    return choice, reserved


def _prepared(state: AdState, slate: EligibleAds) -> tuple[AdState, AdQueue]:
    if state.agenda is not None and _same(state.agenda[0], slate):
        return state, state.agenda[1]
    head = state.head
    accounts = rebase_accounts(state.accounts, split_of(slate), slate.known, head.slot)
    agenda = AdQueue.of(
        turn(accounts[entry.line.id], len(slate.lines), index, head.seed, entry.tag)
        for index, entry in enumerate(slate.lines)
    )
    return AdState(head, accounts, (slate, agenda)), agenda


def _same(before: EligibleAds, slate: EligibleAds) -> bool:
    return before is slate or (before.lines == slate.lines and before.known == slate.known)


def _waiting(slate: EligibleAds, distances: AdSeparation, tried: str | None, fits_ms: int | None) -> Wait:
    def wait(index: int) -> int | None:
        entry = slate.lines[index]
        if not entry.fitting(fits_ms):
            return None
        return max(distances.category(entry), distances.advertiser(entry), int(entry.line.id == tried))

    return wait


def _bend(
    state: AdState, slate: EligibleAds, distances: AdSeparation, fits_ms: int | None
) -> tuple[int, tuple[str, ...]] | None:
    """Return the line that breaks the least soft rules, and which; None when none fits at all."""
    head, count = state.head, len(slate.lines)

    def rank(index: int) -> tuple[int, bool, int, int, int, int]:
        entry = slate.lines[index]
        account = state.accounts[entry.line.id]
        broken = (
            distances.category(entry) > 0,
            distances.advertiser(entry) > 0,
            account.ahead(head.slot),
            entry.line.id == head.tried,
        )
        first, last, tie, _ = turn(account, count, index, head.seed, entry.tag)
        early = first > head.slot
        return sum(rule << bit for bit, rule in enumerate(broken)), early, first if early else 0, last, tie, index

    fitting = [index for index, entry in enumerate(slate.lines) if entry.fitting(fits_ms)]
    best = min(map(rank, fitting), default=None)
    if best is None:
        return None
    return best[-1], tuple(rule for bit, rule in enumerate(SOFT_RULES) if best[0] >> bit & 1)


def _reserved(
    state: AdState,
    slate: EligibleAds,
    index: int,
    fits_ms: int | None,
    relaxed: tuple[str, ...],
    agenda: AdQueue | None,
) -> tuple[Choice, AdState]:
    head, entry = state.head, slate.lines[index]
    account = state.accounts[entry.line.id]
    creative = _creative(entry, account.creative, fits_ms)
    paid = account.paid(head.slot, creative.id)
    aired = Aired.of(head.choices, entry, creative, account.creative)
    after = head.model_copy(
        update={
            "slot": head.slot + 1,
            "choices": head.choices + 1,
            "tried": entry.line.id,
            "recent": (*head.recent[1 - KEPT :], aired),
        }
    )
    due = None if agenda is None else agenda.having(turn(paid, len(slate.lines), index, head.seed, entry.tag))
    length_ms = next(length for each, length in entry.creatives if each.id == creative.id)
    choice = Choice(head.choices, entry.campaign, entry.line, creative, length_ms, relaxed)
    accounts = {**state.accounts, entry.line.id: paid}
    return choice, AdState(after, accounts, None if due is None else (slate, due))


def _creative(entry: EligibleLine, last: str | None, fits_ms: int | None) -> Creative:
    """Return the next fitting creative round the line's own order, after the last one."""
    fitting = entry.fitting(fits_ms)
    order = [creative.id for creative in entry.line.creatives]
    start = order.index(last) + 1 if last in order else 0
    turns = {creative: (place - start) % len(order) for place, creative in enumerate(order)}
    return min(fitting, key=lambda creative: turns[creative.id])


def refund(state: AdState, choice: int, *, failed: bool = False) -> AdState:
    """Give a reservation back, as if its slot had never been; refunding twice, or long after, changes nothing.

    After one that `failed` another line goes first if there is one, and the line goes on with its next creative.
    """
    head = state.head
    aired = next((each for each in head.recent if each.choice == choice), None)
    if aired is None:
        return state
    recent = tuple(each for each in head.recent if each.choice != choice)
    update: dict[str, object] = {"recent": recent}
    if not failed and aired.line == head.tried:
        update["tried"] = recent[-1].line if recent else None
    account = state.accounts.get(aired.line)
    if account is None:  # the line is gone, and its account with it
        return AdState(head.model_copy(update=update), state.accounts)
    restored = aired.before if not failed and account.creative == aired.creative else account.creative
    accounts = {**state.accounts, aired.line: account.repaid(restored)}
    return AdState(head.model_copy(update={**update, "slot": head.slot - 1}), accounts)


def changes(before: AdState, after: AdState) -> Changes:
    """Return what a ledger writes to get from one state to the other; the head always."""
    written = tuple(a for line, a in after.accounts.items() if before.accounts.get(line) is not a)
    return Changes(written, tuple(line for line in before.accounts if line not in after.accounts))
