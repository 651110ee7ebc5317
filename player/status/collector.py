"""Gathers what anybody outside may see of this player: status and now, for endpoint, heartbeat and metrics alike."""

import asyncio
from dataclasses import asdict, replace
from typing import Any, Protocol

from player.display import DisplayState
from player.programme.schedule import zone_named
from player.protocol.operator import Decoder, Now
from player.protocol.status import Status, SyncStatus
from player.settings.configuration import Configuration
from player.stage.counters import StageFacts
from player.status.active_services import ActiveServices
from player.status.health import Condition, Machine, MachineProbe, figures, health_problems
from player.status.wording import heard_elsewhere, overlay_status, quarantined_text, sound_status, unknown_content_text
from sync.device.store.content_store import ContentStore
from sync.errors import StorageBroken
from sync.runtime.clock import Clock
from sync.runtime.supervisor import Restarts
from sync.wire.release import Release
from sync.wire.report import Heartbeat, OnAir, PlayKind

_SAMPLE_S = 2.0
_NOTHING = Now(showing="fallback", why="this screen has no content yet")


class StageSource(Protocol):
    """What is asked of the stage."""

    def facts(self) -> StageFacts:
        """Return the stage as it is now."""


class DisplaySource(Protocol):
    """What is asked of the display."""

    def state(self) -> DisplayState:
        """Return the display as last seen."""


