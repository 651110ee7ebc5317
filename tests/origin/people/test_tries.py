"""How often somebody may try: so many at once, then one after each pause; who is in one network counts together."""

from sync.origin.people.tries import (
    ACCOUNT_FROM_A_NETWORK,
    KNOWN_BROWSER,
    NETWORK,
    Allowance,
    Spent,
    left_after_right_try,
    limits_of,
    try_once,
)

THREE = Allowance(3, 60.0)


def test_an_allowance_runs_out_and_fills_up_again_up_to_its_size() -> None:
    spent: Spent | None = None
    waits = []
    for _ in range(5):
        spent, wait_s = try_once(spent, THREE, 100.0)
        waits.append(wait_s)
    assert waits == [0, 0, 0, 60, 60]  # what is refused costs nothing
    assert try_once(spent, THREE, 145.0)[1] == 15
    assert try_once(spent, THREE, 160.0)[1] == 0
    later, _ = try_once(spent, THREE, 1e6)
    assert later.left == 2


def test_a_try_that_was_right_is_given_back() -> None:
    spent, _ = try_once(None, THREE, 0.0)
    assert left_after_right_try(spent, THREE, 0.0) is None
    spent, _ = try_once(spent, THREE, 0.0)
    assert left_after_right_try(spent, THREE, 0.0) == Spent(2, 0.0)


def test_a_known_browser_has_an_allowance_that_others_cannot_use_up() -> None:
    assert limits_of("anna", "192.0.2.1", "cookie") == (("browser cookie", KNOWN_BROWSER),)
    limits = dict(limits_of("anna", "192.0.2.1", None))
    assert limits == {"network 192.0.2.1": NETWORK, "account anna 192.0.2.1": ACCOUNT_FROM_A_NETWORK}
