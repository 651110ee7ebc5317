"""Publishes a channel: compiles its plan, checks its files, writes the release, then signs the timestamp that names it.

The order is leaf first: assets and indexes are in the tree before the release, and the release before the timestamp.
Only the timestamp is ever written again, and a release file that was damaged. After a crash at any step the old release
is in force, or `run` finishes the new one.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sync.errors import Conflict, CorruptContent, NotFound, Rejected, StorageBroken
from sync.formatting import megabytes
from sync.origin.persistence.data_folder import DataFolder
from sync.origin.planning.campaigns import StoredCampaign
from sync.origin.planning.channel_plan import ReleaseRecord, WaitingDraft
from sync.origin.planning.release_contents import contents_of
from sync.origin.planning.schedules import StoredSchedule
from sync.origin.publishing.booking_warnings import BookingReport, booking_report
from sync.origin.publishing.compiled_release import (
    CompiledRelease,
    MakeRelease,
    ReleaseOrigin,
    compiled_release,
    release_record,
)
from sync.origin.publishing.earlier_release import renewed_release, return_warnings
from sync.origin.publishing.keyring import Keyring
from sync.origin.publishing.release_compiler import compile_release, plan_warnings, seen_part
from sync.origin.publishing.release_serializer import read_release_files
from sync.origin.publishing.timestamps import TimestampSigner
from sync.origin.store.drafts.ready_versions import TakenDrafts
from sync.origin.store.releases import ReleaseStore
from sync.runtime.clock import Clock, ClockTrust, instant, unix_ms
from sync.runtime.os_messages import os_reason
from sync.trust.acceptance import AHEAD, check_index
from sync.wire.content_paths import asset_path, bookings_path, index_path, release_path
from sync.wire.device_reports import READS_BOOKINGS
from sync.wire.release import INDEX_CAP_BYTES, Asset, Release, Timestamp
from sync.words.warnings import WARNINGS

_MOST_WARNED = 10  # channels, and sentences, in the answer to a change of a campaign
_MOST_NAMED = 5  # screens
_NONE_TAKEN: TakenDrafts = {}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Publication:
    """A release in force. `unchanged`: it was in force before, only its timestamp is new. `warnings`: for planners.

    `left_out` are drafts that it does not have.
    """

    record: ReleaseRecord
    timestamp: Timestamp
    unchanged: bool
    warnings: tuple[str, ...] = ()
    left_out: tuple[WaitingDraft, ...] = ()


class Publisher:
    """Makes releases and keeps their timestamps valid. Calls `changed("releases", channel)` after each new release."""

    def __init__(
        self,
        store: ReleaseStore,
        files: DataFolder,
        keyring: Keyring,
        clock: Clock,
        *,
        valid_for_s: float,
        changed: Callable[[str, str], None],
        mirrors: Sequence[str] = (),
    ) -> None:
        self._store = store
        self._files = files
        self._clock = clock
        self._changed = changed
        self._lock = asyncio.Lock()
        self.timestamps = TimestampSigner(store, files, keyring, clock, valid_for_s=valid_for_s, mirrors=mirrors)

    async def publish(
        self, channel: str, note: str | None = None, publication: str | None = None, *, taken: TakenDrafts | None = None
    ) -> Publication:
        """Make the channel's plan its newest release; the same plan again only gets a new signature.

        `publication`: the planned one that this is. Drafts that are `taken` along become ready if it is published.

        Raises:
            NotFound: there is no such channel, or a draft was removed meanwhile.
            Rejected: something is missing or not ready; `fields` names each.
            Conflict: somebody else published the channel at the same moment.
            StorageFull: no room.
            StorageBroken: the content tree cannot be read or written.
        """
        with _no_collection():
            return await self._publish(channel, ReleaseOrigin(note, publication=publication), taken or {})

    async def bring_back(
        self, channel: str, sequence: int, note: str | None = None, publication: str | None = None
    ) -> Publication:
        """Make what an earlier release of the channel showed its newest release, without what is over by now.

        The plan stays as it is. If the newest release shows the same, that only gets a new signature.

        Raises:
            NotFound: the channel has no such release.
            Conflict: its files are not kept any more, or somebody else published the channel at the same moment.
            Rejected: all of it is over, or files of media are missing.
            StorageFull: no room.
            StorageBroken: the content tree cannot be read or written.
        """
        with _no_collection():
            async with self._lock, self._files.adding_content(self._clock):
                earlier = await asyncio.to_thread(self._read_kept, await self._store.find(channel, sequence))
                compiled = await self._compile(channel, partial(renewed_release, earlier))
                record, timestamp = await self._put_in_force(compiled, ReleaseOrigin(note, sequence, publication))
            there = await self._store.assets_of_media([asset.sha256 for asset in compiled.release.assets])
            removed = {asset.sha256 for asset in compiled.release.assets} - there
            known = await self._store.seen_campaigns()
            again = seen_part(compiled.release, known)
            warnings = return_warnings(seen_part(earlier, known), again, removed)
        return Publication(record, timestamp, compiled.unchanged, (*plan_warnings(again), *warnings))

    def _read_kept(self, record: ReleaseRecord) -> Release:
        """Read the files of an earlier release. Blocks."""
        if not self.has_files(record):
            raise Conflict(
                f"release {record.sequence} of {record.channel} cannot come back: its files are kept no more. "
                "GET /v1/releases says which releases are kept, and a pinned one always is"
            )
        return self.read_release(record)

    async def pin(self, channel: str, sequence: int, pinned: bool) -> ReleaseRecord:
        """Have the files of a release kept for ever, or no longer than those of others.

        Raises:
            NotFound: the channel has no such release.
            Conflict: its files are not kept any more.
        """
        async with self._files.adding_content(self._clock):  # nothing is deleted meanwhile
            if pinned:
                await asyncio.to_thread(self._read_kept, await self._store.find(channel, sequence))
            record = await self._store.pin(channel, sequence, pinned)
        self._changed("releases", channel)
        return record

    async def plan_differs(self, channel: str) -> bool:
        """Return whether publishing the plan of a channel would change what its newest release shows."""
        try:
            return not (await self.compile_plan(channel)).unchanged
        except Rejected:  # it cannot be published as it is
            return True

    async def _put_in_force(
        self, compiled: CompiledRelease, origin: ReleaseOrigin, taken: TakenDrafts = _NONE_TAKEN
    ) -> tuple[ReleaseRecord, Timestamp]:
        """Check the files of a release, write it, store it unless it is in force, and sign its timestamp."""
        channel = compiled.release.channel
        await asyncio.to_thread(self._check_files, compiled.release)
        await asyncio.to_thread(self._write_release, compiled)
        if not compiled.unchanged:
            contents = await asyncio.to_thread(contents_of, compiled.release)
            await self._store.add(release_record(compiled, origin), contents, taken)
        elif taken:
            await self._store.make_ready(taken)
        record, timestamp = await self.timestamps.sign_newest(channel)
        if not compiled.unchanged:
            log.info("channel=%s sequence=%s release=%s published", channel, record.sequence, record.sha256[:16])
            self._changed("releases", channel)
        return record, timestamp

    async def _publish(self, channel: str, origin: ReleaseOrigin, taken: TakenDrafts) -> Publication:
        async with self._lock, self._files.adding_content(self._clock):
            plan = await self._store.plan(channel, taken=taken)
            compiled = await self._compile(channel, partial(compile_release, plan))
            record, timestamp = await self._put_in_force(compiled, origin, taken)
        report = await asyncio.to_thread(booking_report, plan, self._clock.now())
        warnings = (*plan_warnings(seen_part(compiled.release, plan.seen_campaigns)), *report.texts())
        done = Publication(record, timestamp, compiled.unchanged, warnings, plan.left_out)
        parts = [*plan.campaigns, *compiled.release.campaigns]
        del plan, compiled
        await asyncio.to_thread(_free, parts)
        return done

    async def compile_plan(self, channel: str) -> CompiledRelease:
        """Return what would be published now. Changes nothing.

        Raises:
            NotFound: there is no such channel.
            Rejected: something is missing or not ready; `fields` names each.
            StorageBroken: the content tree cannot be read.
        """
        return await self._compile(channel, partial(compile_release, await self._store.plan(channel)))

    async def _compile(self, channel: str, make: MakeRelease) -> CompiledRelease:
        newest, now = await self._store.latest(channel), self._clock.now()
        signed = await asyncio.to_thread(self.timestamps.last_signed_sequence, channel)
        if newest is not None and not self._is_of_the_future(newest, now):
            # compile with its creation time, which is in its bytes, to compare the plans
            again = await asyncio.to_thread(compiled_release, make, instant(newest.created_ms), now, newest, signed)
            if again.unchanged:
                return again
            parts = [*again.release.campaigns]
            del again
            await asyncio.to_thread(_free, parts)
        compiled = await asyncio.to_thread(compiled_release, make, instant(unix_ms(now)), now, newest, signed)
        if compiled.bookings:
            await self._check_screens(compiled)
        return compiled

    async def _check_screens(self, compiled: CompiledRelease) -> None:
        """Refuse a release with files of bookings that a screen of its channel cannot read."""
        channel = compiled.release.channel
        old = await self._store.screens_without(channel, READS_BOOKINGS)
        if old:
            more = f" and {len(old) - _MOST_NAMED} more" if len(old) > _MOST_NAMED else ""
            wrong = (
                f"its bookings are {megabytes(sum(map(len, compiled.bookings.values())))}, too large for one file, and "
                f"these screens have not said that they read them in several: {', '.join(old[:_MOST_NAMED])}{more}. "
                "Update their players and let them connect, or book less"
            )
            raise Rejected(f"channel {channel} cannot be published: {wrong}", fields={"channel": wrong})

    async def booking_report(
        self, channel: str, about: Set[str] | None = None, channels: int = 1, *, ready: bool = False
    ) -> BookingReport:
        """Return what the bookings of a channel's plan cannot get (see `booking_warnings.booking_report`).

        It is the plan as it is edited, or what of it is `ready`.

        Raises:
            NotFound: there is no such channel.
        """
        plan = await self._store.plan(channel, ready=ready)
        return await asyncio.to_thread(booking_report, plan, self._clock.now(), about, channels)

    async def warn_campaign(self, campaign: StoredCampaign) -> StoredCampaign:
        """Return a campaign with warnings of what it cannot get on its channels, the first ones."""
        channels = (campaign.channel,) if campaign.channel else await self._store.channels(_MOST_WARNED)
        lines, found = frozenset(line.id or "" for line in campaign.lines), dict[str, None]()
        for channel in channels:
            try:
                report = await self.booking_report(channel, lines, len(channels))
            except NotFound:  # somebody has just removed it; what was changed is stored
                continue
            for text in report.texts_about(campaign.id, lines):
                found[text if len(channels) == 1 else f"Channel {channel}: {text}"] = None
        return campaign.model_copy(update=_warned(tuple(found)[:_MOST_WARNED]))

    async def warn_schedule(self, schedule: StoredSchedule) -> StoredSchedule:
        """Return a schedule with warnings of what ads cannot get on its channel."""
        try:
            report = await self.booking_report(schedule.channel)
        except NotFound:  # as above
            return schedule
        return schedule.model_copy(update=_warned(report.texts()))

    def _is_of_the_future(self, release: ReleaseRecord, now: datetime) -> bool:
        """Tell whether a wrong clock dated a release: screens without a time service play by no schedule until then."""
        return self._clock.trust() is ClockTrust.SYNCED and instant(release.created_ms) - now > AHEAD

    def read_release(self, record: ReleaseRecord) -> Release:
        """Read the file of a published release. Blocks.

        Raises:
            StorageBroken: its file is gone or damaged.
        """
        return read_release_files(self._files.content, record.sha256)

    def has_files(self, record: ReleaseRecord) -> bool:
        """Tell whether the file of a published release is there. Blocks."""
        return (self._files.content / release_path(record.sha256)).is_file()

    def read_chunk_list(self, name: str) -> bytes:
        """Read a chunk list; empty if it cannot be read. Blocks."""
        try:
            return _read(self._files.content / index_path(name), INDEX_CAP_BYTES)
        except StorageBroken:  # publishing says so
            return b""

    async def run(self) -> None:
        """Renew timestamps before they expire, for ever, and finish what a crash interrupted."""
        await self.timestamps.run()

    def _check_files(self, release: Release) -> None:
        missing = {f"assets.{asset.sha256}": wrong for asset in release.assets if (wrong := self._missing_file(asset))}
        if missing:
            raise Rejected(
                f"channel {release.channel} cannot be published: {len(missing)} of its files are missing or damaged",
                fields=missing,
            )

    def _write_release(self, compiled: CompiledRelease) -> None:
        """Write the release file after its bookings, each unless it is there and whole."""
        bookings = {bookings_path(name): raw for name, raw in compiled.bookings.items()}
        for path, raw in (bookings | {release_path(compiled.sha256): compiled.raw}).items():
            if self._files.put(path, raw).read_bytes() != raw:
                self._files.replace(path, raw)

    def _missing_file(self, asset: Asset) -> str | None:
        path = self._files.content / asset_path(asset.sha256)
        if not path.is_file() or path.stat().st_size != asset.size_bytes:
            return "the media file is missing in the content tree: upload it again"
        index = self._files.content / index_path(asset.index)
        try:
            check_index(index.read_bytes(), asset)
        except (OSError, CorruptContent) as error:
            log.warning("index=%s cannot be used: %s", index, error)
            return "its chunk list is missing or damaged: upload it again"
        return None


@contextmanager
def _no_collection() -> Iterator[None]:
    """Have nobody look for garbage meanwhile: among the objects of 50,000 lines that stops all threads for 0.7 s."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _free(parts: list[Any]) -> None:
    """Free what nobody else has, one after the other: thousands at once would stop all threads for 0.1 s."""
    while parts:
        parts.pop()


def _read(path: Path, cap_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(cap_bytes + 1)
    except OSError as error:
        raise StorageBroken(f"{path} cannot be read: {os_reason(error)}") from error


def _warned(texts: tuple[str, ...]) -> dict[str, object]:
    return {"warnings": texts, "warnings_told": tuple(map(WARNINGS.told, texts))}
