"""A week of one screen with everything on: the real engine and the real record on SQLite, under a clock that is set.

Weeks in which the clock changes, breaks of three ads of 5 to 60 s, windows, flights, gaps,
broken media, cut off breaks at the edge of a daypart, syncs with other campaigns, one that is revoked, two outages, an
hour without a trusted clock, kills before any statement on the database, and an origin whose answers get lost.
"""

import asyncio
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from time import thread_time
from typing import Any
from zoneinfo import ZoneInfo

from ads_booking import Booking, churned, make_booking
from ads_screen import Killed, Screen, running_screen
from ads_shares import ShareError
from psutil import Process

from player.director.record_clock import TakeStart
from player.programme.proof_of_play import ScreenCondition, StartFacts
from player.protocol.stage_interface import Ended
from sync.programme.ad_eligibility import EligibleAds, shares_of
from sync.programme.ad_selection import AdHead, AdState, prepare_ads, refund
from sync.programme.next_take import Idle, Planned, Scene, plan_next
from sync.runtime.clock import ClockTrust
from sync.wire.device_reports import PlayKind
from sync.wire.release import Asset, Line, LocalWindow, Release
from tests.fakes import FakeClock

ZONE = ZoneInfo("Europe/Berlin")
WEEKS = (datetime(2026, 3, 23, tzinfo=UTC), datetime(2026, 10, 19, tzinfo=UTC))  # both end with a change of the clock
OUTAGES = ((timedelta(hours=40), timedelta(hours=3)), (timedelta(hours=90), timedelta(hours=14)))
SYNCS, CHURN, BROKEN, KILLS, REVOKED_AT = 28, 0.02, 0.005, 40, timedelta(hours=60)
RESTART = timedelta(seconds=20)
STATEMENTS_OF_A_TAKE = 12  # of an ad; an item has fewer
LOST, REPEATED, BATCH = 0.05, 0.05, 500  # answers of the origin, and requests to it


@dataclass
class Tally:
    """What a week was like. `shown` has the takes that were on the screen, and whether each ended as it should."""

    shares: ShareError = field(default_factory=ShareError)
    decisions_ms: list[float] = field(default_factory=list)
    rebuilds_ms: list[float] = field(default_factory=list)
    shown: dict[str, bool] = field(default_factory=dict)
    broken_rules: list[str] = field(default_factory=list)
    relaxed: int = 0
    kills: int = 0
    replay: Any = field(default_factory=hashlib.sha256)
    shadow_replay: Any = field(default_factory=hashlib.sha256)
    differences: int = 0
    copied_bytes: int = 0


