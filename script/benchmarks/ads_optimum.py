"""The least error of a share that any order of ads can have, with all of the future known, beside a gap.

A large line and two smaller ones of its advertiser; all other lines take any slot that is left, without rules of their
own, so an order of real lines can only be worse. Bisection over the error; for each, all counts that can be reached.
"""

SLOTS, GAP, STEPS = 700, 2, 12

Reached = set[tuple[tuple[int, int, int], int, int]]  # plays of each; slots since the large one and since a small one


def least_error(shares: tuple[float, float, float]) -> float:
    """Return by how many plays the line that is off most is off at least; the first share is the large one."""
    low, high = 0.4, 3.0
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if _possible(shares, middle) else (middle, high)
    return high


def _possible(shares: tuple[float, float, float], most: float) -> bool:
    reached: Reached = {((0, 0, 0), GAP + 1, GAP + 1)}
    for slot in range(1, SLOTS + 1):
        reached = {
            (plays, since_large, since_small)
            for before in reached
            for plays, since_large, since_small in _next(*before)
            if all(abs(share * slot - count) <= most for share, count in zip(shares, plays, strict=True))
        }
    return bool(reached)


def _next(plays: tuple[int, int, int], since_large: int, since_small: int) -> Reached:
    """Return what one slot can lead to; a line never follows itself, and small ones keep the gap to both sides."""
    large, first, second = plays
    later_large, later_small = min(GAP + 1, since_large + 1), min(GAP + 1, since_small + 1)
    found: Reached = {(plays, later_large, later_small)}
    if since_large and since_small >= GAP:
        found.add(((large + 1, first, second), 0, later_small))
    if since_large >= GAP and since_small >= GAP:
        found |= {((large, first + 1, second), later_large, 0), ((large, first, second + 1), later_large, 0)}
    return found
