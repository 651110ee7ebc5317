"""RandR over one connection: read how outputs are driven, drive one differently, and hear that something changed."""

import logging
from typing import Any

from Xlib import X, error
from Xlib.ext import randr

from player.display.outputs import Crtc, Mode, Output, OutputChange, Setup

log = logging.getLogger(__name__)

_PLUGGED_IN = 0  # RandR's word for connected
_OFF, _UPRIGHT = 0, 1
_MM_PER_PIXEL = 25.4 / 96


def listen(connection: Any) -> None:
    """Have the server tell of changed sizes, modes and plugs; a server without RandR tells of its size."""
    root = connection.screen().root
    root.change_attributes(event_mask=X.StructureNotifyMask)
    if connection.has_extension("RANDR"):
        connection.xrandr_query_version()
        wanted = randr.RRScreenChangeNotifyMask | randr.RRCrtcChangeNotifyMask | randr.RROutputChangeNotifyMask
        root.xrandr_select_input(wanted)


def read(connection: Any) -> Setup | None:
    """Return how outputs are driven; None where the server has no RandR."""
    if not connection.has_extension("RANDR"):
        return None
    root = connection.screen().root
    size = root.get_geometry()
    found = root.xrandr_get_screen_resources_current()
    if not found.outputs:  # Xephyr looks for them when it is asked to
        found = root.xrandr_get_screen_resources()
    stamp = found.config_timestamp
    outputs = tuple(_output(number, connection.xrandr_get_output_info(number, stamp)) for number in found.outputs)
    crtcs = {number: _crtc(connection.xrandr_get_crtc_info(number, stamp)) for number in _of(outputs)}
    modes = {mode.id: _mode(mode) for mode in found.modes}
    primary = int(root.xrandr_get_output_primary().output)
    return Setup(size.width, size.height, primary, outputs, crtcs, modes)


def _of(outputs: tuple[Output, ...]) -> set[int]:
    """Return the CRTCs that matter: those in use, and those connected outputs could use."""
    used = {output.crtc for output in outputs if output.crtc}
    return used | {crtc for output in outputs if output.connected for crtc in output.crtcs}


def _output(number: int, info: Any) -> Output:
    return Output(
        int(number), str(info.name), info.connection == _PLUGGED_IN, int(info.crtc), tuple(info.crtcs),
        tuple(info.modes),
    )  # fmt: skip


def _crtc(info: Any) -> Crtc:
    return Crtc(
        info.x, info.y, info.width, info.height, int(info.mode), info.rotation, info.possible_rotations,
        tuple(info.outputs),
    )  # fmt: skip


def _mode(mode: Any) -> Mode:
    dots = mode.h_total * mode.v_total
    return Mode(mode.width, mode.height, round(mode.dot_clock / dots, 2) if dots else 0.0)


def apply(connection: Any, change: OutputChange, before: Setup) -> str:
    """Drive CRTCs as said, and give the root window its size; return why the server refused, empty if it did not.

    What it refuses leaves all `before`: a size it cannot have must not be a dark screen.
    """
    resize = (before.width, before.height) != (change.width, change.height)
    problem = _drive(connection, change, resize=resize)
    if problem:
        crtcs = {number: before.crtcs[number] for number in change.crtcs}
        _drive(connection, OutputChange(crtcs, before.width, before.height), resize=resize)
    return problem


def _drive(connection: Any, change: OutputChange, *, resize: bool) -> str:
    stamp = connection.screen().root.xrandr_get_screen_resources_current().config_timestamp
    try:
        if resize:
            for number in change.crtcs:
                connection.xrandr_set_crtc_config(number, stamp, 0, 0, _OFF, _UPRIGHT, [])
            _resize(connection, change.width, change.height)
        for number, to in change.crtcs.items():
            place = to.x, to.y, to.mode, to.rotation, list(to.outputs)
            answer = connection.xrandr_set_crtc_config(number, stamp, *place)
            if answer.status:
                return f"the X server refuses to drive the output so (status {answer.status})"
    except error.XError as problem:
        log.warning("output refused: %s", problem)
        return "the X server refuses to drive the output so"
    return ""


def _resize(connection: Any, width: int, height: int) -> None:
    """Set the size of the root window; a server that ties it to the mode may refuse, and has it follow by itself."""
    randr.SetScreenSize(
        display=connection.display, onerror=error.CatchError(), window=connection.screen().root,
        opcode=connection.display.get_extension_major(randr.extname), width=width, height=height,
        width_in_millimeters=round(width * _MM_PER_PIXEL), height_in_millimeters=round(height * _MM_PER_PIXEL),
    )  # fmt: skip
