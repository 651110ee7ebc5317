"""RandR over one connection: reads the setup of the outputs, changes it, and subscribes to its events."""

import logging
from typing import Any

from Xlib import X, error
from Xlib.display import Display as XDisplay
from Xlib.ext import randr

from player.display.outputs import Crtc, Mode, Output, OutputChange, RandrSetup

log = logging.getLogger(__name__)

_CONNECTED = 0
_OFF, _UPRIGHT = 0, 1
_MM_PER_PIXEL = 25.4 / 96


def subscribe(connection: XDisplay) -> None:
    """Have the server send events of changed sizes, modes and plugs; without RandR, of its size only."""
    root = connection.screen().root
    root.change_attributes(event_mask=X.StructureNotifyMask)
    if connection.has_extension("RANDR"):
        connection.xrandr_query_version()
        mask = randr.RRScreenChangeNotifyMask | randr.RRCrtcChangeNotifyMask | randr.RROutputChangeNotifyMask
        root.xrandr_select_input(mask)


def read_setup(connection: XDisplay) -> RandrSetup | None:
    """Return the setup of the outputs; None where the server has no RandR."""
    if not connection.has_extension("RANDR"):
        return None
    root = connection.screen().root
    size = root.get_geometry()
    resources = root.xrandr_get_screen_resources_current()
    if not resources.outputs:  # Xephyr finds them only with this request
        resources = root.xrandr_get_screen_resources()
    stamp = resources.config_timestamp
    outputs = tuple(
        _to_output(number, connection.xrandr_get_output_info(number, stamp)) for number in resources.outputs
    )
    crtcs = {number: _to_crtc(connection.xrandr_get_crtc_info(number, stamp)) for number in _usable_crtcs(outputs)}
    modes = {mode.id: _to_mode(mode) for mode in resources.modes}
    primary = int(root.xrandr_get_output_primary().output)
    return RandrSetup(size.width, size.height, primary, outputs, crtcs, modes)


def _usable_crtcs(outputs: tuple[Output, ...]) -> set[int]:
    """Return the CRTCs that are in use, and those that connected outputs could use."""
    used = {output.crtc for output in outputs if output.crtc}
    return used | {crtc for output in outputs if output.connected for crtc in output.crtcs}


def _to_output(number: int, info: Any) -> Output:
    return Output(
        int(number), str(info.name), info.connection == _CONNECTED, int(info.crtc), tuple(info.crtcs),
        tuple(info.modes),
    )  # fmt: skip


def _to_crtc(info: Any) -> Crtc:
    return Crtc(
        info.x, info.y, info.width, info.height, int(info.mode), info.rotation, info.possible_rotations,
        tuple(info.outputs),
    )  # fmt: skip


def _to_mode(mode: Any) -> Mode:
    pixels = mode.h_total * mode.v_total
    return Mode(mode.width, mode.height, round(mode.dot_clock / pixels, 2) if pixels else 0.0)


def apply_change(connection: XDisplay, change: OutputChange, before: RandrSetup) -> str:
    """Set CRTCs and the size of the root window; return why the server refused, empty if it did not.

    If it refuses, all is set to `before` again, so that the screen does not stay dark.
    """
    resize = (before.width, before.height) != (change.width, change.height)
    problem = _set_crtcs(connection, change, resize=resize)
    if problem:
        crtcs = {number: before.crtcs[number] for number in change.crtcs}
        _set_crtcs(connection, OutputChange(crtcs, before.width, before.height), resize=resize)
    return problem


def _set_crtcs(connection: XDisplay, change: OutputChange, *, resize: bool) -> str:
    stamp = connection.screen().root.xrandr_get_screen_resources_current().config_timestamp
    try:
        if resize:
            for number in change.crtcs:
                connection.xrandr_set_crtc_config(number, stamp, 0, 0, _OFF, _UPRIGHT, [])
            _resize(connection, change.width, change.height)
        for number, crtc in change.crtcs.items():
            values = crtc.x, crtc.y, crtc.mode, crtc.rotation, list(crtc.outputs)
            answer = connection.xrandr_set_crtc_config(number, stamp, *values)
            if answer.status:
                return f"the X server refuses this setup of the output (status {answer.status})"
    except error.XError as failure:
        log.warning("setup of the output refused: %s", failure)
        return "the X server refuses this setup of the output"
    return ""


def _resize(connection: XDisplay, width: int, height: int) -> None:
    """Set the size of the root window; a server whose root window follows the mode may refuse, which is no error."""
    randr.SetScreenSize(
        display=connection.display, onerror=error.CatchError(), window=connection.screen().root,
        opcode=connection.display.get_extension_major(randr.extname), width=width, height=height,
        width_in_millimeters=round(width * _MM_PER_PIXEL), height_in_millimeters=round(height * _MM_PER_PIXEL),
    )  # fmt: skip
