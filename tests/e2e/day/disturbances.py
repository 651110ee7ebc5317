"""What can happen to a screen while something is on it; the record of what was on must end with the picture.

Each disturbance returns when the screen plays again with both decks.
"""

import os
import signal
from collections.abc import Callable
from contextlib import suppress

from Xlib import X
from Xlib.display import Display as XDisplay

from player.stage.deck_state import DeckState
from tests.e2e.alone import problems
from tests.e2e.day.day import Day, Disturbed
from tests.e2e.day.witness import BESIDE, COVER, Sight
from tests.e2e.site import until
from tests.player.pixels import SCREEN
from tests.small_disk import empty, fill

Disturbance = Callable[[Day], None]

_COVERED_S = 0.7
_RAISED_EVERY_S = 0.05
_DISPLAY_GONE_S = 3.0
_PLAYER_STANDS_S = 3.0
_JUMP_S = 2_400.0
_BEFORE_EVENING_S = 5.0


def deck_on_air(day: Day) -> int:
    """Return the process of the deck on air."""
    found: list[int] = []

    def look() -> bool:
        decks = day.decks()
        states = zip(decks["pids"], decks["states"], strict=True)
        found[:] = [pid for pid, state in states if pid and state == DeckState.ON_AIR]
        return bool(found)

    until(look, "a deck is on air")
    return found[0]


def hidden_deck(day: Day) -> int:
    """Return the process of the other deck; that of the deck on air if there is no other one."""
    on_air = deck_on_air(day)
    return next((pid for pid in day.decks()["pids"] if pid and pid != on_air), on_air)


def send_signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # it was replaced meanwhile
        os.kill(pid, number)


def deck_dies(day: Day) -> None:
    """SIGKILL of the deck on air."""
    send_signal(deck_on_air(day), signal.SIGKILL)


def deck_hangs(day: Day) -> None:
    """SIGSTOP of the deck on air."""
    send_signal(deck_on_air(day), signal.SIGSTOP)


def next_is_not_ready(day: Day) -> None:
    """SIGSTOP of the hidden deck: the item on air is over before another one has the next."""
    send_signal(hidden_deck(day), signal.SIGSTOP)


def both_decks_fail(day: Day) -> None:
    """SIGKILL of the deck on air, and SIGSTOP of the other one while it is needed."""
    hidden = hidden_deck(day)
    deck_dies(day)
    send_signal(hidden, signal.SIGSTOP)


def deck_cannot_be_started(day: Day) -> None:
    """SIGKILL of the hidden deck while no other can be started, until it was tried three times."""
    on_air = deck_on_air(day)
    aside = day.python.with_suffix(".away")
    day.python.rename(aside)
    for pid in day.decks()["pids"]:
        if pid and pid != on_air:
            send_signal(pid, signal.SIGKILL)
    until(lambda: day.decks()["failed_starts"] >= 3, "a deck was tried three times")
    aside.rename(day.python)


def window_is_covered(day: Day) -> None:
    """A window of another program that comes up again each time it is put below."""
    grey = BESIDE[COVER][0]
    program = XDisplay(day.site.display)
    try:
        root = program.screen().root
        all_of_it = (0, 0, SCREEN.width, SCREEN.height, 0)
        window = root.create_window(
            *all_of_it, X.CopyFromParent, override_redirect=True, background_pixel=grey * 0x010101
        )
        window.map()
        for _ in range(round(_COVERED_S / _RAISED_EVERY_S)):
            window.configure(stack_mode=X.Above)
            program.sync()
            day.clock.wait(_RAISED_EVERY_S)
    finally:
        program.close()


def display_goes(day: Day) -> None:
    """The X server ends, and another one starts some seconds later."""
    day.server.stop()
    day.clock.wait(_DISPLAY_GONE_S)
    day.server.start()


def display_restarts(day: Day) -> None:
    """The X server ends, and another one starts at once."""
    day.server.stop()
    day.server.start()


def player_is_killed(day: Day) -> None:
    """SIGKILL of the player, and a start."""
    day.site.stop("player", signal.SIGKILL)
    day.site.start("player")


