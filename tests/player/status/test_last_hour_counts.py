"""What happened within the last hour is told, and forgotten an hour later."""

from player.status.last_hour_counts import WINDOW_S, LastHourCounts


def test_a_count_lasts_an_hour_and_what_came_before_the_first_look_is_new() -> None:
    counts = LastHourCounts()
    assert counts.update("decks", 3, 100.0) == 3
    assert counts.update("decks", 3, 200.0) == 3
    assert counts.update("decks", 5, 300.0) == 5
    assert counts.update("other", 0, 300.0) == 0
    assert counts.update("decks", 5, 100.0 + WINDOW_S) == 2
    assert counts.update("decks", 5, 300.0 + WINDOW_S) == 0
    assert counts.update("decks", 6, 301.0 + WINDOW_S) == 1
