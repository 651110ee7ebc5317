"""The commands `signage-origin campaigns`, `fingerprint`, `storage` and `doctor`: what this origin has."""

import argparse
import dataclasses
import shutil
from datetime import UTC

from sync.origin import __version__
from sync.origin.app.trust_commands import Answer
from sync.origin.ingest.chunker import describe_chunker, divides_by_content
from sync.origin.wiring.origin import Origin
from sync.runtime.clock import SystemClock


async def campaigns(origin: Origin, options: argparse.Namespace) -> Answer:
    """Return who booked what on a channel, and what is short."""
    target, now = origin.folder_target, SystemClock().now()
    report = await target.publisher.booking_report(options.channel)
    booked = [one for one in await target.campaigns.list_all() if one.channel in (None, options.channel)]
    shown = [one.model_dump(mode="json", exclude={"media", "warnings", "warnings_told"}) for one in booked]
    lines = [
        f"{one.name}  {one.advertiser}  {one.starts_at:%Y-%m-%d %H:%M} to {one.ends_at:%Y-%m-%d %H:%M} UTC  "
        f"{len(one.lines)} lines{'  over' if one.ends_at <= now else ''}"
        for one in booked
    ]
    shortfalls = [each.model_dump(mode="json") for each in report.feasibility.shortfalls]
    document = {"campaigns": shown, "shortfalls": shortfalls, "warnings": report.texts()}
    return document, [*lines, *(f"warning: {text}" for text in report.texts())]


async def fingerprint(origin: Origin, options: argparse.Namespace) -> Answer:
    """Return what players know this origin by."""
    found = origin.pairings.fingerprint()
    return {"fingerprint": found}, [found]


async def storage(origin: Origin, options: argparse.Namespace) -> Answer:
    """Return how full the origin is; with `--clear` remove what nobody needs."""
    figures = await (origin.cleaner.clear() if options.clear else origin.cleaner.report())
    at = figures.at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    lines = [
        f"kept      {figures.releases} releases, {figures.assets} assets of {figures.asset_bytes} bytes",
        f"resting   {figures.resting} of these assets, {figures.resting_bytes} bytes, until their grace is over",
        f"may go    {figures.over} files, {figures.over_bytes} bytes",
    ]
    return dataclasses.asdict(figures) | {"at": at}, lines


async def doctor(origin: Origin, options: argparse.Namespace) -> Answer:
    """Return what this machine lets the origin do."""
    free_bytes = origin.folder_target.files.free_bytes()
    shown = {
        "version": __version__,
        "chunks": describe_chunker(),
        "chunks_by_content": divides_by_content(),
        "ffmpeg": shutil.which("ffmpeg"),
        "free_bytes": free_bytes,
    }
    lines = [
        f"version   {__version__}",
        f"chunks    media are divided {describe_chunker()}",
        f"ffmpeg    {shown['ffmpeg'] or 'missing: no media can be taken in; install ffmpeg'}",
        f"room      {free_bytes} bytes are free in {origin.folder_target.files.data_dir}",
    ]
    return shown, lines
