"""Threads that compute one at a time."""

import threading

from sync.runtime.threads import Turn


def test_only_who_has_the_turn_leaves_it() -> None:
    shared = threading.Lock()
    first, second = Turn(shared), Turn(shared)
    first.take()
    first.take()  # it has it
    second.leave()  # it has none
    assert shared.locked()
    first.leave()
    assert not shared.locked()
    first.leave()
    second.take()
    first.leave()
    assert shared.locked()
