"""Makes the documents status, now and heartbeat, for the endpoint, the origin and metrics alike."""

import asyncio
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from player import __version__
from player.protocol.now_playing import Decoder, Now
from player.protocol.problems import ProblemCode, ToldProblem, problem_fields, problems_of
from player.protocol.status import Status, SyncStatus
from player.settings.system_zone import system_zone
from player.stage.stage_facts import StageFacts
from player.status.booking_watch import BookingWatch
from player.status.health import Condition, Machine, figures, health_problems
from player.status.last_hour_counts import LastHourCounts
from player.status.readiness import Readiness
from player.status.status_sources import StatusSources
from player.status.sync_status import OUT_OF_BUDGET, sync_status
from player.status.wording import (
    failures_text,
    key_status,
    other_audio_output,
    overlay_status,
    sound_status,
    titles,
    traffic_figures,
    traffic_problems,
    traffic_status,
    unknown_content_text,
)
from sync.device.store.file_report import file_problems, membership_unreadable
from sync.device.sync_state import SyncState
from sync.errors import StorageBroken
from sync.programme.schedule import zone_of_venue
from sync.runtime.clock import Clock, boot_id
from sync.wire.device_reports import READS_BOOKINGS, Heartbeat, OnAir, PlayKind, RateStep
from sync.wire.release import Release

_SAMPLE_S = 2.0
_FILES_S = 5.0
_NO_SESSION = Now(showing="fallback", why="the player is starting")


