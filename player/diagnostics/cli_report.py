"""The commands `signage-player explain` and `forecast`: read the state of this device and write it as text.

They work while the player runs and while it does not.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from player.diagnostics.offline_view import open_ledger_to_read, read_decision_view
from player.settings.configuration import Configuration
from player.settings.system_zone import system_zone
from sync.device.store.content_store import ContentStore
from sync.errors import NotFound, Rejected
from sync.programme.preview.decision_inputs import DecisionInputs
from sync.programme.preview.explanation import Explanation, Slot
from sync.programme.preview.forecast import Forecast
from sync.programme.preview.on_air_reasons import Verdict
from sync.programme.schedule import zone_of_venue
from sync.runtime.clock import SystemClock
from sync.wire.value_types import AskedInstant


async def read_view_for(configuration: Configuration, time: str | None = None) -> DecisionInputs:
    """Return what a decision depends on, now or at `time`, as a person writes it.

    Raises:
        NotFound: this device has no content.
        Rejected: `time` is not a time.
        StorageBroken: the log of plays cannot be read.
    """
    settings = configuration.settings
    content = ContentStore(settings.storage.state_dir)
    active = content.active()
    if active is None:
        raise NotFound(f"there is no content in {settings.storage.state_dir}: check --config, or let the player sync")
    zone, _ = zone_of_venue(settings.venue.zone, active.release.zone, system_zone())
    at = None if time is None else _parse_time(time, zone)
    async with open_ledger_to_read(content) as ledger:
        return await read_decision_view(content, ledger, settings, SystemClock(), at)


_ASKED: TypeAdapter[datetime] = TypeAdapter(AskedInstant)


def _parse_time(time: str, zone: ZoneInfo) -> datetime:
    try:
        at = datetime.fromisoformat(time)
        return _ASKED.validate_python(at if at.tzinfo is not None else at.replace(tzinfo=zone))
    except ValidationError as error:
        raise Rejected(f"{time!r} is not in the years 1970 to 2999") from error
    except ValueError as error:
        raise Rejected(
            f"{time!r} is not a time: write 2026-11-23T18:00 (time zone of the venue), or 2026-11-23T18:00Z (UTC)"
        ) from error


def explanation_text(explanation: Explanation) -> Iterator[str]:
    """Yield an explanation as lines of text, with times in the time zone of the venue."""
    zone, shown = ZoneInfo(explanation.zone), explanation.shown
    clock = "" if explanation.timed else "; the clock is not set"
    yield f"at         {explanation.at.astimezone(zone):%a %Y-%m-%d %H:%M:%S} {explanation.zone}{clock}"
    if shown is not None:
        yield f"on screen  {_slot_name(shown)}, since {shown.at.astimezone(zone):%H:%M:%S}"
    until = f"at least until {explanation.until.astimezone(zone):%a %H:%M}"
    yield f"programme  {explanation.playlist or 'none'}: {explanation.why}; {until}"
    yield f"next       {_slot_name(explanation.following)}"
    relaxed = f", although it breaks: {', '.join(explanation.relaxed)}" if explanation.relaxed else ""
    yield f"next ad    {explanation.next_ad or 'none'}{relaxed}"
    yield from _verdicts(f"dayparts: {len(explanation.dayparts) or 'none'}", explanation.dayparts)
    left_out = [item for item in explanation.items if not item.on]
    count = len(explanation.items)
    yield from _verdicts(f"items: {count - len(left_out)} of {count} are in the rotation", left_out)
    yield f"ads: {sum(ad.on for ad in explanation.ads)} of {len(explanation.ads)} lines may be shown"
    for ad in explanation.ads:
        share = f"{ad.share:6.1%}" if ad.share is not None else "      "
        yield f"  {'+' if ad.on else '-'} {share}  {ad.name} ({ad.advertiser}): {ad.why}"
    yield from (f"warning    {warning}" for warning in explanation.warnings)


def _verdicts(heading: str, verdicts: Iterable[Verdict]) -> Iterator[str]:
    yield heading
    yield from (f"  {'+' if verdict.on else '-'} {verdict.name}: {verdict.why}" for verdict in verdicts)


def forecast_text(forecast: Forecast) -> Iterator[str]:
    """Yield a forecast as lines of text, with times in the time zone of the venue and a line for each new reason."""
    zone, why = ZoneInfo(forecast.zone), ""
    yield f"{forecast.at.astimezone(zone):%a %Y-%m-%d} {forecast.zone}, release {forecast.release[:12]}"
    for slot in forecast.slots:
        if slot.why and slot.why != why:
            why = slot.why
            yield f"          -- {slot.playlist or 'fallback'}: {why}"
        length = "   ?" if slot.until is None else f"{(slot.until - slot.at).total_seconds():4.0f}"
        yield f"{slot.at.astimezone(zone):%H:%M:%S}  {length} s  {_slot_name(slot)}"
    if forecast.more:
        yield "          … there is more: see it with a higher --most"


def _slot_name(slot: Slot) -> str:
    if slot.kind == "fallback":
        return f"the fallback picture: {slot.why}"
    paid = f" (ad, {slot.advertiser})" if slot.advertiser else ""
    return f"{slot.title}{paid}"
