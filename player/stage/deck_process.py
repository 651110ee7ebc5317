"""The stage's end of one deck: starts the process, asks it things, hears it, and replaces it when it dies or hangs."""

import asyncio
import logging
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from random import Random
from typing import TypeVar

from pydantic import ValidationError

from player.platform.child_process import deck_memory_limit_bytes, is_stopped, kill_process, rss_bytes, waits_for_disk
from player.protocol.deck_messages import (
    DECK_EVENT,
    Blank,
    Blanked,
    Broken,
    CancelShow,
    DeckCommand,
    DeckEvent,
    DeckPulse,
    Hidden,
    Hide,
    Load,
    Loaded,
    Ready,
    SetAudioDevice,
    ShowCancelled,
)
from player.protocol.screen import Shot
from player.stage.deck_exit import DeckExit, exit_from_code
from player.stage.deck_options import DeckOptions
from sync.errors import DeckLost, MediaUnplayable, ScreenFailed
from sync.runtime.clock import Backoff, Clock

QUIET_S = 0.8  # a deck sends a pulse five times a second: one quiet for so long may hang
SILENCE_S = 3.5  # and so does: loading keeps a deck quiet for a second on a slow machine
START_WITHIN_S = 20.0
LOAD_WITHIN_S = 12.0  # the deck itself gives up after 8
ANSWER_WITHIN_S = 2.0
_GLANCE_S = 0.2  # how often a deck that says nothing is looked at
_STOPS = 2  # looks that find it stopped by somebody
_SETTLED_AFTER_S = 10.0
_LONGEST_WAIT_S = 2.0  # meanwhile the fallback shows: worth a tenth of a processor
_MIB = 1024**2

E = TypeVar("E", Ready, Loaded, ShowCancelled, Hidden, Blanked)

log = logging.getLogger(__name__)


