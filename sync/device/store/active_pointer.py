"""What `state/active` and `state/floor` say, and which stored release plays when `state/active` is lost. Pure."""

from collections.abc import Collection, Mapping
from typing import Annotated

from pydantic import Field

from sync.trust.acceptance import Known
from sync.wire.release import Release, Root, Timestamp
from sync.wire.value_types import Identifier, Instant, Sha256, Wire


class ActivePointer(Wire):
    """The content of `state/active`."""

    release: Sha256
    sequence: Annotated[int, Field(ge=1)]
    previous: Sha256 | None = None


class Floors(Wire):
    """The content of `state/floor`: the newest accepted timestamp of each channel, and the channel of this device.

    `earliest` is the lower bound for the clock. `online` are the timestamp keys of the root by which they were
    accepted. Once all of them are revoked the channels do not count any more: who stole a key may have signed any
    sequence (TUF, 5.3.11).
    """

    channels: dict[Identifier, Timestamp]  # required: any other JSON object would count as a floor that knows nothing
    current: Identifier | None = None
    earliest: Instant | None = None
    online: tuple[Sha256, ...] = ()  # empty: an older version wrote the file

    def counted(self, root: Root) -> dict[str, Timestamp]:
        """Return the timestamps that count with this root."""
        revoked = self.online and not set(self.online) & set(root.timestamp.keys)
        return {} if revoked else self.channels


def raised(floors: Floors, root: Root, timestamp: Timestamp, known: Known) -> Floors:
    """Return the floors after `timestamp` was accepted, with what was known before."""
    channels = {**floors.counted(root), timestamp.channel: known.floor_with(timestamp)}
    return Floors(
        channels=channels,
        current=timestamp.channel,
        earliest=known.bound_with(timestamp),
        online=root.timestamp.keys,
    )


def find_pointer(
    releases: Mapping[str, Release], floors: Floors | None, assets: Collection[str], *, incomplete_too: bool
) -> ActivePointer | None:
    """Return the pointer to the release that can play, by name, without `state/active`; None: there is no release.

    A release is stored only after it was trusted. The one that the newest timestamp names comes first, if all its
    `assets` are here. Else the newest complete one of the channel. With `incomplete_too`, else the one with most of its
    assets: one release was active, and an asset may have been lost as well. A sequence that is not known counts as 1.
    """
    current = floors.channels.get(floors.current) if floors is not None and floors.current else None

    def rank(name: str) -> tuple[object, ...]:
        release = releases[name]
        held = sum(asset.sha256 in assets for asset in release.assets)
        complete = held == len(release.assets)
        ours = floors is None or floors.current in (None, release.channel)
        newest = current is not None and current.release == name
        return complete, ours, newest, 0 if complete else held, release.created_at, name

    name, *others = *sorted(releases, key=rank, reverse=True), None
    if name is None or not (incomplete_too or rank(name)[0]):
        return None
    sequence = current.sequence if current is not None and current.release == name else 1
    return ActivePointer(release=name, sequence=sequence, previous=others[0])
