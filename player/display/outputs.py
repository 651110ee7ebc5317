"""Which output the stage fills, in which mode and turned how: pure decisions over what RandR says.

The stage fills one output. Others show the same where the server mirrors them, else what stands on their part of the
root window: black.
"""

from dataclasses import dataclass

from player.area import Area, Turn

_UPRIGHT = 1
_ROTATIONS: dict[Turn, int] = {0: _UPRIGHT, 90: 8, 180: 4, 270: 2}  # RandR counts counter-clockwise
_ALL_ROTATIONS = 15  # its word for reflections follows


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the settings ask for: an output by name (empty: the primary, else the first connected), and a turn."""

    output: str = ""
    rotation: Turn = 0


@dataclass(frozen=True, slots=True)
class Mode:
    """A size and rate an output can be driven with."""

    width: int
    height: int
    refresh_hz: float


@dataclass(frozen=True, slots=True)
class Output:
    """A connector; `crtc` 0: nothing is sent to it. `modes` are its own, the preferred ones first."""

    id: int
    name: str
    connected: bool
    crtc: int
    crtcs: tuple[int, ...]
    modes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Crtc:
    """What is sent to its outputs: a part of the root window, in a mode (0: off), turned by one of `rotations`."""

    x: int
    y: int
    width: int
    height: int
    mode: int
    rotation: int
    rotations: int
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Setup:
    """All of a server's RandR configuration."""

    width: int
    height: int
    primary: int
    outputs: tuple[Output, ...]
    crtcs: dict[int, Crtc]
    modes: dict[int, Mode]


@dataclass(frozen=True, slots=True)
class Change:
    """A CRTC to be set, and the size the root window has then."""

    crtc: int
    to: Crtc
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the stage fills, how it gets so (None: it is so), and what is wrong with what the settings ask for."""

    area: Area
    output: Output | None
    change: Change | None
    problem: str = ""


def arrange(setup: Setup, wanted: Wanted) -> Arrangement:
    """Choose the output, drive it with a mode of its own if it is not, and have it turned by the server or by us."""
    output = _chosen(setup, wanted.output)
    problem = "" if not wanted.output or (output and output.name == wanted.output) else _unknown(setup, wanted.output)
    if output is None:
        return Arrangement(Area(width=setup.width, height=setup.height, turn=wanted.rotation), None, None, problem)
    number = output.crtc or _free(setup, output)
    crtc = setup.crtcs.get(number)
    mode = _mode(output, crtc)
    if crtc is None or not mode:
        return Arrangement(Area(width=setup.width, height=setup.height, turn=wanted.rotation), output, None, problem)
    offered = bool(crtc.rotations & _ROTATIONS[wanted.rotation])
    to = _driven(setup, output, crtc, mode, _ROTATIONS[wanted.rotation] if offered else _UPRIGHT)
    area = Area(width=to.width, height=to.height, x=to.x, y=to.y, turn=0 if offered else wanted.rotation)
    change = None if to == crtc else Change(number, to, *_root(setup, number, to))
    return Arrangement(area, output, change, problem)


def _chosen(setup: Setup, name: str) -> Output | None:
    """Return the output of that name, else the primary, the first connected, the first that is driven at all."""
    named = [output for output in setup.outputs if output.name == name]
    connected = [output for output in setup.outputs if output.connected]
    primary = [output for output in connected if output.id == setup.primary]
    driven = [output for output in setup.outputs if output.crtc]
    return next(iter((*named, *primary, *connected, *driven)), None)


def _unknown(setup: Setup, name: str) -> str:
    names = ", ".join(f"{output.name}{'' if output.connected else ' (unplugged)'}" for output in setup.outputs)
    return f"display.output is {name!r}, which this display does not have; it has {names or 'none'}"


def _free(setup: Setup, output: Output) -> int:
    return next((number for number in output.crtcs if number in setup.crtcs and not setup.crtcs[number].mode), 0)


def _mode(output: Output, crtc: Crtc | None) -> int:
    """Return the mode it runs in if that is one of its own, or if it is unplugged; else its preferred one."""
    running = crtc.mode if crtc and output.crtc else 0
    if running in output.modes or not output.connected:
        return running
    return output.modes[0] if output.modes else running


def _driven(setup: Setup, output: Output, crtc: Crtc, mode: int, rotation: int) -> Crtc:
    if output.crtc and mode == crtc.mode and crtc.rotation & _ALL_ROTATIONS == rotation:
        return crtc
    size = setup.modes[mode]
    width, height = (size.height, size.width) if rotation in (2, 8) else (size.width, size.height)
    x, y = (crtc.x, crtc.y) if output.crtc else (_right(setup), 0)
    outputs = crtc.outputs if output.crtc else (output.id,)
    return Crtc(x, y, width, height, mode, rotation, crtc.rotations, outputs)


def _right(setup: Setup) -> int:
    return max((crtc.x + crtc.width for crtc in setup.crtcs.values() if crtc.mode), default=0)


def _root(setup: Setup, number: int, to: Crtc) -> tuple[int, int]:
    crtcs = [to, *(crtc for other, crtc in setup.crtcs.items() if other != number and crtc.mode)]
    return max(crtc.x + crtc.width for crtc in crtcs), max(crtc.y + crtc.height for crtc in crtcs)
