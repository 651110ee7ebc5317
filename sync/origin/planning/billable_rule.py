"""When a play of a line is billed: a rule of the booking, as data."""

from typing import Annotated, Literal

from pydantic import Field

from sync.wire.value_types import Request

_ONE = 1_000_000
Milliseconds = Annotated[int, Field(ge=0, le=24 * 3_600_000)]


class BillableRule(Request):
    """When a play is billed, by how long it was on the screen.

    `complete`: for its expected time, less `tolerance_ms`. `min_fraction`: for `fraction_ppm` of its expected time
    (750,000: three quarters). `on_render`: for `least_ms`. A play on a screen of which nobody knows whether it was on
    is billed while `unknown_screen` allows it; a report counts these apart. What other kinds need has no effect.
    """

    kind: Literal["complete", "min_fraction", "on_render"] = "complete"
    tolerance_ms: Milliseconds = 500
    fraction_ppm: Annotated[int, Field(ge=1, le=_ONE)] = 750_000
    least_ms: Milliseconds = 2_000
    unknown_screen: bool = True

    @property
    def text(self) -> str:
        """Return it in short, for reports."""
        by_kind = {
            "complete": f"complete(tol_ms={self.tolerance_ms})",
            "min_fraction": f"min_fraction({self.fraction_ppm / _ONE:g})",
            "on_render": f"on_render({self.least_ms / 1000:g} s)",
        }
        return by_kind[self.kind] + ("" if self.unknown_screen else ", screen known")


DEFAULT_RULE = BillableRule()
"""The rule of a line that names none."""

VersionedRule = tuple[int, BillableRule]
"""A rule, and which one of its line it is: 0 is the default, the first that was stored 1."""
