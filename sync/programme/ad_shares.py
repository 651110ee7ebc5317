"""What each line is owed, in exact integers: shares of slots, accounts, and when a line may and must be shown.

This is Tijdeman's chairman assignment (Discrete Mathematics 32, 1980): a line is due once it is owed a little more than
nothing, and must be shown before it is owed a little less than one play. With fixed shares of n lines no account is
ever off by more than 1 - 1/(2n-2) plays. No rule can promise less.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence

from sync.wire.release import Line, WholeShare
from sync.wire.value_types import Identifier, Wire

ONE_PLAY = 2**40
"""One play in parts. The shares of all lines add up to exactly this in every slot."""

_MOST_AHEAD = ONE_PLAY * 6 // 5  # of its own share: a play leaves no line further ahead to which something is lent


class Account(Wire):
    """What a line is owed: one row. At `slot` it is owed `lag + share * (slot - since)` parts of `ONE_PLAY`.

    `share` is 0 while the line may not be shown: then what it is owed does not grow. Negative: it is ahead.
    """

    line: Identifier
    share: int = 0
    lag: int = 0
    since: int = 0
    levelled: int = 0  # the part of `lag` that is lent while these lines are on air together; see `levelled`
    plays: int = 0  # reserved and not refunded
    creative: Identifier | None = None  # the one shown last

    def owed(self, slot: int) -> int:
        """Return what it is owed before `slot` is filled."""
        return self.lag + self.share * (slot - self.since)

    def release(self, lines: int) -> int:
        """Return the first slot the line is due in among `lines`; its share must not be 0.

        One to which much is lent waits until a play leaves it no more than 1.2 plays ahead of its own share.
        """
        parts = _parts(lines)
        due = self.since - 1 - (parts * self.lag - ONE_PLAY) // (parts * self.share)
        if self.levelled <= 0:
            return due
        missing = self.levelled - _MOST_AHEAD + ONE_PLAY - self.share - self.lag
        return max(due, self.since - (-missing // self.share))

    def deadline(self, lines: int) -> int:
        """Return the last slot it can have without being behind by more than the bound."""
        parts = _parts(lines)
        return self.since + (parts * (ONE_PLAY - self.lag) - ONE_PLAY) // (parts * self.share)

    def ahead(self, slot: int) -> bool:
        """Return whether one more play in `slot` would put it ahead of its share by more than a play."""
        return self.owed(slot) + self.share < 0

    def charged(self, slot: int, creative: str) -> "Account":
        """Return the account after `slot` was given to it; counting starts anew there, so numbers stay small."""
        lag = self.owed(slot + 1) - ONE_PLAY
        return self.model_copy(update={"lag": lag, "since": slot + 1, "plays": self.plays + 1, "creative": creative})

    def refunded(self, creative: str | None) -> "Account":
        """Return the account with one play taken back; the caller takes the slot off its counter."""
        return self.model_copy(update={"lag": self.lag + ONE_PLAY, "plays": self.plays - 1, "creative": creative})


_MOST_APART = 256  # to copy so few takes a hundredth of the time of a decision


class Accounts(Mapping[str, Account]):
    """Accounts by line: those of `all_lines`, but for the few that changed since, in `changed`.

    So the account of one line among thousands is changed without copying those of the others.
    """

    __slots__ = ("all_lines", "changed")

    def __init__(self, all_lines: Mapping[str, Account], changed: Mapping[str, Account]) -> None:
        self.all_lines = all_lines
        self.changed = changed

    def __getitem__(self, line: str) -> Account:
        """Return the account of a line; raises KeyError."""
        return self.changed.get(line) or self.all_lines[line]

    def __iter__(self) -> Iterator[str]:
        """Yield all lines."""
        return iter(self.all_lines)

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self.all_lines)


def with_account(accounts: Mapping[str, Account], account: Account) -> Accounts:
    """Return the accounts with another one of a line that they have."""
    if not isinstance(accounts, Accounts):
        return Accounts(accounts, {account.line: account})
    changed = {**accounts.changed, account.line: account}
    if len(changed) > _MOST_APART:
        return Accounts({**accounts.all_lines, **changed}, {})
    return Accounts(accounts.all_lines, changed)


def changed_accounts(
    before: Mapping[str, Account], after: Mapping[str, Account]
) -> tuple[tuple[Account, ...], tuple[str, ...]]:
    """Return the accounts in `after` that are new or others, and the lines that are in `before` only."""
    if before is after:
        return (), ()
    base, changed = (before.all_lines, before.changed) if isinstance(before, Accounts) else (before, {})
    if isinstance(after, Accounts) and after.all_lines is base:
        lines = {**changed, **after.changed}
        return tuple(after[line] for line in lines if after[line] is not before[line]), ()
    written = tuple(account for line, account in after.items() if before.get(line) is not account)
    return written, tuple(line for line in before if line not in after)


def _parts(lines: int) -> int:
    return max(1, 2 * lines - 2)


def slot_shares(lines: Sequence[Line]) -> dict[str, int]:
    """Return each line's share of slots, exactly `ONE_PLAY` together.

    Bought shares come first, scaled down in proportion when overbooked. `weight` splits the rest. A rest that no line
    wants goes to all in proportion. No line gets more than half, because no line follows itself. A line with a share of
    0 is left out.
    """
    wanted = _wanted(lines)
    largest = max(wanted, key=lambda line: wanted[line], default=None)
    if largest is not None and len(wanted) > 1:
        others = sum(wanted.values()) - wanted[largest]
        wanted[largest] = min(wanted[largest], others)
    return _apportion(wanted)


def fair_shares(lines: Sequence[Line]) -> dict[str, float]:
    """Return the share of slots that each line would have if it could follow itself; 1 together."""
    wanted = _wanted(lines)
    total = sum(wanted.values())
    return {line: part / total for line, part in wanted.items()}


def _wanted(lines: Sequence[Line]) -> dict[str, int]:
    bought = {line.id: line.share_ppm for line in lines if line.share_ppm is not None}
    weights = {line.id: line.weight for line in lines if line.share_ppm is None}
    booked, weight_total = sum(bought.values()), sum(weights.values())
    left = WholeShare - booked
    if left <= 0 or not weights:
        return bought
    shared = {line: share * weight_total for line, share in bought.items()}
    return shared | {line: left * weight for line, weight in weights.items()}


def _apportion(wanted: Mapping[str, int]) -> dict[str, int]:
    """Split `ONE_PLAY` by largest remainder; ties go by id, so that neither order nor scale matters."""
    total = sum(wanted.values())
    quotas = {line: divmod(ONE_PLAY * part, total) for line, part in wanted.items()}
    left = ONE_PLAY - sum(whole for whole, _ in quotas.values()) if quotas else 0
    rounded_up = set(sorted(quotas, key=lambda line: (-quotas[line][1], line))[:left])
    shares = {line: whole + (line in rounded_up) for line, (whole, _) in quotas.items()}
    return {line: share for line, share in shares.items() if share}


def rebase_accounts(
    accounts: Mapping[str, Account], shares: Mapping[str, int], known_lines: Collection[str], slot: int
) -> dict[str, Account]:
    """Return the accounts under new `shares` from `slot` on; accounts of lines not in `known_lines` are dropped.

    What a line is owed stays, but at most one play either way when it comes or goes, and two when its share changes: a
    line must not play many times in a row later. A new line starts at 0.
    """
    after = {line: account for line, account in accounts.items() if line in known_lines}
    changed = {line for line, account in after.items() if account.share != shares.get(line, 0)}
    if not changed and len(after) == len(accounts) and shares.keys() <= after.keys():
        return after
    for line, account in after.items():
        if account.levelled or line in changed:
            after[line] = _with_share(account, shares.get(line, 0), slot)
    for line, share in shares.items():
        if line not in after:
            after[line] = Account(line=line, share=share, since=slot)
    return levelled(after, shares, slot, lent=True)


def levelled(accounts: dict[str, Account], shares: Mapping[str, int], slot: int, *, lent: bool) -> dict[str, Account]:
    """Return the accounts with the total owed brought back within one play; each changes by the same part.

    Lines that left took with them what they were owed or ahead, and bring it back. Meanwhile the others are `lent` the
    difference (`Account.levelled`), and give it back when other lines are on air: so what a line is owed never drifts.
    """
    total = sum(accounts[line].owed(slot) for line in shares)
    excess = total - max(-ONE_PLAY, min(ONE_PLAY, total))
    if not excess:
        return accounts
    part = excess // len(shares)
    changed = {
        line: accounts[line].model_copy(
            update={
                "lag": accounts[line].owed(slot) - part,
                "since": slot,
                "levelled": accounts[line].levelled - part * lent,
            }
        )
        for line in shares
    }
    return accounts | changed


def _with_share(account: Account, share: int, slot: int) -> Account:
    """Return the account with what it is owed in truth: at most one play if the line comes or goes, else two."""
    most = 2 * ONE_PLAY if account.share and share else ONE_PLAY
    owed = max(-most, min(most, account.owed(slot) - account.levelled))
    return account.model_copy(update={"share": share, "lag": owed, "since": slot, "levelled": 0})


def _limited(account: Account, slot: int) -> Account:
    lag = max(-ONE_PLAY, min(ONE_PLAY, account.owed(slot)))
    return account.model_copy(update={"lag": lag, "since": slot})


def clamped(accounts: dict[str, Account], shares: Mapping[str, int], slot: int) -> dict[str, Account]:
    """Return the accounts with each limited to one play: some line could not be shown for a time."""
    limited = {line: _limited(accounts[line], slot) for line in shares if abs(accounts[line].owed(slot)) > ONE_PLAY}
    return levelled(accounts | limited, shares, slot, lent=False)
