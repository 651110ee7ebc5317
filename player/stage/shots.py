"""What the stage has at a time: the shot on air or a blank screen, and the shot that waits in the other deck."""

import asyncio
from dataclasses import dataclass, field

from player.protocol.deck_messages import DeckPulse, EndAnnounced, Load, Loaded, ShotFinished
from player.protocol.stage_interface import ON_TIME_S, Cut, Ended, Shot
from player.stage.deck_process import DeckProcess
from player.stage.deck_state import DeckExit, DeckState

_UNSEEN_S = 2.5  # a longer time without a pulse is not proven: the machine stood, or nobody knows
_PULSE_S = 0.25  # between two pulses, with the time they take to come
_PULSE_STEP_MS = 750  # a pulse comes five times a second, with a media time that is up to half a second old

IMMEDIATELY = float("-inf")
"""The instant of a cut that waits for nothing."""


@dataclass(slots=True, eq=False)
class ShotOnAir:
    """The shot on the screen; its last picture stays after its end. Made on the loop."""

    deck: DeckProcess
    shot: Shot
    started_s: float
    ended: "asyncio.Future[Ended]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    ends: EndAnnounced | None = None  # as the deck plans it
    pulse: DeckPulse | None = None  # the last one of its deck with a media time
    pulse_s: float = 0.0
    seen_s: float = 0.0  # when its deck last said that it has it on the screen
    frames_lost: int | None = None
    frames_shown: int | None = None
    left_s: float | None = None  # when its picture left the display, with its deck or by another one; None: it stands

    def __post_init__(self) -> None:
        self.seen_s = self.started_s

    def update(self, event: ShotFinished | EndAnnounced | DeckPulse, now_s: float) -> None:
        """Record what its deck reports of it."""
        if event.frames_lost is not None or isinstance(event, ShotFinished):
            self.frames_lost, self.frames_shown = event.frames_lost, event.frames_shown
        if isinstance(event, DeckPulse):
            self.seen_s = max(self.seen_s, event.at_s)
        match event:
            case EndAnnounced():
                self.ends = event
            case DeckPulse() if event.media_ms is not None:
                self.pulse, self.pulse_s = event, now_s
            case ShotFinished():
                self.end(event.at_s, event.reason)
            case _:
                pass

    def media_ms(self, now_s: float) -> int | None:
        """Return the position in its media: libVLC reports it in steps, the plan tells what lies between two."""
        if self.pulse is None or self.pulse.media_ms is None:
            return None
        most_ms = self.pulse.media_ms + _PULSE_STEP_MS + min(_PULSE_STEP_MS, round((now_s - self.pulse_s) * 1000))
        planned_ms = round((now_s - self.started_s) * 1000)
        return max(self.pulse.media_ms, min(planned_ms, most_ms, self.shot.length_ms or most_ms))

    def end(self, at_s: float, reason: str, *, failed: bool = False, deck_lost: bool = False) -> None:
        """Record how it ended; the first record stays."""
        if not self.ended.done():
            self.ended.set_result(self._ended_at(at_s, reason, failed=failed, deck_lost=deck_lost))

    def lose(
        self, reason: str, *, deck_lost: bool = True, gone_at_s: float | None = None, quiet_s: float = 0.0
    ) -> None:
        """Record that its deck is lost, or quiet: nothing is proven after that was last heard of.

        `gone_at_s`: its deck was found to be gone then, and had been watched while it said nothing for `quiet_s`. The
        picture went at that instant, unless the player itself stood: then a pulse after its last word. None: its deck
        may be there, and its picture stands until it leaves.
        """
        if gone_at_s is not None and self.left_s is None:
            self.left_s = min(gone_at_s, self.seen_s + _PULSE_S + quiet_s)
        self.end(self.seen_s, reason, failed=True, deck_lost=deck_lost)

    def so_far(self, now_s: float) -> Ended:
        """Return how it ended; while it goes on, how it would be recorded if it were cut now."""
        at_s = min(now_s, self.seen_s + _PULSE_S, self.ends.at_s if self.ends else now_s)
        ended = self.ended.result() if self.ended.done() else self._ended_at(at_s, "cut")
        return ended.model_copy(update={"left_s": self.left_s})

    def _ended_at(self, at_s: float, reason: str, *, failed: bool = False, deck_lost: bool = False) -> Ended:
        still_ms, unseen_s = (self.pulse.still_ms if self.pulse else None) or 0, at_s - self.seen_s
        still_ms += round(unseen_s * 1000) if unseen_s > _UNSEEN_S else 0
        return Ended(
            take=self.shot.take, started_s=self.started_s, ended_s=at_s, reason=reason,
            failed=failed, deck_lost=deck_lost, frames_lost=self.frames_lost, frames_shown=self.frames_shown,
            still_ms=still_ms, covered=bool(self.pulse and self.pulse.covered),
        )  # fmt: skip

    def cut_due_s(self, deadline_s: float | None) -> float | None:
        """Return when to cut away from it, `deadline_s` at the latest; None while its end is not known."""
        if self.ended.done():
            ended = self.ended.result()
            return IMMEDIATELY if ended.failed else ended.ended_s
        known = [at_s for at_s in (deadline_s, self.ends.at_s if self.ends else None) if at_s is not None]
        return min(known, default=None)

    def leave(self, at_s: float) -> Ended:
        """Return how it ended, and that its picture left the screen at `at_s`, unless it went with its deck before.

        Its planned end counts if `at_s` is not before it: the deck may report that end only later.
        """
        if self.ends and at_s >= self.ends.at_s:
            self.end(self.ends.at_s if at_s - self.ends.at_s <= ON_TIME_S else at_s, self.ends.reason)
        self.end(at_s, "cut")
        self.left_s = at_s if self.left_s is None else min(at_s, self.left_s)
        return self.so_far(at_s)


@dataclass(frozen=True, slots=True, eq=False)
class BlankScreen:
    """Plain black, as ordered: `deck` covers the screen with it, or will once it is up."""

    deck: DeckProcess


@dataclass(slots=True, eq=False)
class WaitingShot:
    """The prerolled shot. `result` is the cut once it is on the screen, or why its deck no longer has it.

    `order_s` is the instant the deck is ordered to show it, which may be `IMMEDIATELY`; None: there is no order.
    `due_s` is when the last order could be carried out.
    """

    deck: DeckProcess
    shot: Shot
    order_s: float | None = None
    due_s: float = 0.0
    result: Cut | DeckExit | None = None

    @property
    def cut(self) -> Cut | None:
        """The cut to it, once that was carried out."""
        return self.result if isinstance(self.result, Cut) else None


async def load_shot(deck: DeckProcess, shot: Shot, on_air: ShotOnAir | None, *, at_once: bool) -> Loaded:
    """Have `shot` loaded: running if it is wanted at once or nothing is on air, else paused on its first frame.

    If the shot on air fails meanwhile, `shot` runs too. If it just ends, its last picture stays until `shot` is loaded,
    so that no frame of `shot` is lost.
    """
    if at_once or on_air is None or on_air.ended.done():
        return await deck.load(shot, at_once=True)

    def load_at_once(ended: asyncio.Future[Ended]) -> None:
        if ended.result().failed and deck.state is DeckState.LOADING:
            deck.send(Load(shot=shot, at_once=True))

    on_air.ended.add_done_callback(load_at_once)
    try:
        return await deck.load(shot)
    finally:
        on_air.ended.remove_done_callback(load_at_once)