class DeckProcess:
    """One deck process and its replacements. `heard` and `lost` are called on the loop, in order.

    `falters` is called while it hangs and its last picture stands: True if that is to be kept until the next cut.
    """

    def __init__(
        self,
        name: str,
        rig: Callable[[], DeckOptions],
        clock: Clock,
        heard: "Callable[[DeckProcess, DeckEvent], None]",
        lost: "Callable[[DeckProcess, DeckExit], None]",
        falters: "Callable[[DeckProcess, str], bool]",
    ) -> None:
        self.name = name
        self.restarts = 0
        self.renewals = 0
        self.shots = 0  # loaded by the present process
        self.condemned = ""  # why the present process is replaced once it is off the air
        self.suspect: Shot | None = None  # cut away from because it may hang, and not yet stopped
        self.rig = rig()  # of the present process
        self._wanted = rig
        self._most_bytes = deck_memory_limit_bytes()
        self._clock = clock
        self._heard = heard
        self._lost = lost
        self._falters = falters
        self._quiet = 0  # looks in a row that it said nothing
        self._process: Process | None = None
        self._up = asyncio.Event()
        self._verdict: DeckExit | None = None
        self._loads = ""  # the take that was asked for last: an answer may be to the one before
        self._asked: dict[type[DeckEvent], asyncio.Future[DeckEvent]] = {}

    @property
    def pid(self) -> int | None:
        """The process id; None while it is being replaced."""
        return self._process.pid if self._process else None

    @property
    def up(self) -> bool:
        """Whether the deck takes commands."""
        return self._up.is_set()

    @property
    def answers(self) -> bool:
        """Whether it takes commands, and spoke just now."""
        return self.up and self._quiet * _GLANCE_S < QUIET_S / 2

    @property
    def outdated(self) -> bool:
        """Whether something else is to be filled than the present process fills."""
        return self.rig.area != self._wanted().area

    async def run(self) -> None:
        """Keep a deck alive for ever; it ends with this call."""
        backoff = Backoff(first_s=0.2, limit_s=_LONGEST_WAIT_S, rng=Random())
        while True:
            began = self._clock.monotonic()
            loss = await self._one_life()
            self.restarts += not loss.renewal
            self.renewals += loss.renewal
            log.log(
                logging.INFO if loss.renewal else logging.WARNING,
                "deck=%s lost: %s; starting another",
                self.name,
                loss.reason,
            )
            self._lost(self, loss)
            if self._clock.monotonic() - began > _SETTLED_AFTER_S:
                backoff.reset()
            else:
                await self._clock.sleep(backoff.next_s())

    async def wait_up(self) -> None:
        """Wait until the deck takes commands.

        Raises:
            DeckLost: it does not come up in time.
        """
        try:
            async with asyncio.timeout(START_WITHIN_S):
                await self._up.wait()
        except TimeoutError as error:
            raise DeckLost(f"deck {self.name} does not start; see its log lines, and the display") from error

    async def load(self, shot: Shot, *, at_once: bool = False) -> Loaded:
        """Have `shot` opened and held on its first frame, or running on from there to be shown `at_once`.

        Raises:
            MediaUnplayable: it cannot be shown.
            DeckLost: the deck died or hung from outside.
        """
        self.shots += 1
        self._loads = shot.take
        return await self._ask(Load(shot=shot, at_once=at_once), Loaded, LOAD_WITHIN_S)

    async def hold(self, take: str) -> ShowCancelled:
        """Have an order to show `take` stand no longer. Raises DeckLost."""
        return await self._ask(CancelShow(take=take), ShowCancelled, ANSWER_WITHIN_S)

    async def hide(self) -> Hidden:
        """Take the deck off the screen, whatever it shows. Raises DeckLost."""
        return await self._ask(Hide(), Hidden, ANSWER_WITHIN_S)

    async def blank(self) -> Blanked:
        """Have the deck cover the screen with black. Raises DeckLost."""
        return await self._ask(Blank(), Blanked, ANSWER_WITHIN_S)

    def send(self, command: DeckCommand) -> None:
        """Send `command` without waiting; a deck that is down has nothing to be told."""
        if self.up and self._process and self._process.stdin:
            self._process.stdin.write(command.model_dump_json().encode() + b"\n")

    def kill(self, loss: DeckExit) -> None:
        """End the process for the reason `loss`; `run` starts another."""
        self._verdict = loss
        self._up.clear()  # at once: nobody shall give it work in its last moment
        if self._process:
            kill_process(self._process)

    async def _ask(self, command: DeckCommand, reply: type[E], within_s: float) -> E:
        if not self.up:
            raise DeckLost(f"deck {self.name} is being replaced")
        future: asyncio.Future[DeckEvent] = asyncio.get_running_loop().create_future()
        self._asked[reply] = future
        self.send(command)
        try:
            async with asyncio.timeout(within_s):
                answer = await future
        except TimeoutError as error:
            self.kill(DeckExit(f"no answer to {command.do} within {within_s:.0f} s", crashed=True))
            raise DeckLost(f"deck {self.name} did not answer {command.do}; it is being replaced") from error
        finally:
            if self._asked.get(reply) is future:
                del self._asked[reply]
        assert isinstance(answer, reply)
        return answer

    # ── one process ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _one_life(self) -> DeckExit:
        self._verdict, self.shots, self.condemned, self.suspect = None, 0, "", None
        self.rig = self._wanted()
        process = await asyncio.create_subprocess_exec(
            *self.rig.arguments(), "--parent", str(os.getpid()),
            stdin=PIPE, stdout=PIPE, env={**os.environ, **self.rig.environment()},
        )  # fmt: skip
        self._process = process
        try:
            await self._listen(process)
        finally:
            self._up.clear()
            self._process = None
            kill_process(process)
            await asyncio.shield(process.wait())
        loss = self._verdict or exit_from_code(process.returncode or 0)
        self._refuse(loss)
        return loss

    async def _listen(self, process: Process) -> None:
        """Hear the deck until its end, or until it falls silent."""
        assert process.stdout is not None
        patience_s, stops = START_WITHIN_S, 0
        self._quiet = 0
        while True:
            try:
                async with asyncio.timeout(_GLANCE_S):
                    line = await process.stdout.readline()
            except TimeoutError:
                # Counted, not timed: while we sleep ourselves, as on a machine put to sleep, nobody falls silent.
                self._quiet += 1
                stops = stops + 1 if is_stopped(process.pid) else 0
                loss = self._stopped() if stops >= _STOPS else self._hanging(process.pid, patience_s)
                if loss:
                    self._verdict = loss
                    return
                continue
            if not line:
                return
            self._quiet, patience_s, stops = 0, SILENCE_S, 0
            self._take(line)
            self._limit(process.pid)

    def _stopped(self) -> DeckExit | None:
        loss = DeckExit("somebody stopped it", crashed=False)
        if self._quiet * _GLANCE_S <= SILENCE_S and self._falters(self, loss.reason):
            self.condemned = loss.reason
            return None
        return loss

    def _hanging(self, pid: int, patience_s: float) -> DeckExit | None:
        """Return that it hangs once that is certain; one cut away from for that, which does not stop, does."""
        quiet_s = self._quiet * _GLANCE_S
        may_hang = self.up and quiet_s >= QUIET_S
        kept = may_hang and self._falters(self, f"no sign of life for {quiet_s:.1f} s")
        if quiet_s > patience_s or (may_hang and self.suspect and not kept):
            return DeckExit(f"no sign of life for {quiet_s:.1f} s", crashed=not waits_for_disk(pid))
        return None

    def _limit(self, pid: int) -> None:
        """End a deck whose media eat the memory, before the kernel picks a victim of its own."""
        held = rss_bytes(pid)
        if held > self._most_bytes:
            self.kill(DeckExit(f"it holds {held // _MIB} MiB of memory", crashed=True))

    def _take(self, line: bytes) -> None:
        try:
            event = DECK_EVENT.validate_json(line)
        except ValidationError:
            self.kill(DeckExit(f"it said something unreadable: {line[:200]!r}", crashed=True))
            return
        if isinstance(event, Ready):
            self._up.set()
            self.send(SetAudioDevice(device=self._wanted().sound))
        if self.suspect and isinstance(event, DeckPulse) and event.take != self.suspect.take:
            self.suspect = None  # it stopped
        self._heard(self, event)
        future = self._asked.get(Loaded if isinstance(event, Broken) else type(event))
        if future is None or future.done() or (isinstance(event, Loaded | Broken) and event.take != self._loads):
            return
        if isinstance(event, Broken):
            future.set_exception(MediaUnplayable(event.reason))
        else:
            future.set_result(event)

    def _refuse(self, loss: DeckExit) -> None:
        """Answer all that was asked of a deck that is gone; a decoder that crashes on loading condemns the media."""
        for reply, future in self._asked.items():
            if future.done():
                continue
            own = loss.crashed and reply is Loaded and self.suspect is None
            blame: type[ScreenFailed] = MediaUnplayable if own else DeckLost
            future.set_exception(blame(f"deck {self.name} is gone: {loss.reason}"))
