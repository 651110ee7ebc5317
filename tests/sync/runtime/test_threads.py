"""Threads that compute one at a time."""

import threading
import time

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


def test_who_finds_another_one_in_its_turn_counts_that_until_it_does_not() -> None:
    shared = threading.Lock()
    first, second = Turn(shared), Turn(shared)
    for crowded in (1, 2):
        first.take()
        waiting = threading.Thread(target=second.take)
        waiting.start()
        while second.crowded < crowded and waiting.is_alive():
            time.sleep(0.001)
        first.leave()
        waiting.join()
        second.leave()
    assert (first.crowded, second.crowded) == (0, 2)
    second.take()
    assert second.crowded == 0
