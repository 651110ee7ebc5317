"""What people plan to stand over whatever plays: tickers and logos as they are sent and given back."""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from sync.wire.base import Identifier
from sync.wire.overlay import Bounded, LogoStyle, TickerStyle


class _Sent(Bounded):
    model_config = ConfigDict(frozen=True, extra="forbid")

    @field_validator("ends_at")
    @classmethod
    def _in_order(cls, ends_at: datetime | None, info: ValidationInfo) -> datetime | None:
        starts_at = info.data.get("starts_at")
        if ends_at is not None and starts_at is not None and ends_at <= starts_at:
            raise ValueError("must be after starts_at")
        return ends_at


class TickerSpec(TickerStyle, _Sent):
    """A ticker without an id, as a folder's plan has it."""


class LogoSpec(LogoStyle, _Sent):
    """A logo without an id or a media."""


class TickerDraft(TickerSpec):
    """A line of text at an edge, as a person sends it; an id that comes back keeps its place."""

    id: Identifier | None = None


class LogoDraft(LogoSpec):
    """A picture in a corner, as a person sends it: `media` is a picture."""

    id: Identifier | None = None
    media: Identifier


OverlayDraft = Annotated[TickerDraft | LogoDraft, Field(discriminator="kind")]