class StatusCollector:
    """Asks everybody and writes it down; changes nothing."""

    def __init__(
        self,
        configuration: Configuration,
        cache: ContentStore,
        duty: ActiveServices,
        stage: StageSource,
        display: DisplaySource,
        probe: MachineProbe,
        restarts: Restarts,
        clock: Clock,
        *,
        version: str,
    ) -> None:
        self._configuration = configuration
        self._cache = cache
        self._duty = duty
        self._stage = stage
        self._display = display
        self._probe = probe
        self._restarts = restarts
        self._clock = clock
        self._version = version
        self._machine: tuple[float, Machine] | None = None
        self._release: tuple[str, Release] | None = None  # the active one, by name
        self._heard: tuple[str, str | None] = ("", None)  # the output that is set, and the one last heard since

    def now(self) -> Now:
        """Return what the screen shows, why, and what comes next."""
        now = with_deck_facts(self._duty.director.now(), self._stage.facts()) if self._duty.director else _NOTHING
        return now.model_copy(update={"overlays": self._duty.overlays.shown}) if self._duty.overlays else now

    async def status(self) -> Status:
        """Return how the player is."""
        settings, membership = self._configuration.settings, self._duty.membership
        depth = await self._depth()
        sync, now = self._sync(), self.now()
        release = await self._content(sync.release)
        condition = self._condition(sync, depth, release)
        zone = settings.venue.zone or (release.zone if release else "UTC")
        notes = (note for note in self._duty.notes.values() if note)
        told = (*self._configuration.problems(), *notes, *now.problems, *health_problems(condition))
        display = self._display.state()
        told += (f"The setting {display.problem}.",) if display.problem else ()
        told += self._heard_elsewhere(settings.audio.device)
        return Status(
            at=self._clock.now(),
            version=self._version,
            name=settings.origin.name,
            device=membership.device if membership else None,
            channel=membership.channel if membership else None,
            origin=str(settings.origin.url),
            zone=zone,
            pairing_code=self._duty.pairing_code,
            healthy=not told,
            problems=tuple(dict.fromkeys(told)),
            sync=sync,
            outbox_depth=depth,
            decks=asdict(self._stage.facts()),
            display={**asdict(display), "power": display.power.value},
            service_restarts=dict(self._restarts.counts),
            restart_needed=self._configuration.restart_needed(),
            overlays=overlay_status(self._duty.overlays.due, now.overlays) if self._duty.overlays else (),
            sound=sound_status(settings, zone_named(zone)[0], self._clock.now(), timed=now.timed),
            health=figures(condition),
        )

    def _heard_elsewhere(self, device: str) -> tuple[str, ...]:
        """Return what is wrong with where sound comes from; while there is none, what was wrong before."""
        on = self._stage.facts().sound
        if on or device != self._heard[0]:
            self._heard = device, on
        return heard_elsewhere(*self._heard)

    async def heartbeat(self) -> Heartbeat:
        """Return the device's pulse for its origin."""
        status, now = await self.status(), self.now()
        return Heartbeat(
            at=status.at,
            version=status.version,
            release=status.sync.release,
            preparing=status.sync.preparing,
            sequence=status.sync.sequence,
            zone=status.zone,
            on_air=heartbeat_on_air(now),
            next_title=now.next.title,
            outbox_depth=status.outbox_depth,
            sync_age_s=status.sync.age_s,
            problems=status.problems,
            health=status.health,
        )

    async def plays(self, limit: int, before: int | None) -> list[dict[str, Any]]:
        """Return logged plays, the newest first, of sequences below `before`."""
        ledger = self._duty.ledger
        return await ledger.outbox.plays(limit=limit, before=before) if ledger else []

    async def _content(self, name: str | None) -> Release | None:
        """Return the active release, reading it again only when it is another one."""
        if name is not None and (self._release is None or self._release[0] != name):
            active = await asyncio.to_thread(self._cache.active)
            self._release = (active.sha256, active.release) if active else None
        return self._release[1] if self._release else None

    async def _depth(self) -> int:
        note = self._duty.problem_reporter("ledger")
        try:
            depth = await self._duty.ledger.outbox.depth() if self._duty.ledger else 0
        except StorageBroken as error:
            note(f"The log of plays cannot be read: {error}.")
            return 0
        note("")
        return depth

    def _sync(self) -> SyncStatus:
        if self._duty.syncer is None:
            state = "starting" if self._duty.membership else "unpaired"
            return SyncStatus(state=state, release=self.now().release)
        facts = self._duty.syncer.facts()
        confirmed_s = facts.last_confirmed
        return SyncStatus(
            state=facts.state.value,
            release=facts.release,
            sequence=facts.sequence,
            preparing=facts.preparing,
            bytes_to_do=facts.bytes_to_do,
            bytes_done=facts.bytes_done,
            age_s=None if confirmed_s is None else round(self._clock.monotonic() - confirmed_s, 1),
            confirmed_at=facts.confirmed_at,
            problem=facts.problem,
            waiting_s=round(facts.waiting_s, 1),
        )

    def _condition(self, sync: SyncStatus, depth: int, release: Release | None) -> Condition:
        held = self._duty.ledger.quarantine.held(self._clock.now()) if self._duty.ledger else []
        return Condition(
            machine=self._sampled(),
            clock=self._clock.trust(),
            paired=self._duty.membership is not None,
            pairing_code=self._duty.pairing_code is not None,
            sync_age_s=sync.age_s,
            sync_failure=sync.problem,
            outbox_depth=depth,
            deck_restarts=self._stage.facts().restarts,
            picture_faults=self._stage.facts().picture_faults,
            recovered=self._stage.facts().recovered,
            display_answers=self._display.state().answers,
            covered_by=self._display.state().covered_by,
            reserve_bytes=self._configuration.settings.storage.reserve_bytes,
            service_restarts=self._restarts.counts,
            service_reasons=self._restarts.last,
            quarantined=quarantined_text(release, held),
            left_out=unknown_content_text(release),
        )

    def _sampled(self) -> Machine:
        """Sample at most every two seconds: processor use over less is noise, however many ask."""
        now_s = self._clock.monotonic()
        if self._machine is None or now_s - self._machine[0] >= _SAMPLE_S:
            self._machine = now_s, self._probe.sample()
        machine = self._machine[1]
        connected = self._display.state().connected
        return machine if machine.monitor is not None else replace(machine, monitor=connected)


def with_deck_facts(now: Now, stage: StageFacts) -> Now:
    """Return `now` with what its deck tells of it, while that is the take on air."""
    if now.take is None or now.take != stage.on_air:
        return now
    told = {name: getattr(stage, name) for name in ("deck", "media_ms", "fps", "painted_fps", "frames_lost")}
    decoder = None if stage.codec is None else Decoder(codec=stage.codec, hardware=stage.hardware)
    return now.model_copy(update={**told, "decoder": decoder})


def heartbeat_on_air(now: Now) -> OnAir:
    """Return what a heartbeat tells of what the screen shows."""
    kind = PlayKind(now.showing) if now.showing in ("item", "ad") else now.showing
    return OnAir.model_validate({"title": now.title, "kind": kind, "asset": now.asset, "since": now.since})