class StatusCollector:
    """Reads its sources at each call; changes nothing."""

    def __init__(self, sources: StatusSources, clock: Clock) -> None:
        self._sources = sources
        self._clock = clock
        self._machine: tuple[float, Machine] | None = None  # the last sample and its monotonic time
        self._recent = LastHourCounts()
        self._release: tuple[str, Release] | None = None  # the active one, by name
        self._files: tuple[float, tuple[str, ...], bool] = (float("-inf"), (), False)  # when looked at, problems
        self.readiness = Readiness(sources, self._active_release, clock)
        self.bookings = BookingWatch(sources, self._active_release, clock)
        self._sound: tuple[str, str | None] = ("", None)  # the output that is set, and the last one in use since then

    def now(self) -> Now:
        """Return what the screen shows, why, and what comes next."""
        session = self._sources.session()
        now = with_deck_facts(session.director.now(), self._sources.stage.facts()) if session else _NO_SESSION
        return now.model_copy(update={"overlays": self._sources.overlays.shown})

    async def status(self) -> Status:
        """Return how the player is."""
        sources, session = self._sources, self._sources.session()
        settings = sources.configuration.settings
        membership = session.connection.membership if session and session.connection else None
        depth = await self._outbox_depth()
        sync, now, display = self._sync(), self.now(), sources.display.state()
        release = await self._active_release(sync.release)
        await self._look_at_files()
        condition = self._condition(sync, depth, release)
        zone, _ = zone_of_venue(settings.venue.zone, release.zone if release else None, system_zone())
        traffic = traffic_status(sources.traffic.state())
        budget = traffic_problems(traffic, release, zone, waits=sync.waiting_for == OUT_OF_BUDGET)
        uncounted = problems_of(ProblemCode.BUDGET_COUNT, *sources.traffic.problems())
        problems = (*self._problems(now, condition), *uncounted, *budget)
        return Status(
            at=self._clock.now(),
            version=__version__,
            name=settings.origin.name,
            device=membership.device if membership else None,
            channel=membership.channel if membership else None,
            origin=str(settings.origin.url),
            zone=zone.key,
            pairing_code=session.pairing_code if session else None,
            healthy=not problems,
            **problem_fields(problems),
            sync=sync,
            traffic=traffic,
            outbox_depth=depth,
            decks=asdict(sources.stage.facts()),
            display={**asdict(display), "power": display.power.value},
            service_restarts=dict(sources.restarts.counts),
            restart_needed=sources.configuration.restart_needed(),
            overlays=overlay_status(sources.overlays.due, now.overlays),
            sound=sound_status(settings, zone, self._clock.now(), timed=now.timed),
            health=figures(condition),
            key=key_status(session.connection.certification.state) if session and session.connection else None,
        )

    async def heartbeat(self) -> Heartbeat:
        """Return the device's regular report to its origin."""
        status, now = await self.status(), self.now()
        return Heartbeat(
            at=status.at,
            version=status.version,
            period_s=self._sources.configuration.settings.origin.heartbeat_s,
            release=status.sync.release,
            preparing=status.sync.preparing,
            sequence=status.sync.sequence,
            zone=status.zone,
            on_air=heartbeat_on_air(now),
            next_title=now.next.title,
            outbox_depth=status.outbox_depth,
            sync_age_s=status.sync.age_s,
            trust=status.sync.trust,
            problems=status.problems,
            problem_codes=status.problem_codes,
            coming=status.sync.coming,
            rates=self._rates(),
            reads=(READS_BOOKINGS,),
            health={**status.health, **traffic_figures(status.traffic)},
            boot_id=boot_id() or None,
            **await self._log_place(),
        )

    async def _log_place(self) -> dict[str, Any]:
        """Return where the log of plays ends; nothing if it cannot be read now."""
        session = self._sources.session()
        with suppress(StorageBroken):
            if session is not None and (head := await session.ledger.head()) is not None:
                return {"log_epoch": head.epoch, "log_sequence": head.sequence}
        return {}

    async def plays(self, limit: int, before: int | None) -> list[dict[str, Any]]:
        """Return logged plays, the newest first, of sequences below `before`."""
        session = self._sources.session()
        return await session.ledger.outbox.plays(limit=limit, before=before) if session else []

    def _problems(self, now: Now, condition: Condition) -> tuple[ToldProblem, ...]:
        sources, settings = self._sources, self._sources.configuration.settings
        display = sources.display.state().problem
        problems = (
            *problems_of(ProblemCode.SETTINGS, *sources.configuration.problems()),
            *sources.problems.found(),
            *map(ToldProblem, now.problem_codes, now.problems),
            *problems_of(ProblemCode.FILES, *self._files[1]),
            *health_problems(condition),
            *problems_of(ProblemCode.DISPLAY_SETTING, display and f"The setting {display}."),
            *problems_of(ProblemCode.AUDIO_OUTPUT, *self._other_audio_output(settings.audio.device)),
        )
        return tuple(dict.fromkeys(problems))

    def _other_audio_output(self, device: str) -> tuple[str, ...]:
        """Return the problem that sound comes from another output; in silence, the last answer."""
        output = self._sources.stage.facts().sound
        if output or device != self._sound[0]:
            self._sound = device, output
        return other_audio_output(*self._sound)

    async def _active_release(self, name: str | None) -> Release | None:
        """Return the active release; read it again only when it is another one, or may have more bookings by now."""
        known = self._release
        if name is not None and (known is None or known[0] != name or known[1].bookings is not None):
            active = await asyncio.to_thread(self._sources.content.active)
            self._release = (active.sha256, active.release) if active else None
        return self._release[1] if self._release else None

    async def _look_at_files(self) -> None:
        """Look for damaged files, every few seconds at most."""
        now_s, content = self._clock.monotonic(), self._sources.content
        if now_s - self._files[0] >= _FILES_S:
            problems = await asyncio.to_thread(file_problems, content)
            self._files = now_s, problems, await asyncio.to_thread(membership_unreadable, content)

    async def _outbox_depth(self) -> int:
        session, report_problem = self._sources.session(), self._sources.problems.reporter(ProblemCode.LEDGER)
        try:
            depth = await session.ledger.outbox.depth() if session else 0
        except StorageBroken as error:
            if session is self._sources.session():  # else it ended while it was asked, with its database
                report_problem(f"The log of plays cannot be read: {error}.")
            return 0
        report_problem("")
        return depth

    def _sync(self) -> SyncStatus:
        session = self._sources.session()
        if session is None or session.connection is None:
            return SyncStatus(state="unpaired" if session else "starting", release=self.now().release)
        facts = session.connection.syncer.facts()
        return sync_status(
            facts,
            self._clock.monotonic(),
            reserve_bytes=self._sources.configuration.settings.storage.reserve_bytes,
            spare_bytes=self._sources.content.media.spare_bytes,
            coming=self.readiness.coming(facts),
            bytes_s=self.readiness.rate(facts),
        )

    def _rates(self) -> tuple[RateStep, ...]:
        session = self._sources.session()
        return self.readiness.rates(session.connection.syncer.facts()) if session and session.connection else ()

    def _condition(self, sync: SyncStatus, outbox_depth: int, release: Release | None) -> Condition:
        sources, session = self._sources, self._sources.session()
        stage, display = sources.stage.facts(), sources.display.state()
        quarantine, media = session.ledger.quarantine if session else None, sources.content.media
        failures = quarantine.quarantined(self._clock.now()) if quarantine else []
        lately = [one for one in quarantine.failures() if one not in failures] if quarantine else []
        damaged = {asset for asset in media.damaged if not media.has(asset)}
        now_s, restarts = self._clock.monotonic(), sources.restarts.counts
        again = {name: self._recent.update(f"service {name}", count, now_s) for name, count in restarts.items()}
        return Condition(
            machine=self._sample(),
            clock=self._clock.trust(),
            starting=session is None,
            paired=session is not None and session.connection is not None,
            pairing_code=session is not None and session.pairing_code is not None,
            membership_unreadable=self._files[2],
            origin_told=sources.problems.tells(ProblemCode.CONNECTION, ProblemCode.ORIGIN_MOVE),
            sync_age_s=sync.age_s,
            sync_fetches=sync.state in (SyncState.FETCHING, SyncState.WAITING),
            sync_failure=sync.problem,
            outbox_depth=outbox_depth,
            deck_restarts=stage.restarts,
            deck_restarts_lately=self._recent.update("decks", stage.restarts, now_s),
            deck_failed_starts=stage.failed_starts,
            update_fault=stage.update_fault,
            picture_faults=stage.picture_faults,
            recovered=stage.recovered,
            display_answers=display.answers,
            covered_by=display.covered_by,
            reserve_bytes=sources.configuration.settings.storage.reserve_bytes,
            service_restarts=restarts,
            service_restarts_lately={name: count for name, count in again.items() if count},
            service_reasons=sources.restarts.last,
            quarantined=failures_text(release, failures),
            failing=failures_text(release, [one for one in lately if one.asset not in media.intact | damaged]),
            unplayable=failures_text(release, [one for one in lately if one.asset in media.intact]),
            damaged=titles(release, damaged),
            left_out=unknown_content_text(release),
        )

    def _sample(self) -> Machine:
        """Sample the machine every two seconds at most: processor use over a shorter time is only noise."""
        now_s = self._clock.monotonic()
        if self._machine is None or now_s - self._machine[0] >= _SAMPLE_S:
            self._machine = now_s, self._sources.machine.sample()
        machine = self._machine[1]
        connected = self._sources.display.state().connected
        return machine if machine.monitor is not None else replace(machine, monitor=connected)


def with_deck_facts(now: Now, stage: StageFacts) -> Now:
    """Return `now` with what the deck reports, if it plays the take that `now` names."""
    if now.take is None or now.take != stage.on_air:
        return now
    facts = {name: getattr(stage, name) for name in ("deck", "media_ms", "fps", "painted_fps", "frames_lost")}
    decoder = None if stage.codec is None else Decoder(codec=stage.codec, hardware=stage.hardware)
    return now.model_copy(update={**facts, "decoder": decoder})


def heartbeat_on_air(now: Now) -> OnAir:
    """Return what the screen shows as a heartbeat reports it."""
    kind = PlayKind(now.showing) if now.showing in ("item", "ad") else now.showing
    return OnAir.model_validate({"title": now.title, "kind": kind, "asset": now.asset, "since": now.since})
