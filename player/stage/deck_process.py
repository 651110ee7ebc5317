"""The stage's end of one deck: starts the process, sends commands, reads events, replaces it when it dies or hangs.

The life of a process is `player.stage.deck_state.DECK_STATES`; only this class changes the state of a deck.
"""

import asyncio
import logging
import os
from asyncio.subprocess import Process
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import TypeVar

from pydantic import ValidationError

from player.platform.child_process import (
    deck_memory_limit_bytes,
    is_stopped,
    kill_process,
    rss_bytes,
    start_child,
    waits_for_disk,
)
from player.platform.code_version import CODE, OTHER_CODE, code_version
from player.protocol.deck_messages import (
    DECK_EVENT,
    Blank,
    Blanked,
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
    ShotFailed,
    ShotShown,
    ShowCancelled,
)
from player.protocol.stage_interface import STAGE_CLOSED, Shot
from player.stage.deck_options import DeckOptions
from player.stage.deck_state import DECK_STATES, DeckExit, DeckState, exit_from_code
from sync.errors import DeckLost, DeckMissing, MediaUnplayable, ScreenFailed
from sync.runtime.clock import Backoff, Clock
from sync.runtime.os_messages import os_reason

QUIET_S = 0.8  # a deck sends a pulse five times a second: one that is quiet for so long may hang
SILENCE_S = 3.5  # and one that is quiet for so long hangs: loading takes a second on a slow machine
START_WITHIN_S = 20.0
LOAD_WITHIN_S = 12.0  # the deck itself gives up after 8
ANSWER_WITHIN_S = 2.0
_CHECK_EVERY_S = 0.2  # while a deck says nothing
_STOPPED_CHECKS = 2  # checks in a row that find the process stopped by a signal
_STABLE_AFTER_S = 10.0
_HOPELESS_STARTS = 3  # in a row that failed: some two seconds, and nobody knows when one will succeed
_LONGEST_WAIT_S = 2.0  # meanwhile the fallback shows: worth a tenth of a processor
_MIB = 1024**2
_AFTER_ORDER: dict[type, DeckState] = {Load: DeckState.LOADING, Hide: DeckState.READY, Blank: DeckState.BLANK}
_DISPLAY_CHANGED = DeckExit("the display changed", crashed=False, renewal=True)

E = TypeVar("E", Loaded, ShowCancelled, Hidden, Blanked)

log = logging.getLogger(__name__)


