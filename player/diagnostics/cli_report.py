"""`signage-player explain` and `forecast`: read the state of this device, beside a player or not, and tell it."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from player.diagnostics.explanation import Explanation, Slot
from player.diagnostics.forecast import Forecast
from player.diagnostics.offline_view import DecisionView, open_evidence, read_decision_view
from player.diagnostics.verdicts import Verdict
from player.settings.configuration import Configuration
from sync.device.store.content_store import ContentStore
from sync.errors import NotFound, Rejected
from sync.runtime.clock import SystemClock


async def read_view_for(configuration: Configuration, said: str | None = None) -> DecisionView:
    """Return what a decision looks at: now, or at the instant somebody said.

    Raises:
        NotFound: this device has no content.
        Rejected: that is no instant.
        StorageBroken: the log cannot be read.
    """
    settings = configuration.settings
    cache = ContentStore(settings.storage.state_dir)
    active = cache.active()
    if active is None:
        raise NotFound(f"{settings.storage.state_dir} holds no content: check --config, or sync first")
    at = None if said is None else _instant(said, settings.venue.zone or active.release.zone)
    async with open_evidence(cache) as ledger:
        return await read_decision_view(cache, ledger, settings, SystemClock(), at)


def _instant(said: str, zone: str) -> datetime:
    try:
        at = datetime.fromisoformat(said)
        return at if at.tzinfo is not None else at.replace(tzinfo=ZoneInfo(zone))
    except ValueError as error:
        raise Rejected(
            f"{said!r} is no instant: write it as 2026-11-23T18:00 (the venue's clock), or with Z"
        ) from error


def explanation_text(found: Explanation) -> Iterator[str]:
    """Yield an explanation as lines for people, times by the venue's clock."""
    zone = ZoneInfo(found.zone)
    clock = "" if found.timed else "; the clock is not set"
    yield f"at         {found.at.astimezone(zone):%a %Y-%m-%d %H:%M:%S} {found.zone}{clock}"
    if found.shown is not None:
        yield f"on screen  {_what(found.shown)}, since {found.shown.at.astimezone(zone):%H:%M:%S}"
    yield f"programme  {found.playlist or 'none'}: {found.why}; at least until {found.until.astimezone(zone):%a %H:%M}"
    yield f"next       {_what(found.following)}"
    relaxed = f", although it breaks: {', '.join(found.relaxed)}" if found.relaxed else ""
    yield f"next ad    {found.next_ad or 'none'}{relaxed}"
    yield from _verdicts(f"dayparts: {len(found.dayparts) or 'none'}", found.dayparts)
    turning = sum(item.on for item in found.items)
    yield from _verdicts(f"items: {turning} of {len(found.items)} turn", [one for one in found.items if not one.on])
    yield f"ads: {sum(ad.on for ad in found.ads)} of {len(found.ads)} lines may be shown"
    for ad in found.ads:
        share = f"{ad.share:6.1%}" if ad.share is not None else "      "
        yield f"  {'+' if ad.on else '-'} {share}  {ad.name} ({ad.advertiser}): {ad.why}"
    yield from (f"warning    {warning}" for warning in found.warnings)


def _verdicts(name: str, verdicts: Iterable[Verdict]) -> Iterator[str]:
    yield name
    yield from (f"  {'+' if one.on else '-'} {one.name}: {one.why}" for one in verdicts)


def forecast_text(found: Forecast) -> Iterator[str]:
    """Yield a forecast as a table for people, times by the venue's clock; a line begins whenever the reason changes."""
    zone, why = ZoneInfo(found.zone), ""
    yield f"{found.at.astimezone(zone):%a %Y-%m-%d} {found.zone}, release {found.release[:12]}"
    for slot in found.slots:
        if slot.why and slot.why != why:
            why = slot.why
            yield f"          -- {slot.playlist or 'fallback'}: {why}"
        length = "   ?" if slot.until is None else f"{(slot.until - slot.at).total_seconds():4.0f}"
        yield f"{slot.at.astimezone(zone):%H:%M:%S}  {length} s  {_what(slot)}"
    if found.more:
        yield "          … and so on: ask for more with --most"


def _what(slot: Slot) -> str:
    if slot.kind == "fallback":
        return f"the fallback picture: {slot.why}"
    paid = f" (ad, {slot.advertiser})" if slot.advertiser else ""
    return f"{slot.title}{paid}"
