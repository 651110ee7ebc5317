"""How often somebody may try a password or a code: allowances that fill up again with time.

An account itself is never locked, for anybody could lock the accounts of others. What is slowed down is who tries: an
account from one network, a network with all accounts, a browser in which that person logged in before (which others
cannot use up), and wrong codes after the right password, in known browsers and elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many tries at once, and one more after each `refill_s`."""

    most: int
    refill_s: float


ACCOUNT_FROM_A_NETWORK = Allowance(5, 60.0)
NETWORK = Allowance(30, 10.0)
KNOWN_BROWSER = Allowance(10, 30.0)
CODES = Allowance(5, 60.0)
OWN_PASSWORD = Allowance(10, 30.0)
BEGUN = Allowance(30, 4.0)


@dataclass(frozen=True, slots=True)
class Spent:
    """How much of an allowance was left, and when; all of it if nothing is known."""

    left: float
    at_s: float


Limit = tuple[str, Allowance]
"""Who tries, by a name, and what that one may."""


def try_once(spent: Spent | None, allowance: Allowance, now_s: float) -> tuple[Spent, float]:
    """Return what is left after one more try, and how long to wait before it: 0, or the try does not count."""
    left = _left(spent, allowance, now_s)
    if left < 1:
        return Spent(left, now_s), (1 - left) * allowance.refill_s
    return Spent(left - 1, now_s), 0.0


def left_after_right_try(spent: Spent, allowance: Allowance, now_s: float) -> Spent | None:
    """Return what is left after a try was right; None: all of it."""
    left = _left(spent, allowance, now_s) + 1
    return None if left >= allowance.most else Spent(left, now_s)


def _left(spent: Spent | None, allowance: Allowance, now_s: float) -> float:
    if spent is None:
        return float(allowance.most)
    return min(float(allowance.most), spent.left + (now_s - spent.at_s) / allowance.refill_s)


def limits_of(account: str, network: str, browser: str | None) -> Sequence[Limit]:
    """Return all that a log-in must keep to; `browser` is the hash of a cookie of somebody who is known by it."""
    if browser is not None:
        return ((f"browser {browser}", KNOWN_BROWSER),)
    return ((f"network {network}", NETWORK), (f"account {account} {network}", ACCOUNT_FROM_A_NETWORK))


def limits_of_beginning(network: str, browser: str | None) -> Sequence[Limit]:
    """Return what must keep to it that begins to log in without a name: each time a challenge is stored.

    It is a network, or (by the hash of its cookie) a browser in which somebody logged in before.
    """
    return ((f"begins {network if browser is None else browser}", BEGUN),)


def limits_of_codes(person: str, browser: str | None) -> Sequence[Limit]:
    """Return what the codes of an account must keep to; who has its password cannot use up those of a known browser."""
    return ((f"codes {person} {browser or 'elsewhere'}", CODES),)
