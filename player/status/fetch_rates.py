"""At which rate media come: measured under each pair of limits, kept over a restart, and expected from now on."""

import math
from collections import deque
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, TypeAdapter, ValidationError

from player.programme.bandwidth import bandwidth_ahead
from player.settings.model import BandwidthSettings
from sync.device.transfer.deadlines_and_rates import RateLimits
from sync.errors import StorageBroken, StorageFull
from sync.runtime.durable_files import read_file, write_unflushed
from sync.wire.device_reports import RateStep
from sync.wire.value_types import Wire

FILE = "rates.json"

MEASURED_S = 600.0
"""A rate is the mean over so much of the last time in which media were fetched, short pauses with it."""

LEAST_S = 20.0  # a rate measured for less is not known
OUTAGE_S = 60.0
"""A longer silence tells of an outage, and nothing of the rate after it."""

KEPT_S = 60.0
"""When a download begins, what was measured before counts as so much time: the line may have changed."""

MOST_STEPS = 32
_REACHED = 0.8  # a rate above this share of its limit is made by the limit, and says nothing of the line
_MOST_LIMITS = 32
_WEEK = timedelta(days=7)
_CAP_BYTES = 64 * 1024

_Rate = Annotated[float, Field(ge=0, le=1e12)]


class _Measured(Wire):
    """The rate under a pair of limits; a limit of None is none."""

    all_bytes_s: _Rate | None
    line_bytes_s: _Rate | None
    bytes_s: _Rate


_MEASURED = TypeAdapter(tuple[_Measured, ...])


class RateMeter:
    """Measures how many bytes of media a second come, for each pair of limits that was in force apart."""

    def __init__(self) -> None:
        self._slots: dict[tuple[float, float], deque[tuple[float, float]]] = {}
        self._last: tuple[float, int, tuple[float, float]] | None = None
        self._silent_s = 0.0
        self._unsaved_s = 0.0

    def look(self, now_s: float, kept_bytes: int, limits: RateLimits, *, fetching: bool) -> None:
        """Take note of the bytes kept so far; `fetching`: something is missing now."""
        pair = (limits.all_bytes_s, limits.line_bytes_s)
        last, self._last = self._last, (now_s, kept_bytes, pair) if fetching else None
        if last is None and fetching:
            self._shorten()
        if last is None or not fetching or last[2] != pair:
            self._silent_s = 0.0
            return
        took_s, came = now_s - last[0], kept_bytes - last[1]
        self._silent_s = 0.0 if came > 0 else self._silent_s + took_s
        if came < 0 or not 0 < took_s <= OUTAGE_S or self._silent_s > OUTAGE_S:
            return  # the counts of a new connection begin at 0; a device that slept did not fetch
        slots = self._slots.setdefault(pair, deque())
        slots.append((came, took_s))
        self._unsaved_s += took_s
        while sum(seconds for _, seconds in slots) - slots[0][1] >= MEASURED_S:
            slots.popleft()
        if len(self._slots) > _MOST_LIMITS:
            del self._slots[next(iter(self._slots))]

    def is_news(self) -> bool:
        """Return whether what was measured is to be kept now: after a download, and from time to time during it."""
        news = self._unsaved_s >= KEPT_S or (self._last is None and self._unsaved_s > 0)
        self._unsaved_s = 0.0 if news else self._unsaved_s
        return news

    def save(self, folder: Path) -> None:
        """Keep what was measured over a restart. Blocks; if the disk refuses, nothing is kept."""
        known = ((pair, self.measured(RateLimits(*pair))) for pair in self._slots)
        found = tuple(
            _Measured(all_bytes_s=_finite(pair[0]), line_bytes_s=_finite(pair[1]), bytes_s=rate)
            for pair, rate in known
            if rate is not None
        )
        with suppress(StorageBroken, StorageFull):
            write_unflushed(folder / FILE, _MEASURED.dump_json(found))

    def load(self, folder: Path) -> None:
        """Take up what was measured before a restart. Blocks; what cannot be read is measured again."""
        with suppress(StorageBroken, ValidationError):
            for one in _MEASURED.validate_json(read_file(folder / FILE, _CAP_BYTES) or b"[]")[:_MOST_LIMITS]:
                pair = _limit(one.all_bytes_s), _limit(one.line_bytes_s)
                self._slots.setdefault(pair, deque([(one.bytes_s * KEPT_S, KEPT_S)]))

    def _shorten(self) -> None:
        for pair, slots in self._slots.items():
            came, took_s = sum(one for one, _ in slots), sum(seconds for _, seconds in slots)
            if took_s > KEPT_S:
                self._slots[pair] = deque([(came * KEPT_S / took_s, KEPT_S)])

    def measured(self, limits: RateLimits) -> float | None:
        """Return the rate under these limits; None if it was not measured, or nothing came."""
        slots = self._slots.get((limits.all_bytes_s, limits.line_bytes_s), ())
        came, took_s = sum(one for one, _ in slots), sum(seconds for _, seconds in slots)
        return came / took_s if came and took_s >= LEAST_S else None

    def expected(self, limits: RateLimits) -> tuple[float, bool]:
        """Return the rate to expect under these limits, and whether it is known; else it is the most there can be."""
        if (rate := self.measured(limits)) is not None:
            return rate, True
        most, line = min(limits.all_bytes_s, limits.line_bytes_s), self._line()
        return min(most, line), most == 0 or math.isfinite(line)

    def _line(self) -> float:
        """Return what the line brings without limits; infinite if every rate was made by its limit."""
        rates = {pair: self.measured(RateLimits(*pair)) or 0.0 for pair in self._slots}
        free = any(0 < rate < _REACHED * min(pair) for pair, rate in rates.items())
        return max(rates.values()) if free else math.inf


def rate_steps(
    meter: RateMeter, limits: RateLimits, settings: BandwidthSettings, zone: ZoneInfo
) -> tuple[list[RateStep], list[RateStep]]:
    """Return the rates from now on, as far as they are known, and the highest possible ones.

    `limits` are those in force. After the horizon the mean of the week before it goes on.
    """
    ahead = [limits]
    if limits.until is not None:
        found = bandwidth_ahead(settings, zone, limits.until)
        ahead += [RateLimits(*one.bytes_s(), one.until) for one in found]
    expected = [(meter.expected(one), one.until) for one in ahead[:MOST_STEPS]]
    known = [RateStep(bytes_s=rate if sure else None, until=until) for (rate, sure), until in expected]
    most = [RateStep(bytes_s=rate, until=until) for (rate, _), until in expected]
    return with_mean(known), with_mean(most)


def with_mean(steps: list[RateStep]) -> list[RateStep]:
    """Let the mean of the last week go on after the last step, if that has an end."""
    if steps[-1].until is None:
        return steps
    began, total = steps[-1].until - _WEEK, 0.0
    for step in steps:
        if step.until is not None and step.until > began:
            if step.bytes_s is None:
                return [*steps, RateStep(bytes_s=None)]
            total += step.bytes_s * (step.until - began).total_seconds()
            began = step.until
    return [*steps, RateStep(bytes_s=total / _WEEK.total_seconds())]


def _finite(limit: float) -> float | None:
    return None if math.isinf(limit) else limit


def _limit(finite: float | None) -> float:
    return math.inf if finite is None else finite
