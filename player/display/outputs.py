"""Which output the stage fills, in which mode and rotation: pure decisions over the setup that RandR reports.

The stage fills one output. An output that the server mirrors shows the same; any other one is black.
"""

from dataclasses import dataclass, replace

from player.platform.geometry import Area, Turn

_UPRIGHT = 1
_ROTATIONS: dict[Turn, int] = {0: _UPRIGHT, 90: 8, 180: 4, 270: 2}  # RandR counts counter-clockwise
_ALL_ROTATIONS = 15  # the higher bits are reflections


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """What the settings ask for: an output by name (empty: the primary, else the first connected), and a rotation."""

    output: str = ""
    rotation: Turn = 0


@dataclass(frozen=True, slots=True)
class Mode:
    """A size in pixels and a refresh rate."""

    width: int
    height: int
    refresh_hz: float


@dataclass(frozen=True, slots=True)
class Output:
    """A connector; `crtc` 0: it is off. `modes` are those of its monitor, the preferred ones first."""

    id: int
    name: str
    connected: bool
    crtc: int
    crtcs: tuple[int, ...]
    modes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Crtc:
    """The source of one or more outputs: a part of the root window, in a mode (0: off), in one of `rotations`."""

    x: int
    y: int
    width: int
    height: int
    mode: int
    rotation: int
    rotations: int
    outputs: tuple[int, ...]

    @property
    def region(self) -> tuple[int, int, int, int]:
        """The part of the root window: left, top, width, height."""
        return self.x, self.y, self.width, self.height


@dataclass(frozen=True, slots=True)
class RandrSetup:
    """The whole RandR configuration of a server."""

    width: int
    height: int
    primary: int
    outputs: tuple[Output, ...]
    crtcs: dict[int, Crtc]
    modes: dict[int, Mode]


@dataclass(frozen=True, slots=True)
class OutputChange:
    """The CRTCs to set, and the size of the root window after that."""

    crtcs: dict[int, Crtc]
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Arrangement:
    """What the stage fills, the change needed for that (None: no change), and what is wrong with the settings."""

    area: Area
    output: Output | None
    change: OutputChange | None
    problem: str = ""


def arrange(setup: RandrSetup, wanted: WantedOutput) -> Arrangement:
    """Choose the output, a mode of its monitor, and whether the server or libVLC rotates."""
    output = _choose_output(setup, wanted.output)
    found = not wanted.output or (output and output.name == wanted.output)
    problem = "" if found else _missing_output_text(setup, wanted.output)
    if output is None:
        return Arrangement(Area(width=setup.width, height=setup.height, turn=wanted.rotation), None, None, problem)
    number = output.crtc or _free_crtc(setup, output)
    crtc = setup.crtcs.get(number)
    mode = _choose_mode(output, crtc)
    if crtc is None or not mode:
        return Arrangement(Area(width=setup.width, height=setup.height, turn=wanted.rotation), output, None, problem)
    server_rotates = bool(crtc.rotations & _ROTATIONS[wanted.rotation])
    rotation = _ROTATIONS[wanted.rotation] if server_rotates else _UPRIGHT
    change = _plan_change(setup, number, output, mode, rotation)
    new = change.crtcs[number] if change else crtc
    area = Area(width=new.width, height=new.height, x=new.x, y=new.y, turn=0 if server_rotates else wanted.rotation)
    return Arrangement(area, output, change, problem)


def _choose_output(setup: RandrSetup, name: str) -> Output | None:
    """Return the output of that name if it is usable, else the primary, the first connected, or the first active."""
    active = [output for output in setup.outputs if output.crtc]
    connected = [output for output in setup.outputs if output.connected]
    primary = [output for output in connected if output.id == setup.primary]
    named = [output for output in (*connected, *active) if output.name == name]
    return next(iter((*named, *primary, *connected, *active)), None)


def _missing_output_text(setup: RandrSetup, name: str) -> str:
    if any(output.name == name for output in setup.outputs):
        return f"display.output is {name!r}, to which no monitor is plugged in"
    names = ", ".join(f"{output.name}{'' if output.connected else ' (unplugged)'}" for output in setup.outputs)
    return f"display.output is {name!r}, which this display does not have; it has {names or 'none'}"


def _free_crtc(setup: RandrSetup, output: Output) -> int:
    return next((number for number in output.crtcs if number in setup.crtcs and not setup.crtcs[number].mode), 0)


def _choose_mode(output: Output, crtc: Crtc | None) -> int:
    """Return the present mode if its monitor has that, or if it is unplugged; else the preferred mode."""
    present = crtc.mode if crtc and output.crtc else 0
    if present in output.modes or not output.connected:
        return present
    return output.modes[0] if output.modes else present


def _plan_change(setup: RandrSetup, number: int, output: Output, mode: int, rotation: int) -> OutputChange | None:
    """Return the change to that mode and rotation: CRTCs that mirror this one follow, the others stay beside it."""
    crtc = setup.crtcs[number]
    if output.crtc and mode == crtc.mode and crtc.rotation & _ALL_ROTATIONS == rotation:
        return None
    size = setup.modes[mode]
    width, height = (size.height, size.width) if rotation in (2, 8) else (size.width, size.height)
    new = replace(crtc, width=width, height=height, mode=mode, rotation=rotation, outputs=crtc.outputs or (output.id,))
    others = {each: other for each, other in setup.crtcs.items() if other.mode and each != number}
    mirrors = {
        each: replace(other, width=width, height=height, rotation=rotation)
        for each, other in others.items()
        if output.crtc and mode == crtc.mode and other.region == crtc.region and other.rotations & rotation
    }
    beside = [other for each, other in others.items() if each not in mirrors]
    if not output.crtc or any(_overlap(new, other) for other in beside):
        new, mirrors = replace(new, x=max((other.x + other.width for other in others.values()), default=0), y=0), {}
        beside = list(others.values())
    shown = [new, *beside, *mirrors.values()]
    right, bottom = max(each.x + each.width for each in shown), max(each.y + each.height for each in shown)
    return OutputChange({number: new, **mirrors}, right, bottom)


def _overlap(first: Crtc, second: Crtc) -> bool:
    overlap_x = first.x < second.x + second.width and second.x < first.x + first.width
    return overlap_x and first.y < second.y + second.height and second.y < first.y + first.height
