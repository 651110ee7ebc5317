"""Over how long many devices spread what they all would do at once, as pure functions of how many there are."""

FETCHED_A_SECOND = 200
"""So many devices fetch a new release each second: its timestamp, the release, and the chunk lists of its media."""

FEW = 40
"""So many may fetch at once."""

RETURNING_A_SECOND = 300
"""So many devices come back each second after their connections ended."""

LEAST_RETURN_S = 1.0
LONGEST_S = 600.0


def fetch_window_s(listening: int) -> float:
    """Return within how many seconds each of so many devices fetches a release, at a moment of its choice; 0: at once.

    Something urgent has no window, see `sync.origin.publishing.urgency`.
    """
    return 0.0 if listening <= FEW else min(LONGEST_S, round(listening / FETCHED_A_SECOND, 1))


def return_window_s(devices: int) -> float:
    """Return within how many seconds each of so many devices comes back when all connections have ended."""
    return max(LEAST_RETURN_S, min(LONGEST_S, round(devices / RETURNING_A_SECOND, 1)))
