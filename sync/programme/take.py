"""A take as it was decided: what is reserved, shown, and judged."""

from typing import Annotated

from pydantic import Field

from sync.wire.device_reports import PlayKind
from sync.wire.value_types import Identifier, Name, Sha256, Wire


class Take(Wire):
    """One attempt to show something, as it was decided. `expected_ms` None: the length is not known before the end."""

    take: Identifier
    kind: PlayKind
    release: Sha256
    asset: Sha256
    title: Name
    zone: str
    expected_ms: Annotated[int, Field(ge=0)] | None = None
    playlist: Identifier | None = None
    item: Identifier | None = None
    campaign: Identifier | None = None
    advertiser: Name | None = None
    line: Identifier | None = None
    creative: Identifier | None = None
    relaxed: tuple[str, ...] = ()
    choice: int | None = None  # the ad choice that a refund names; `Play.decision`
    break_slot: int | None = None  # of an ad: its place in its break, from 1