class Week:
    """One week of one seed."""

    def __init__(self, seed: int, lines: int, days: float) -> None:
        self.seed, self.days = seed, days
        self.random = Random(seed)
        self.start = WEEKS[seed % 2]
        self.clock = FakeClock(self.start)
        self.booking: Booking = make_booking(self.random, lines, self.start, broken=BROKEN)
        self.tally = Tally()
        self.revoked: set[str] = set()
        self.timed_from = self.start
        self.shadow = AdState(AdHead(seed=seed), {})
        self.takes = 0
        self.history: list[Planned] = []
        self.server: dict[int, str] = {}
        self.doubled = 0
        self._eligible: tuple[object, EligibleAds] | None = None
        self._released: tuple[Booking, Release, dict[str, Asset]] | None = None
        self._last: tuple[AdState, AdState, int | None] = (self.shadow, self.shadow, None)
        self._unprepared = self.shadow  # before the last take, as it is written
        events = [(at, "outage", length) for at, length in OUTAGES]
        events += [(timedelta(hours=168 * (number + 1) / (SYNCS + 1)), "sync", timedelta(0)) for number in range(SYNCS)]
        events += [(REVOKED_AT, "revoke", timedelta(0))]
        self.events = sorted((self.start + at, kind, length) for at, kind, length in events)
        span = int(days * 86_400)
        self.kills_at = sorted(self.start + timedelta(seconds=self.random.randrange(span)) for _ in range(KILLS))

    async def run(self, folder: Path) -> dict[str, Any]:
        """Play the week; return its row."""
        written = Process().io_counters().write_chars
        home = folder / "0"
        while self.clock.now() < self._end():
            home = await self._run_until_killed(home, folder)
        async with running_screen(home, self.clock, self.seed) as screen:
            while await screen.ledger.outbox.depth():
                await self._deliver(screen)
        self.tally.shares.close()
        return self._row(Process().io_counters().write_chars - written - self.tally.copied_bytes)

    def _end(self) -> datetime:
        return self.start + timedelta(days=self.days)

    async def _run_until_killed(self, home: Path, folder: Path) -> Path:
        """Run until a kill or the end; return the folder as the kill left it."""
        async with running_screen(home, self.clock, self.seed) as screen:
            try:
                while self.clock.now() < self._end():
                    await self._happen()
                    await self._take(screen)
                    if self.takes % 100 == 0:
                        await self._deliver(screen)
                return home
            except Killed:
                self.tally.kills += 1
                after = folder / str(self.tally.kills)
                shutil.copytree(home, after)  # before the connection is closed, with what was not committed
                self.tally.copied_bytes += sum(path.stat().st_size for path in after.iterdir())
        shutil.rmtree(home)
        await self.clock.advance(RESTART.total_seconds())
        await self._compare(after)
        return after

    async def _compare(self, home: Path) -> None:
        """Have the state in memory follow the kill: the last ad was not reserved, is given back, or is over."""
        async with running_screen(home, self.clock, self.seed) as screen:
            stored, (before, reserved, choice) = screen.recorder.memory.ads, self._last
            found = [before, reserved] if choice is None else [before, reserved, refund(reserved, choice)]
            found.append(self._unprepared)  # the shares were others since the last write: they will be so again
            equal = [state for state in found if (state.head, state.accounts) == (stored.head, stored.accounts)]
            if not equal:
                self.tally.differences += 1
            self.shadow = equal[0] if equal else stored

    async def _happen(self) -> None:
        while self.events and self.events[0][0] <= self.clock.now():
            _, kind, length = self.events.pop(0)
            if kind == "outage":
                await self.clock.advance(length.total_seconds())
                if length > timedelta(hours=5):  # it starts without a time service
                    self.timed_from = self.clock.now() + timedelta(hours=1)
            elif kind == "sync":
                number = len(self.events)
                self.booking, removed = churned(self.random, self.booking, CHURN, number, self.start)
                self.tally.shares.gone(removed)
                self._eligible = None
            else:
                gone = self.booking.campaigns[0]
                self.revoked = {line.id for line in gone.lines}
                self.booking = Booking(self.booking.campaigns[1:], self.booking.assets, self.booking.broken)
                self.tally.shares.gone(self.revoked)
                self._eligible = None

    def _scene(self, screen: Screen) -> Scene:
        now, quarantine = self.clock.now(), screen.ledger.quarantine
        if self._released is None or self._released[0] is not self.booking:
            release = self.booking.release(self.start, ZONE.key)
            self._released = self.booking, release, {one.sha256: one for one in release.assets}
        return Scene(
            release=self._released[1],
            sha256="0" * 64,
            zone=ZONE,
            timed=now >= self.timed_from,
            picture_ms=10_000,
            assets=self._released[2],
            streams={},
            may_try=lambda name: not quarantine.contains(name, now),
        )

    def _ads(self, screen: Screen, scene: Scene, now: datetime) -> EligibleAds:
        """Return the eligible ads, computed beside the loop as the player does."""
        out = frozenset(failure.asset for failure in screen.ledger.quarantine.quarantined(now))
        key = (id(scene.release), scene.timed, out)
        if self._eligible is None or self._eligible[0] != key or now >= self._eligible[1].until:
            began = thread_time()
            ads = scene.eligible_ads(now)
            recorder = screen.recorder
            recorder.memory = replace(recorder.memory, ads=prepare_ads(recorder.memory.ads, ads))
            self.tally.rebuilds_ms.append(1000 * (thread_time() - began))
            self._eligible = key, ads
            unbroken = {entry.line.id for entry in ads.lines if not _is_broken(self.booking, entry.line.id)}
            self.tally.shares.on_air({line: share for line, share in shares_of(ads).items() if line in unbroken})
        return self._eligible[1]

    async def _take(self, screen: Screen) -> None:
        now, recorder = self.clock.now(), screen.recorder
        scene = self._scene(screen)
        ads = self._ads(screen, scene, now)
        memory = replace(recorder.memory, ads=prepare_ads(recorder.memory.ads, ads))
        self._unprepared, self.shadow = self.shadow, prepare_ads(self.shadow, ads)
        self.takes += 1
        name = f"take-{self.takes:06}"
        began = thread_time()
        planned = plan_next(scene, ads, memory, now, name)
        took_ms = 1000 * (thread_time() - began)
        again = plan_next(scene, ads, replace(memory, ads=self.shadow), now, name)
        if isinstance(planned, Idle) or isinstance(again, Idle):
            await self.clock.advance(60)
            return
        is_ad = planned.take.kind is PlayKind.AD
        if is_ad:
            self.tally.decisions_ms.append(took_ms)
            self._note(planned, again)
            self._check(scene, planned, ads, now)
        self._last = (self.shadow, again.memory.ads, again.take.choice)
        if self.kills_at and self.kills_at[0] <= now:
            self.kills_at.pop(0)
            screen.kill_in = self.random.randrange(1, STATEMENTS_OF_A_TAKE)
        await self._show(screen, planned, again, now)
        if screen.kill_in is not None:  # the take was over before
            self.kills_at.insert(0, now)
            screen.kill_in = None

    def _note(self, planned: Planned, again: Planned) -> None:
        for digest, one in ((self.tally.replay, planned), (self.tally.shadow_replay, again)):
            digest.update(f"{one.take.line} {one.take.creative} {one.take.relaxed}\n".encode())
        self.tally.relaxed += bool(planned.take.relaxed)

    async def _show(self, screen: Screen, planned: Planned, again: Planned, now: datetime) -> None:
        """Reserve, show and close a take, with its proof."""
        recorder, take, clock = screen.recorder, planned.take, self.clock
        shows = take.asset not in self.booking.broken
        if not await recorder.reserve(planned):
            return
        start: TakeStart = recorder.start(take, clock.monotonic(), now, clock.monotonic())
        await recorder.write_start(take, start, StartFacts(clock=ClockTrust.SYNCED))
        began_s = clock.monotonic()
        await clock.advance((take.expected_ms or 0) / 1000 if shows else 0.3)
        reason = "eof" if shows else "the file cannot be decoded"
        ended = Ended(take=take.take, started_s=began_s, ended_s=clock.monotonic(), reason=reason, failed=not shows)
        if not shows:
            recorder.record_failure(take.asset, reason, clock.now())
        recorder.end(take, ended, start, facts=StartFacts(clock=ClockTrust.SYNCED), screen=ScreenCondition())
        self._last = (self._last[0], again.memory.ads, take.choice)
        await recorder.save()
        self.shadow = again.memory.ads
        if not shows and take.choice is not None:
            self.shadow = refund(self.shadow, take.choice, failed=True)
        self.tally.shown[take.take] = shows
        if shows and take.line is not None:
            self.history = [*self.history[-100:], planned]
            if _is_broken(self.booking, take.line):
                self.tally.shares.filled()
            else:
                self.tally.shares.played(take.line)

    def _check(self, scene: Scene, planned: Planned, ads: EligibleAds, now: datetime) -> None:
        """Look the rules that are never given up up in the booking, not in the engine."""
        take, line = planned.take, _line(self.booking, planned.take.line)
        if line is None or take.line in self.revoked:
            self.tally.broken_rules.append("booked no more")
            return
        campaign = next(one for one in self.booking.campaigns if one.id == take.campaign)
        ends = now + timedelta(milliseconds=take.expected_ms or 0)
        broken = {
            "flight": not campaign.starts_at <= now < campaign.ends_at,
            "window": bool(line.windows) and not (scene.timed and any(_open(window, now) for window in line.windows)),
            "fit": take.expected_ms is None or ends > planned.programme.until,
        }
        self.tally.broken_rules += [rule for rule, wrong in broken.items() if wrong]
        for distance, other in enumerate(reversed(self.history), start=1):
            self.tally.broken_rules += self._broken_gaps(planned, other, distance, len(ads.lines))

    def _broken_gaps(self, planned: Planned, other: Planned, distance: int, lines: int) -> list[str]:
        """Return the gaps that were not kept and not given up either."""
        take, before = planned.take, other.take
        mine, theirs = _line(self.booking, take.line), _line(self.booking, before.line)
        if mine is None or theirs is None:
            return []
        same = take.advertiser == before.advertiser
        alike = mine.category == theirs.category != ""
        broken = {
            "advertiser": same and distance <= max(mine.advertiser_gap, theirs.advertiser_gap),
            "category": alike and distance <= max(mine.category_gap, theirs.category_gap),
            "repeat": distance == 1 and take.line == before.line and lines > 1,
        }
        return [rule for rule, wrong in broken.items() if wrong and rule not in take.relaxed]

    async def _deliver(self, screen: Screen) -> None:
        """Deliver plays to an origin that stores each sequence once; answers get lost, and requests come twice."""
        batch = await screen.ledger.outbox.batch(BATCH)
        for _ in range(2 if self.random.random() < REPEATED else 1):
            for queued in batch:
                sequence, take = queued.sequence, str(queued.body["take"])
                self.doubled += self.server.setdefault(sequence, take) != take
        if self.random.random() >= LOST:
            await screen.ledger.outbox.acknowledge([queued.sequence for queued in batch])

    def _row(self, written_bytes: int) -> dict[str, Any]:
        tally, decisions = self.tally, sorted(self.tally.decisions_ms)
        takes = list(self.server.values())
        return {
            "seed": self.seed,
            "week": f"{self.start:%Y-%m-%d}",
            "ads": len(decisions),
            "share_error_plays": tally.shares.worst,
            "share_error_of": tally.shares.worst_line,
            "hard_rules_broken": len(tally.broken_rules),
            "rules": sorted(set(tally.broken_rules)),
            "soft_rules_given_up": tally.relaxed,
            "plays_lost": len(tally.shown.keys() - set(takes)),
            "plays_doubled": len(takes) - len(set(takes)) + self.doubled,
            "kills": tally.kills,
            "same_replay": tally.replay.digest() == tally.shadow_replay.digest() and tally.differences == 0,
            "replay": tally.replay.hexdigest()[:12],
            "p50_ms": decisions[len(decisions) // 2],
            "p99_ms": decisions[int(len(decisions) * 0.99)],
            "p99_99_ms": decisions[int(len(decisions) * 0.9999)],
            "longest_ms": decisions[-1],
            "longest_rebuild_ms": max(tally.rebuilds_ms),
            "written_mb_a_day": written_bytes / self.days / 1e6,
            "rss_mb": Process().memory_info().rss / 1e6,
        }


@lru_cache(maxsize=1)
def _lines(booking: Booking) -> Mapping[str, Line]:
    return {line.id: line for campaign in booking.campaigns for line in campaign.lines}


def _line(booking: Booking, line: str | None) -> Line | None:
    return _lines(booking).get(line or "")


def _is_broken(booking: Booking, line: str) -> bool:
    found = _line(booking, line)
    return found is not None and any(creative.asset in booking.broken for creative in found.creatives)


def _open(window: LocalWindow, at: datetime) -> bool:
    """The definition of a window: look the local time up on the day and on the day before."""
    wall = at.astimezone(ZONE).replace(tzinfo=None)
    minute = wall.hour * 60 + wall.minute
    start, end = (int(text[:2]) * 60 + int(text[3:]) for text in (window.start, window.end))
    today, yesterday = wall.isoweekday() in window.weekdays, (wall - timedelta(days=1)).isoweekday() in window.weekdays
    if end > start:
        return today and start <= minute < end
    return (today and minute >= start) or (yesterday and minute < end)


def run_week(seed: int, lines: int, days: float) -> dict[str, Any]:
    """Play one week in this process, of its own: each kill would be logged."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="ads-week-") as folder:
        return asyncio.run(Week(seed, lines, days).run(Path(folder)))