def player_is_stopped(day: Day) -> None:
    """The player is stopped as systemd does it, and started."""
    day.site.stop("player")
    day.site.start("player")


def player_stands(day: Day) -> None:
    """SIGSTOP of the player: the next item comes by the clock of its deck, and stays."""
    player = day.site.processes["player"]
    player.send_signal(signal.SIGSTOP)
    day.clock.wait(_PLAYER_STANDS_S)
    player.send_signal(signal.SIGCONT)


def screen_is_blank(day: Day) -> None:
    """An operator has the screen black for a moment."""
    day.order(do="blank", for_ms=60_000)
    until(lambda: day.site.now()["showing"] == "blank", "the screen is black")
    day.order(do="play")


def power_is_cut(day: Day) -> None:
    """Player and X server end at one instant, and start in another start of the machine.

    The disk loses nothing: `test_crashes.py` shows what is left of files that were not flushed.
    """
    player = day.site.processes["player"]
    player.send_signal(signal.SIGSTOP)  # it must not see the end of the display
    os.kill(day.server.pid, signal.SIGKILL)
    day.site.stop("player", signal.SIGKILL)
    day.server.stop()
    day.boot_anew(f"{day.clock.now():%Y%m%d%H%M%S%f}".zfill(32))
    day.server.start()
    day.site.start("player")


def clock_jumps_ahead(day: Day) -> None:
    """Somebody sets the wall clock forward: shortly before the evening if it is morning, else by 40 minutes."""
    to_evening_s = day.until_evening_s() - _BEFORE_EVENING_S
    day.set_clock(day.ahead_s[-1] + (to_evening_s if to_evening_s > 0 else _JUMP_S))


def clock_jumps_back(day: Day) -> None:
    """Somebody sets the wall clock back by 40 minutes."""
    day.set_clock(day.ahead_s[-1] - _JUMP_S)


def disk_is_full(day: Day) -> None:
    """Nothing can be written until it is told; then there is room again. Needs `small_disk`."""
    disk = day.site.folder / "player"
    fill(disk)
    until(lambda: "cannot be written" in problems(day.site), "it is told")
    day.clock.wait(3.0)
    empty(disk)
    until(lambda: "cannot be written" not in problems(day.site), "it is written again")


QUICK: dict[str, Disturbance] = {
    "the deck dies": deck_dies,
    "its window is covered": window_is_covered,
    "the deck hangs": deck_hangs,
    "the wall clock jumps ahead": clock_jumps_ahead,
    "the player is killed": player_is_killed,
}
"""The quickest of them."""

DISK_FULL = "the disk is full"

TABLE: dict[str, Disturbance] = {
    **QUICK,
    "a deck cannot be started": deck_cannot_be_started,
    "the next item is not ready": next_is_not_ready,
    "both decks fail": both_decks_fail,
    "an operator has the screen blank": screen_is_blank,
    "the player stands for 3 s": player_stands,
    "the display is gone for 3 s": display_goes,
    "the X server restarts": display_restarts,
    "the player is stopped": player_is_stopped,
    "the power is cut": power_is_cut,
    "the wall clock jumps back": clock_jumps_back,
    DISK_FULL: disk_is_full,
}
"""All of them."""


def disturb(day: Day, sight: Sight, what: str, after_s: float = 0.7) -> None:
    """Do it once, so long after a picture came, and wait until the screen plays again and two more pictures came."""
    until(day.plays_with_both_decks, f"it plays, before: {what}")
    two_pictures(sight)
    day.clock.wait(after_s - (day.clock.monotonic() - sight.runs[-1].first_s))
    from_s = day.clock.monotonic()
    TABLE[what](day)
    two_pictures(sight)
    until(day.plays_with_both_decks, f"it plays again, after: {what}")
    day.disturbed.append(Disturbed(what, from_s, day.clock.monotonic()))


def two_pictures(sight: Sight) -> None:
    """Wait until two more pictures came."""
    before = sight.came
    until(lambda: sight.came >= before + 2, "two more pictures come")