class DeckProcess:
    """One deck process and its replacements. `on_event` and `on_exit` are called on the loop, in order.

    `options` returns what the next process is started with. `on_hang` is called while the deck may hang and its last
    picture is on the screen; it returns True if that picture is needed until the next cut. While `display_hangs`,
    decks wait for the X server: their silence says nothing.
    """

    def __init__(
        self,
        name: str,
        options: Callable[[], DeckOptions],
        clock: Clock,
        on_event: "Callable[[DeckProcess, DeckEvent], None]",
        on_exit: "Callable[[DeckProcess, DeckExit], None]",
        on_hang: "Callable[[DeckProcess, str], bool]",
        display_hangs: Callable[[], bool] = lambda: False,
    ) -> None:
        self.name = name
        self.state = DeckState.GONE
        self.restarts = 0
        self.renewals = 0
        self.shots = 0  # loaded by this process
        self.suspected_shot: Shot | None = None  # see `suspect`
        self.failed_starts = 0  # in a row: processes that did not start, or ended before they took commands
        self._unstarted = False  # the last try to start a process failed
        self._replace_reason = ""  # see `replace_when_hidden`
        self._wanted_options = options
        self._options = options()  # of this process
        self._clock = clock
        self._on_event = on_event
        self._on_exit = on_exit
        self._on_hang = on_hang
        self._display_hangs = display_hangs
        self._quiet_checks = 0  # checks in a row at which it had said nothing
        self._process: Process | None = None
        self._moved = asyncio.Event()  # set, and replaced, at each change of the state
        self._exit: DeckExit | None = None  # why the process was killed
        self._greeted = False  # this process said `Ready`, and is of our code
        self._take = ""  # of the shot ordered last: a reply may be to the one before
        self._replies: dict[type[DeckEvent], asyncio.Future[DeckEvent]] = {}

    @property
    def pid(self) -> int | None:
        """The process id; None while the process is being replaced."""
        return self._process.pid if self._process and self.state is not DeckState.LEAVING else None

    @property
    def up(self) -> bool:
        """Whether the deck takes commands."""
        return self.state.takes_commands

    @property
    def quiet_s(self) -> float:
        """For how long it has said nothing while it was watched."""
        return self._quiet_checks * _CHECK_EVERY_S

    @property
    def responsive(self) -> bool:
        """Whether it takes commands, and spoke just now."""
        return self.up and self.quiet_s < QUIET_S / 2

    @property
    def outdated(self) -> bool:
        """Whether this process fills another area than is wanted now."""
        return self._options.area != self._wanted_options().area

    async def run(self) -> None:
        """Keep a deck alive until cancelled; the process ends with this call."""
        backoff = Backoff(first_s=0.2, limit_s=_LONGEST_WAIT_S, rng=Random())
        while True:
            began_s = self._clock.monotonic()
            why = await self._run_process()
            self.restarts += not why.renewal
            self.failed_starts += not (why.renewal or self._greeted)
            self.renewals += why.renewal
            level = logging.INFO if why.renewal else logging.DEBUG if self._unstarted else logging.WARNING
            log.log(level, "deck=%s lost: %s; starting another", self.name, why.reason)
            self._unstarted = why.unstarted
            if self._clock.monotonic() - began_s > _STABLE_AFTER_S:
                backoff.reset()
            else:
                await self._clock.sleep(backoff.next_s())

    async def wait_up(self, replaceable: Callable[[], bool] = lambda: False) -> None:
        """Wait until the deck takes commands; `replaceable`: another deck can do its work by now.

        Raises:
            DeckLost: it does not start in time.
            DeckMissing: its starts fail one after the other, and it is replaceable.
        """
        try:
            async with asyncio.timeout(START_WITHIN_S):
                while not self.up:
                    await self._moved.wait()
                    hopeless = self.state is DeckState.GONE and self.failed_starts >= _HOPELESS_STARTS
                    if hopeless and replaceable():
                        raise DeckMissing(f"deck {self.name} does not start, {self.failed_starts} times in a row")
        except TimeoutError as error:
            raise DeckLost(f"deck {self.name} does not start; see its log lines, and the display") from error

    # ── commands ───────────────────────────────────────────────────────────────────────────────────────────────────

    async def load(self, shot: Shot, *, at_once: bool = False) -> Loaded:
        """Have `shot` opened and paused on its first frame, or running from there to be shown `at_once`.

        Raises:
            MediaUnplayable: it cannot be shown.
            DeckLost: the deck died, or hung for a reason that is not the media's.
        """
        self.shots += 1
        self._take = shot.take
        return await self._request(Load(shot=shot, at_once=at_once), Loaded, LOAD_WITHIN_S)

    async def cancel_show(self, take: str) -> None:
        """Cancel the order to show `take`; if it came too late, the event `ShotShown` came before. Raises DeckLost."""
        await self._request(CancelShow(take=take), ShowCancelled, ANSWER_WITHIN_S)

    async def hide(self) -> None:
        """Take the deck off the screen, whatever it shows. Raises DeckLost."""
        await self._request(Hide(), Hidden, ANSWER_WITHIN_S)
        self._end_if_due()

    def leave_screen(self) -> None:
        """Take the deck off the screen, which another one covers by now; its answer is not waited for."""
        self.send(Hide())
        self._end_if_due()

    async def blank(self) -> Blanked:
        """Have the deck cover the screen with black. Raises DeckLost."""
        return await self._request(Blank(), Blanked, ANSWER_WITHIN_S)

    def send(self, command: DeckCommand) -> None:
        """Send `command` without waiting for its answer; a deck that is down gets nothing."""
        if not (self.up and self._process and self._process.stdin):
            return
        self._process.stdin.write(command.model_dump_json().encode() + b"\n")
        self._move(_AFTER_ORDER.get(type(command), self.state))

    def suspect(self, shot: Shot) -> None:
        """Record that the screen cut away from `shot` because this deck may hang; the next answer clears it."""
        self.suspected_shot = shot

    def replace_when_hidden(self, reason: str) -> None:
        """Replace the process once it is off the screen."""
        self._replace_reason = reason

    def replace_outdated(self) -> None:
        """Replace the process at once, because another area is wanted."""
        self.kill(_DISPLAY_CHANGED)

    def kill(self, why: DeckExit) -> None:
        """End the process for the reason `why`; `run` starts another. One that is ending keeps its first reason."""
        if self.state in (DeckState.GONE, DeckState.LEAVING):
            return
        self._exit = why
        self._move(DeckState.LEAVING)
        if self._process:
            kill_process(self._process)

    def _end_if_due(self) -> None:
        if self._replace_reason:
            self.kill(DeckExit(self._replace_reason, crashed=False))
        elif self.outdated:
            self.replace_outdated()

    def _move(self, state: DeckState) -> None:
        if state is not self.state:
            self.state = DECK_STATES.move(self.state, state)
            self._moved.set()
            self._moved = asyncio.Event()

    async def _request(self, command: DeckCommand, reply: type[E], within_s: float) -> E:
        if not self.up:
            raise DeckLost(f"deck {self.name} is being replaced")
        future: asyncio.Future[DeckEvent] = asyncio.get_running_loop().create_future()
        self._replies[reply] = future
        self.send(command)
        try:
            while not (await asyncio.wait({future}, timeout=within_s))[0]:
                if not self._display_hangs():
                    self.kill(DeckExit(f"no answer to {command.do} within {within_s:.0f} s", crashed=True))
                    raise DeckLost(f"deck {self.name} did not answer {command.do}; it is being replaced")
            answer = future.result()
        finally:
            if self._replies.get(reply) is future:
                del self._replies[reply]
        assert isinstance(answer, reply)
        return answer

    # ── one process ────────────────────────────────────────────────────────────────────────────────────────────────

    async def _run_process(self) -> DeckExit:
        self._exit, self.shots, self._replace_reason, self.suspected_shot = None, 0, "", None
        self._options, self._greeted = self._wanted_options(), False
        self._move(DeckState.STARTING)
        try:
            command = *self._options.arguments(), "--parent", str(os.getpid())
            self._process = await start_child(self._options.display, *command)
            if self.state is DeckState.STARTING:  # else it was killed before it had a process
                await self._listen(self._process)
        except asyncio.CancelledError:
            self._exit = self._exit or DeckExit(STAGE_CLOSED, crashed=False)
            raise
        except OSError as error:
            self._exit = DeckExit(f"it cannot be run: {os_reason(error)}", crashed=False, unstarted=True)
        finally:  # also if the task is cancelled: whoever waits for this deck must not wait for ever
            why = DeckExit(STAGE_CLOSED, crashed=False)
            try:
                why = await self._end_process()
                if not self._greeted and code_version() != CODE:  # it may not even understand how it is started now
                    why = replace(why, other_code=True)
            finally:
                self._refuse_requests(why)
                self._on_exit(self, why)
        return why

    async def _end_process(self) -> DeckExit:
        """Kill the process if it still runs, and return why it ended."""
        self._move(DeckState.LEAVING)
        process, self._process = self._process, None
        try:
            if process is None:
                return self._exit or exit_from_code(0)
            kill_process(process)
            code = await asyncio.shield(process.wait())
            return self._exit or exit_from_code(code)
        finally:
            self._move(DeckState.GONE)

    async def _listen(self, process: Process) -> None:
        """Read events until the process ends, or until it is known to hang."""
        assert process.stdout is not None
        limit_s, stopped_checks = START_WITHIN_S, 0
        self._quiet_checks = 0
        while True:
            try:
                async with asyncio.timeout(_CHECK_EVERY_S):
                    line = await process.stdout.readline()
            except TimeoutError:
                if self._display_hangs():
                    continue
                # Checks are counted, not seconds: a machine that was suspended must not make its decks look silent.
                self._quiet_checks += 1
                stopped_checks = stopped_checks + 1 if is_stopped(process.pid) else 0
                why = self._stopped() if stopped_checks >= _STOPPED_CHECKS else self._hanging(process.pid, limit_s)
                if why:
                    self.kill(why)
                    return
                continue
            if not line:
                return
            self._quiet_checks, limit_s, stopped_checks = 0, SILENCE_S, 0
            self._receive(line)
            self._limit_memory(process.pid)

    def _stopped(self) -> DeckExit | None:
        why = DeckExit("it was stopped by a signal", crashed=False)
        if self.quiet_s <= SILENCE_S and self._on_hang(self, why.reason):
            self.replace_when_hidden(why.reason)
            return None
        return why

    def _hanging(self, pid: int, limit_s: float) -> DeckExit | None:
        """Return that the deck hangs: after `limit_s`, or, off the screen after a suspicion, once it is quiet again."""
        why, may_hang = f"no sign of life for {self.quiet_s:.1f} s", self.up and self.quiet_s >= QUIET_S
        needed = may_hang and self._on_hang(self, why)
        if self.quiet_s > limit_s or (may_hang and self.suspected_shot and not needed):
            return DeckExit(why, crashed=not waits_for_disk(pid))
        return None

    def _limit_memory(self, pid: int) -> None:
        """End a deck whose media use up the memory, before the kernel ends a process of its own choice."""
        used = rss_bytes(pid)
        if used > deck_memory_limit_bytes():
            self.kill(DeckExit(f"it uses {used // _MIB} MiB of memory", crashed=True))

    def _receive(self, line: bytes) -> None:
        try:
            event = DECK_EVENT.validate_json(line)
        except ValidationError:
            self.kill(DeckExit(f"it sent an unreadable line: {line[:200]!r}", crashed=True))
            return
        if isinstance(event, Ready):
            self._greeted = event.code == CODE
            if not self._greeted:
                self.kill(DeckExit(OTHER_CODE, crashed=False, other_code=True))
                return
        self._apply(event)
        self._on_event(self, event)
        future = self._replies.get(Loaded if isinstance(event, ShotFailed) else type(event))
        if future is None or future.done() or (isinstance(event, Loaded | ShotFailed) and event.take != self._take):
            return
        if isinstance(event, ShotFailed):
            future.set_exception(MediaUnplayable(event.reason))
        else:
            future.set_result(event)

    def _apply(self, event: DeckEvent) -> None:
        """Make the move that `event` reports; an event of an earlier shot makes none."""
        match event:
            case Ready() if self.state is DeckState.STARTING:
                self._move(DeckState.READY)
                self.failed_starts = 0
                if self._unstarted:
                    log.info("deck=%s runs again", self.name)
                    self._unstarted = False
                self.send(SetAudioDevice(device=self._wanted_options().sound))
            case Loaded() if self.state is DeckState.LOADING and event.take == self._take:
                self._move(DeckState.LOADED)
            case ShotFailed() if self.state in (DeckState.LOADING, DeckState.LOADED) and event.take == self._take:
                self._move(DeckState.READY)
            case ShotShown() if self.state is DeckState.LOADED and event.take == self._take:
                self._move(DeckState.ON_AIR)
            case DeckPulse() if self.suspected_shot and event.take != self.suspected_shot.take:
                self.suspected_shot = None  # it obeyed the order to hide
            case _:
                pass

    def _refuse_requests(self, why: DeckExit) -> None:
        """Fail all requests to a process that ended; a decoder that crashes while it loads makes the media fail."""
        for reply, future in self._replies.items():
            if future.done():
                continue
            media_fault = why.crashed and reply is Loaded and self.suspected_shot is None
            failure: type[ScreenFailed] = MediaUnplayable if media_fault else DeckLost
            future.set_exception(failure(f"deck {self.name} is gone: {why.reason}"))
