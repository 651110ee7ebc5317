"""Which output the stage fills, in which mode and turned how: pure decisions over what RandR says.

The stage fills one output. Others show the same where the server mirrors them, else what stands on their part of the
root window: black.
"""

from dataclasses import dataclass, replace

from player.platform.geometry import Area, Turn

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

    @property
    def place(self) -> tuple[int, int, int, int]:
        """Which part of the root window: left, top, width, height."""
        return self.x, self.y, self.width, self.height


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
class OutputChange:
    """CRTCs to be set, and the size the root window has then."""

    crtcs: dict[int, Crtc]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the stage fills, how it gets so (None: it is so), and what is wrong with what the settings ask for."""

    area: Area
    output: Output | None
    change: OutputChange | None
    problem: str = ""


def arrange(setup: Setup, wanted: Wanted) -> Arrangement:
    """Choose the output, drive it with a mode of its own if it is not, and have it turned by the server or by us."""
    output = _chosen(setup, wanted.output)
    problem = "" if not wanted.output or (output and output.name == wanted.output) else _missing(setup, wanted.output)
    if output is None:
        return Arrangement(Area(width=setup.width, height=setup.height, turn=wanted.rotation), None, None, problem)
    number = output.crtc or _free(setup, output)
    crtc = setup.crtcs.get(number)
    mode = _mode(output, crtc)
    if crtc is None or not mode:
        return Arrangement(Area(width=setup.width, height=setup.height, turn=wanted.rotation), output, None, problem)
    offered = bool(crtc.rotations & _ROTATIONS[wanted.rotation])
    rotation = _ROTATIONS[wanted.rotation] if offered else _UPRIGHT
    change = _change(setup, number, output, mode, rotation)
    to = change.crtcs[number] if change else crtc
    area = Area(width=to.width, height=to.height, x=to.x, y=to.y, turn=0 if offered else wanted.rotation)
    return Arrangement(area, output, change, problem)


def _chosen(setup: Setup, name: str) -> Output | None:
    """Return the output of that name if anything can be sent there, else the primary, the first connected or driven."""
    driven = [output for output in setup.outputs if output.crtc]
    connected = [output for output in setup.outputs if output.connected]
    primary = [output for output in connected if output.id == setup.primary]
    named = [output for output in (*connected, *driven) if output.name == name]
    return next(iter((*named, *primary, *connected, *driven)), None)


def _missing(setup: Setup, name: str) -> str:
    if any(output.name == name for output in setup.outputs):
        return f"display.output is {name!r}, to which no monitor is plugged in"
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


def _change(setup: Setup, number: int, output: Output, mode: int, rotation: int) -> OutputChange | None:
    """Return how that CRTC comes to be so driven, beside all others or together with those that mirror it."""
    crtc = setup.crtcs[number]
    if output.crtc and mode == crtc.mode and crtc.rotation & _ALL_ROTATIONS == rotation:
        return None
    size = setup.modes[mode]
    width, height = (size.height, size.width) if rotation in (2, 8) else (size.width, size.height)
    to = replace(crtc, width=width, height=height, mode=mode, rotation=rotation, outputs=crtc.outputs or (output.id,))
    others = {each: other for each, other in setup.crtcs.items() if other.mode and each != number}
    mirrors = {
        each: replace(other, width=width, height=height, rotation=rotation)
        for each, other in others.items()
        if output.crtc and mode == crtc.mode and other.place == crtc.place and other.rotations & rotation
    }
    beside = [other for each, other in others.items() if each not in mirrors]
    if not output.crtc or any(_overlap(to, other) for other in beside):
        to, mirrors = replace(to, x=max((other.x + other.width for other in others.values()), default=0), y=0), {}
        beside = list(others.values())
    shown = [to, *beside, *mirrors.values()]
    right, foot = max(each.x + each.width for each in shown), max(each.y + each.height for each in shown)
    return OutputChange({number: to, **mirrors}, right, foot)


def _overlap(one: Crtc, other: Crtc) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    return across and one.y < other.y + other.height and other.y < one.y + one.height
