"""Reads the facts of an X server for `signage-player doctor`, and changes nothing."""

from dataclasses import dataclass

from Xlib.display import Display as XDisplay

from player.display import randr
from player.display.foreign_windows import desktop_on
from player.display.outputs import RandrSetup, WantedOutput, arrange
from player.platform.geometry import Area
from player.platform.x11 import connect_x

NEEDED = ("Composite", "DAMAGE", "RANDR")
_KINDS = {
    "DUMMY": "Xorg with its dummy driver",
    "XWAYLAND": "Xwayland",
    "screen": "Xvfb",
    "default": "Xephyr, or Xorg with an old driver",
}


@dataclass(frozen=True, slots=True)
class OutputFacts:
    """One connector. `mode` is empty while it is off; `turns`: the server can rotate it."""

    name: str
    connected: bool
    mode: str
    refresh_hz: float
    turns: bool


@dataclass(frozen=True, slots=True)
class DisplayFacts:
    """An X server. A stage would fill `area`; `lacks` are missing extensions that the player needs."""

    name: str
    kind: str
    vendor: str
    depth: int
    area: Area
    refresh_hz: float
    output: str
    connected: bool | None
    outputs: tuple[OutputFacts, ...]
    lacks: tuple[str, ...]
    desktop: str
    problem: str


def inspect_display(name: str, wanted: WantedOutput) -> DisplayFacts:
    """Return the facts of X server `name`, and the effect of the settings on it.

    Raises:
        ScreenFailed: there is none, or it refuses the connection.
    """
    connection = connect_x(name)
    try:
        return _facts(connection, name, wanted)
    finally:
        connection.close()


def _facts(connection: XDisplay, name: str, wanted: WantedOutput) -> DisplayFacts:
    setup = randr.read_setup(connection)
    size = connection.screen().root.get_geometry()
    whole = RandrSetup(size.width, size.height, 0, (), {}, {})
    arrangement = arrange(setup or whole, wanted)
    outputs = tuple(_outputs(setup)) if setup else ()
    chosen = next((each for each in outputs if arrangement.output and each.name == arrangement.output.name), None)
    information = connection.display.info
    return DisplayFacts(
        name=name,
        kind=next((kind for start, kind in _KINDS.items() if outputs and outputs[0].name.startswith(start)), "Xorg"),
        vendor=f"{information.vendor} {information.release_number}",
        depth=connection.screen().root_depth,
        area=arrangement.area,
        refresh_hz=chosen.refresh_hz if chosen else 0.0,
        output=chosen.name if chosen else "",
        connected=chosen.connected if chosen else None,
        outputs=outputs,
        lacks=tuple(each for each in NEEDED if not connection.has_extension(each)),
        desktop=desktop_on(connection),
        problem=arrangement.problem,
    )


def _outputs(setup: RandrSetup) -> list[OutputFacts]:
    found = []
    for output in setup.outputs:
        crtc = setup.crtcs.get(output.crtc or next(iter(output.crtcs), 0))
        mode = setup.modes.get(crtc.mode) if crtc and output.crtc else None
        size = f"{mode.width}x{mode.height}" if mode else ""
        hertz = mode.refresh_hz if mode else 0.0
        found.append(OutputFacts(output.name, output.connected, size, hertz, bool(crtc and crtc.rotations & 14)))
    return found
