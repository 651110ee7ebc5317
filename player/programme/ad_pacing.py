"""What each line is owed, in exact integers: shares of slots, accounts, and when a line may and must be shown.

This is Tijdeman's chairman assignment (Discrete Mathematics 32, 1980): a line becomes due once a little more than
nothing is owed, and must be shown before a little less than one play is. With fixed shares of n lines no account is
ever off by more than 1 - 1/(2n-2) plays, which is the best any rule can promise.
"""

from collections.abc import Collection, Mapping, Sequence

from sync.wire.base import Identifier, Wire
from sync.wire.release import Line, WholeShare

ONE = 2**40
"""One play. All shares together are exactly this for every slot."""


class Account(Wire):
    """Where a line stands: one row. At `slot` it is owed `lag + share * (slot - since)` parts of `ONE`.

    `share` is 0 while the line may not be shown: then nothing accrues. Negative means it is ahead.
    """

    line: Identifier
    share: int = 0
    lag: int = 0
    since: int = 0
    plays: int = 0  # reserved and not refunded
    creative: Identifier | None = None  # the one shown last

    def owed(self, slot: int) -> int:
        """Return what is owed before `slot` is filled."""
        return self.lag + self.share * (slot - self.since)

    def release(self, lines: int) -> int:
        """Return the first slot the line is due in among `lines`; its share must not be 0."""
        parts = _parts(lines)
        return self.since - 1 - (parts * self.lag - ONE) // (parts * self.share)

    def deadline(self, lines: int) -> int:
        """Return the last slot it can take and still not be behind by more than the bound."""
        parts = _parts(lines)
        return self.since + (parts * (ONE - self.lag) - ONE) // (parts * self.share)

    def ahead(self, slot: int) -> bool:
        """Tell whether one more play in `slot` would put it ahead of its share by more than a play."""
        return self.owed(slot) + self.share < 0

    def paid(self, slot: int, creative: str) -> "Account":
        """Return the account once `slot` was given to it; counting anew from there keeps the numbers small for ever."""
        lag = self.owed(slot + 1) - ONE
        return self.model_copy(update={"lag": lag, "since": slot + 1, "plays": self.plays + 1, "creative": creative})

    def repaid(self, creative: str | None) -> "Account":
        """Return the account with one play taken back; the slot it filled is taken off the counter by the caller."""
        return self.model_copy(update={"lag": self.lag + ONE, "plays": self.plays - 1, "creative": creative})


def _parts(lines: int) -> int:
    return max(1, 2 * lines - 2)


def slot_shares(lines: Sequence[Line]) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return each line's share of slots, exactly `ONE` together, and warnings for a planner.

    Bought shares come first, scaled down in proportion when overbooked; `weight` splits what they leave; what nobody
    wants goes to those who are there. No line gets more than half, because none follows itself. A line whose share is
    nothing is left out.
    """
    wanted, warnings = _wanted(lines)
    heaviest = max(wanted, key=lambda line: wanted[line], default=None)
    if heaviest is not None and len(wanted) > 1:
        others = sum(wanted.values()) - wanted[heaviest]
        if wanted[heaviest] > others:
            percent = f"{wanted[heaviest] / (others + wanted[heaviest]):.1%}"
            warnings.append(
                f"line {heaviest} should have {percent} of the slots, but never follows itself: it gets half"
            )
            wanted[heaviest] = others
    return _apportion(wanted), tuple(warnings)


def _wanted(lines: Sequence[Line]) -> tuple[dict[str, int], list[str]]:
    bought = {line.id: line.share_ppm for line in lines if line.share_ppm is not None}
    weights = {line.id: line.weight for line in lines if line.share_ppm is None}
    booked, heavy = sum(bought.values()), sum(weights.values())
    if booked > WholeShare:
        percent = f"{booked / WholeShare:.1%}"
        return bought, [f"overbooked: {len(bought)} lines bought {percent} of the slots, each gets its part of all"]
    left = WholeShare - booked
    if not left or not weights:
        return bought, []
    shared = {line: share * heavy for line, share in bought.items()}
    return shared | {line: left * weight for line, weight in weights.items()}, []


def _apportion(wanted: Mapping[str, int]) -> dict[str, int]:
    """Split `ONE` by largest remainder; ties go by id, so that neither order nor scale matters."""
    total = sum(wanted.values())
    quotas = {line: divmod(ONE * part, total) for line, part in wanted.items()}
    left = ONE - sum(whole for whole, _ in quotas.values()) if quotas else 0
    favoured = set(sorted(quotas, key=lambda line: (-quotas[line][1], line))[:left])
    split = {line: whole + (line in favoured) for line, (whole, _) in quotas.items()}
    return {line: share for line, share in split.items() if share}


def rebase_accounts(
    accounts: Mapping[str, Account], split: Mapping[str, int], known: Collection[str], slot: int
) -> dict[str, Account]:
    """Return the accounts under new shares from `slot` on; those of lines not `known` any more are dropped.

    What a line is owed is kept, but never more than one play either way when its share changes: who was away must not
    come back with a burst. A new line starts even.
    """
    settled = {line: account for line, account in accounts.items() if line in known}
    for line in [line for line, account in settled.items() if account.share and line not in split]:
        settled[line] = _moved(settled[line], 0, slot)
    for line, share in split.items():
        account = settled.get(line)
        if account is None:
            settled[line] = Account(line=line, share=share, since=slot)
        elif account.share != share:
            settled[line] = _moved(account, share, slot)
    return settled if settled == accounts else levelled(settled, split, slot)


def levelled(accounts: dict[str, Account], split: Mapping[str, int], slot: int) -> dict[str, Account]:
    """Return the accounts with what is owed in total brought back within one play, each by its share.

    Lines that left took what they were owed, or ahead by, with them; the others must not drag that along for ever.
    """
    total = sum(accounts[line].owed(slot) for line in split)
    excess = total - max(-ONE, min(ONE, total))
    if not excess:
        return accounts
    level = {
        line: accounts[line].model_copy(
            update={"lag": accounts[line].owed(slot) - excess * share // ONE, "since": slot}
        )
        for line, share in split.items()
    }
    return accounts | level


def _moved(account: Account, share: int, slot: int) -> Account:
    lag = max(-ONE, min(ONE, account.owed(slot)))
    return account.model_copy(update={"share": share, "lag": lag, "since": slot})


def clamped(accounts: dict[str, Account], split: Mapping[str, int], slot: int) -> dict[str, Account]:
    """Return the accounts after a time in which some line could not be shown: nobody is owed more than one play."""
    moved = {line: _moved(accounts[line], share, slot) for line, share in split.items()}
    return levelled(accounts | moved, split, slot)
