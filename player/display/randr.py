"""RandR over one connection: read how outputs are driven, drive one differently, and hear that something changed."""

from typing import Any

from Xlib import X, error
from Xlib.ext import randr

from player.display.outputs import Change, Crtc, Mode, Output, Setup

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


def apply(connection: Any, change: Change) -> str:
    """Drive a CRTC as said, and give the root window its size; return why the server refused, empty if it did not."""
    root = connection.screen().root
    stamp = root.xrandr_get_screen_resources_current().config_timestamp
    size = root.get_geometry()
    try:
        if (size.width, size.height) != (change.width, change.height):
            connection.xrandr_set_crtc_config(change.crtc, stamp, 0, 0, _OFF, _UPRIGHT, [])
            millimetres = (round(change.width * _MM_PER_PIXEL), round(change.height * _MM_PER_PIXEL))
            root.xrandr_set_screen_size(change.width, change.height, *millimetres)
        to = change.to
        answer = connection.xrandr_set_crtc_config(
            change.crtc, stamp, to.x, to.y, to.mode, to.rotation, list(to.outputs)
        )
        connection.sync()
    except error.XError as problem:
        return f"the X server refuses to drive the output so: {problem}"
    return "" if answer.status == 0 else f"the X server refuses to drive the output so (status {answer.status})"
