"""Tables that turn the colours of HDR and wide-gamut films into BT.709: tone curve, gamut, and the text of a table.

A table is a cube for ffmpeg's filter `lut3d`: red, green and blue as stored in, red, green and blue for a screen out.
Sources: ITU-R BT.2100-2 (PQ, HLG), BT.2408 (diffuse white is 203 cd/m²), BT.1886 (the screen: gamma 2.4).
"""

from collections.abc import Iterator
from enum import StrEnum
from itertools import pairwise, product
from math import exp, log
from typing import NamedTuple

Colour = tuple[float, float, float]  # red, green, blue

SIZE = 33  # entries along each edge; 65 are no better within one step of 8 bits, and take 2 s instead of 0.3 s
_GAMMA = 2.4
_WHITE_CD_M2 = 203.0
_KNEE_CD_M2 = 80.0
# The tone curve above the knee: luminance in cd/m², signal of 255, and its slope: its rise while light grows e-fold.
# The slopes keep a rise of more than one step of 8 bits for each 100 cd/m² up to 1,000.
_CURVE = ((_WHITE_CD_M2, 227.0, 17.0), (1000.0, 249.0, 11.5), (4000.0, 255.0, 0.0))


class Transfer(StrEnum):
    """How a stored value becomes light."""

    SDR = "sdr"
    SRGB = "srgb"  # of pictures: brighter in the dark than films
    PQ = "pq"
    HLG = "hlg"


class Primaries(StrEnum):
    """Which red, green and blue are meant."""

    BT709 = "bt709"
    BT2020 = "bt2020"
    P3 = "p3"  # with the white of BT.709


class ColourTable(NamedTuple):
    """Which table a film needs."""

    transfer: Transfer
    primaries: Primaries


_TO_BT709: dict[
    Primaries, tuple[Colour, Colour, Colour]
] = {  # linear light, from the chromaticities; BT.2087 for BT.2020
    Primaries.BT709: ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    Primaries.BT2020: ((1.660491, -0.587641, -0.07285), (-0.12455, 1.1329, -0.008349), (-0.018151, -0.100579, 1.11873)),
    Primaries.P3: ((1.22494, -0.22494, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}


def table_text(table: ColourTable, size: int = SIZE) -> Iterator[str]:
    """Yield the lines of the table in the format .cube; red changes fastest."""
    yield f"LUT_3D_SIZE {size}\n"
    steps = [number / (size - 1) for number in range(size)]
    for blue, green, red in product(steps, repeat=3):
        yield "{:.5f} {:.5f} {:.5f}\n".format(*screen_colour(table, (red, green, blue)))


def screen_colour(table: ColourTable, stored: Colour) -> Colour:
    """Return the signal (0 to 1) that shows a stored colour on a BT.709 screen.

    The strongest of the three decides the tone, and the two others keep their ratio to it: so greys stay grey and hues
    stay as they are. What lies outside the gamut of BT.709 is cut off.
    """
    light = _light(table.transfer, stored)
    rows = _TO_BT709[table.primaries]
    red, green, blue = (max(0.0, sum(a * b for a, b in zip(row, light, strict=True))) for row in rows)
    strongest = max(red, green, blue)
    if strongest <= 0.0:
        return 0.0, 0.0, 0.0
    if table.transfer is Transfer.SRGB:
        red, green, blue = (_srgb_signal(part / max(1.0, strongest)) for part in (red, green, blue))
        return red, green, blue
    signal = min(1.0, strongest ** (1 / _GAMMA)) if table.transfer is Transfer.SDR else tone(strongest)
    red, green, blue = (signal * (part / strongest) ** (1 / _GAMMA) for part in (red, green, blue))
    return red, green, blue


def tone(cd_m2: float) -> float:
    """Return the signal (0 to 1) for a luminance.

    Up to the knee it is shown as it is, with diffuse white as the brightest that a screen can show. Above, the signal
    rises ever more slowly with the logarithm of the light: diffuse white is 227 of 255, 1,000 cd/m² are 249. From 4,000
    cd/m² on, which hardly any master exceeds, all is white. Between the points the curve is a cubic (Hermite).
    """
    if cd_m2 <= _KNEE_CD_M2:
        return float((cd_m2 / _WHITE_CD_M2) ** (1 / _GAMMA))
    knee = 255 * (_KNEE_CD_M2 / _WHITE_CD_M2) ** (1 / _GAMMA)
    points = ((_KNEE_CD_M2, knee, knee / _GAMMA), *_CURVE)
    for (low, start, start_slope), (high, end, end_slope) in pairwise(points):
        if cd_m2 <= high:
            width = log(high / low)
            t = log(cd_m2 / low) / width
            rise = (3 - 2 * t) * t * t
            bend = width * t * (1 - t) * ((1 - t) * start_slope - t * end_slope)
            return float(start + (end - start) * rise + bend) / 255
    return 1.0


def _light(transfer: Transfer, stored: Colour) -> Colour:
    """Return the light of the screen for which the film was made: cd/m² for HDR, 0 to 1 for SDR."""
    if transfer is Transfer.PQ:
        red, green, blue = (_pq_cd_m2(value) for value in stored)
    elif transfer is Transfer.HLG:
        red, green, blue = (_hlg_scene(value) for value in stored)
        luminance = 0.2627 * red + 0.678 * green + 0.0593 * blue
        gain = 1000.0 * luminance**0.2 if luminance > 0.0 else 0.0  # a screen of 1,000 cd/m²: system gamma 1.2
        red, green, blue = red * gain, green * gain, blue * gain
    elif transfer is Transfer.SRGB:
        red, green, blue = (_srgb_light(value) for value in stored)
    else:
        red, green, blue = (value**_GAMMA for value in stored)
    return red, green, blue


def _srgb_light(signal: float) -> float:
    """Return the light, 0 to 1, of an sRGB signal (IEC 61966-2-1)."""
    return float(signal / 12.92 if signal <= 0.04045 else ((signal + 0.055) / 1.055) ** _GAMMA)


def _srgb_signal(light: float) -> float:
    return float(12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / _GAMMA) - 0.055)


def _pq_cd_m2(value: float) -> float:
    """Return the luminance of a PQ signal (BT.2100, table 4)."""
    power = value ** (1 / 78.84375)
    return float(10_000.0 * (max(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125))


def _hlg_scene(value: float) -> float:
    """Return the light of the scene, 0 to 1, of an HLG signal (BT.2100, table 5)."""
    return value * value / 3 if value <= 0.5 else (exp((value - 0.55991073) / 0.17883277) + 0.28466892) / 12
