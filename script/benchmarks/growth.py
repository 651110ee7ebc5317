"""Growth of what is counted again and again: a straight line through all samples, how sure it is, and a verdict."""

import math
import statistics
from dataclasses import dataclass

Sample = dict[str, float]

_WARM_UP = 5  # one part in five of all samples, at the beginning, is left out: caches fill
_LEAST_CUTS = 200
_SURE = 2.0  # standard errors
TOLERATED = {"mib": 8.0}
"""What may be added per 1,000 cuts by kind, the last word of a figure's name; 2 of anything that is counted."""


@dataclass(frozen=True)
class Growth:
    """Of one figure: the last value, the slope per 1,000 cuts, and the standard error of the slope."""

    last: float
    per_1000: float
    error: float

    def certain(self, tolerated: float) -> bool:
        """Tell whether it grows by more than is tolerated, beyond what its own scatter explains."""
        return self.per_1000 - _SURE * self.error > tolerated


def growths(samples: list[Sample]) -> dict[str, Growth]:
    """Return the growth of every figure but `cut`, which counts."""
    steady = samples[len(samples) // _WARM_UP :]
    names = [name for name in steady[-1] if name != "cut"]
    return {name: _growth([(one["cut"], one[name]) for one in steady if name in one]) for name in names}


def _growth(points: list[tuple[float, float]]) -> Growth:
    if len(points) < 3:
        return Growth(points[-1][1], math.nan, math.nan)
    cuts, values = zip(*points, strict=True)
    line = statistics.linear_regression(cuts, values)
    left = sum((value - line.intercept - line.slope * cut) ** 2 for cut, value in points) / (len(points) - 2)
    spread = sum((cut - statistics.fmean(cuts)) ** 2 for cut in cuts)
    return Growth(values[-1], 1000 * line.slope, 1000 * math.sqrt(left / spread))


def verdict(found: dict[str, Growth], cuts: int) -> str:
    """Say `flat`, or what grows by how much per 1,000 cuts; fewer than 200 cuts say nothing."""
    if cuts < _LEAST_CUTS:
        return "too short to tell"
    grown = [
        f"{name.replace('_', ' ')} by {growth.per_1000:.1f}"
        for name, growth in found.items()
        if growth.certain(TOLERATED.get(name.rsplit("_", 1)[-1], 2.0))
    ]
    return f"grows per 1,000 cuts: {', '.join(grown)}" if grown else "flat"
