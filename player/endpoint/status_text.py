"""What the commands `signage-player status`, `let-through` and `rotate-key` print of the documents of a player."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sync.errors import trust_text
from sync.formatting import local_text, megabytes


def status_text(status: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Return both documents as lines of text."""
    sync = status["sync"]
    age = "never" if sync["age_s"] is None else f"{sync['age_s']:.0f} s ago"
    lines = [
        f"{status['name']} ({status['device'] or 'not paired'}), version {status['version']}",
        f"on air    {now['title'] or now['showing']}: {now['why']}",
        f"next      {now['next']['title'] or 'not decided yet'}",
        f"release   {sync['sequence'] or 'none'} of channel {status['channel'] or 'none'}, confirmed {age}",
        *_sync_lines(status),
        f"plays     {status['outbox_depth']} wait for delivery",
        *([f"key       {key_text(status['key'])}"] if status.get("key") else []),
        f"sync      {sync['state']}{': ' + sync['waiting_for'] if sync.get('waiting_for') else ''}",
        *([f"month     {month_text(status['traffic'])}"] if "traffic" in status else []),
    ]
    if status["pairing_code"]:
        lines.append(f"pairing   {status['pairing_code']} (enter it in the console at {status['origin']})")
    return [*lines, *(f"problem   {sentence}" for sentence in status["problems"] or ["none"])]


def _sync_lines(status: dict[str, Any]) -> Iterator[str]:
    """Yield what is coming, from where, under which limits, and what room there is; of older players what they tell."""
    sync, zone = status["sync"], ZoneInfo(status["zone"])
    for release in sync.get("releases", ()):
        if release["state"] != "active":
            name = f"{release['sequence']} " if release["sequence"] else ""
            progress = _progress(sync, zone) if release["release"] else ""
            yield f"coming    {name}{release['state']}{progress}{release['why'] and ': '}{release['why']}"
    if sync.get("coming") and not sync["preparing"]:
        yield f"mending  {_progress(sync, zone)}"
    for late in (sync.get("coming") or {}).get("late", ()):
        yield f"late      {late['what']}, {_local(late['at'], zone)}"
    for source in sync.get("sources", ()):
        rate = f", {source['bytes_s'] / 1000:,.0f} kB/s a connection" if source["bytes_s"] else ""
        came = f"{megabytes(source['received_bytes'])}{rate}, {source['errors']} errors"
        yield f"source    {source['name']} {source['url']}: {came}{source['problem'] and ': '}{source['problem']}"
    if limits := sync.get("limits"):
        rates = [(limits["all_kbit_s"], ""), (limits["line_kbit_s"], " over the line")]
        texts = [
            f"{rate:,.0f} kbit/s{where}" if rate else f"no media{where}" for rate, where in rates if rate is not None
        ]
        until = f" until {_local(limits['until'], zone)}" if limits["until"] else ""
        yield f"limits    {', '.join(texts) or 'none'}{until}"
    if "reserve_bytes" in sync and status["health"].get("disk_free_bytes") is not None:
        sizes = status["health"]["disk_free_bytes"], sync["reserve_bytes"], sync["spare_bytes"]
        yield "space     {} free, {} stay free, {} go when room is needed".format(*map(megabytes, sizes))
    yield f"trust     {trust_text(sync['trust'])}"


def _progress(sync: dict[str, Any], zone: ZoneInfo) -> str:
    if (coming := sync["coming"]) is None:
        return ""
    rate = f", {sync['bytes_s'] / 1000:,.0f} kB/s" if sync["bytes_s"] else ""
    ready = f"ready at {_local(coming['ready_at'], zone)}" if coming["ready_at"] else "ready at a time not known yet"
    return f" {megabytes(coming['bytes_done'])} of {megabytes(coming['bytes_to_do'])}{rate}, {ready}"


def _local(at: str, zone: ZoneInfo) -> str:
    return local_text(datetime.fromisoformat(at), zone)


def key_text(key: dict[str, Any]) -> str:
    """Return how the key stands with which plays are signed, in one line."""
    if not key["id"]:
        return f"none yet, plays are not signed: {key['waits'] or 'the player is starting'}"
    state = "signs plays" if key["certified"] else "signs nothing yet, the origin has not certified it"
    other = ", another one waits for its certificate" if key["replacing"] else ""
    return f"{key['id'][:16]} {state}{other}{key['waits'] and ': '}{key['waits']}"


def month_text(traffic: dict[str, Any]) -> str:
    """Return what a month had, and its budget, in one line."""
    used = f"{megabytes(traffic['sent_bytes'] + traffic['received_bytes'])} in {traffic['month']}"
    streams = f", {megabytes(traffic['stream_bytes'])} of them streams" if traffic["stream_bytes"] else ""
    if traffic["budget_bytes"] is None:
        return used + streams
    budget = f", the budget is {megabytes(traffic['budget_bytes'])}"
    ends = traffic["goes_on_at"]
    until = f"{datetime.fromisoformat(ends):%Y-%m-%d %H:%M} UTC" if ends else "the next month"
    spent = f", spent until {until}" if traffic["spent"] else ""
    through = f", release {traffic['let_through'][:8]} needs none" if traffic["let_through"] else ""
    return used + streams + budget + spent + through
