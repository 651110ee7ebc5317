"""The files of a release: one, or where its bookings are too large for that, files of bookings beside it.

Campaigns are put together by the month in which their flight begins, and divided further by their ids. So a change of
one campaign changes one file, and devices fetch no other again. All files of a month change only when their number
does: when one of them becomes larger than 1 MiB, or all are so small that half as many do.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from sync.errors import Rejected, StorageBroken
from sync.formatting import megabytes
from sync.runtime.os_messages import os_reason
from sync.trust.acceptance import referenced_assets
from sync.wire.content_paths import bookings_path, release_path
from sync.wire.release import MOST_BOOKINGS_FILES, RELEASE_CAP_BYTES, Bookings, BookingsFile, Campaign, Release
from sync.wire.release_reader import with_bookings

_LARGE_BYTES = 1024 * 1024  # files of bookings are divided above that
_MOST_PARTS = 256  # of one month


def dump_release(release: Release) -> tuple[bytes, Mapping[str, bytes]]:
    """Return the bytes of the release file, whose SHA-256 is its name, and of its files of bookings by name.

    Raises:
        Rejected: it is larger than devices read.
    """
    raw = release.model_dump_json(exclude_none=True).encode()
    if len(raw) <= RELEASE_CAP_BYTES:
        return raw, {}
    files: dict[str, bytes] = {}
    entries = []
    for campaigns in _groups(release):
        part = _dump(release, campaigns)
        if len(part) > RELEASE_CAP_BYTES:
            names = ", ".join(campaign.name for campaign in campaigns[:3])
            _refuse(release, f"the bookings of {names} would be {len(part)} bytes in one file", "divide that campaign")
        name = hashlib.sha256(part).hexdigest()
        files[name] = part
        starts, ends = [one.starts_at for one in campaigns], [one.ends_at for one in campaigns]
        entries.append(BookingsFile(sha256=name, size_bytes=len(part), starts_at=min(starts), ends_at=max(ends)))
    if len(entries) > MOST_BOOKINGS_FILES:
        total = megabytes(sum(map(len, files.values())))
        _refuse(release, f"its bookings would be {total} in {len(entries)} files", "book less far ahead")
    rest = release.model_copy(update={"format": 2, "campaigns": (), "bookings": tuple(entries)})
    shown = referenced_assets(rest)
    update = {
        "assets": tuple(asset for asset in release.assets if asset.sha256 in shown),
        "streams": tuple(stream for stream in release.streams if stream.sha256 in shown),
    }
    raw = rest.model_copy(update=update).model_dump_json(exclude_none=True).encode()
    if len(raw) > RELEASE_CAP_BYTES:
        _refuse(release, f"the release would be {len(raw)} bytes without its bookings", "remove items")
    return raw, files


def _refuse(release: Release, wrong: str, advice: str) -> None:
    wrong = f"{wrong}, more than the {RELEASE_CAP_BYTES} that devices read: {advice}"
    raise Rejected(f"channel {release.channel} cannot be published: {wrong}", fields={"channel": wrong})


def _groups(release: Release) -> Iterator[Sequence[Campaign]]:
    """Yield the campaigns in groups, in the order of their flights."""
    months: dict[tuple[int, int], list[Campaign]] = defaultdict(list)
    for campaign in release.campaigns:
        months[campaign.starts_at.year, campaign.starts_at.month].append(campaign)
    for _, campaigns in sorted(months.items()):
        parts = 1
        while True:
            groups: dict[int, list[Campaign]] = defaultdict(list)
            for campaign in campaigns:
                groups[int.from_bytes(hashlib.sha256(campaign.id.encode()).digest()[:2]) % parts].append(campaign)
            if parts == _MOST_PARTS or not any(_is_divisible(release, group) for group in groups.values()):
                break
            parts *= 2
        yield from (groups[number] for number in sorted(groups))


def _is_divisible(release: Release, group: Sequence[Campaign]) -> bool:
    return len(group) > 1 and len(_dump(release, group)) > _LARGE_BYTES


def _dump(release: Release, campaigns: Sequence[Campaign]) -> bytes:
    shown = {one.asset for campaign in campaigns for line in campaign.lines for one in line.creatives}
    bookings = Bookings(
        campaigns=tuple(campaigns),
        assets=tuple(asset for asset in release.assets if asset.sha256 in shown),
        streams=tuple(stream for stream in release.streams if stream.sha256 in shown),
    )
    return bookings.model_dump_json(exclude_none=True).encode()


def read_release_files(content: Path, sha256: str) -> Release:
    """Read a published release with all its bookings from the content tree. Blocks.

    Raises:
        StorageBroken: a file of it is gone or damaged.
        ValidationError: a file of it has wrong fields.
    """
    release = Release.model_validate_json(read_release_file(content, sha256))
    parts: dict[str, Release] = {}
    for file in release.bookings or ():
        part = Bookings.model_validate_json(_read(content / bookings_path(file.sha256), file.sha256))
        parts[file.sha256] = release.model_copy(update=dict(part))
    return with_bookings(release, parts)


def read_release_file(content: Path, sha256: str) -> bytes:
    """Return a published release as it is, without its bookings. Blocks.

    Raises:
        StorageBroken: the file is gone or damaged.
    """
    return _read(content / release_path(sha256), sha256)


def _read(path: Path, sha256: str) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(RELEASE_CAP_BYTES + 1)
    except OSError as error:
        raise StorageBroken(f"{path} cannot be read: {os_reason(error)}") from error
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise StorageBroken(f"{path} is damaged: publish its channel again after restoring it from a backup")
    return raw
