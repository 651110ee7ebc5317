"""Finds what other programs have on our display: a desktop is refused, a window over ours is put below ours.

A window manager or compositor can cover any window of ours. Without one, the lowest of our windows, the floor, hides
every window below it, also while no deck is on air.
"""

from Xlib import X, Xatom, error
from Xlib.display import Display as XDisplay

from player.platform.x11 import WindowOrder

_ADVICE = (
    "give the player its own X server (signage-display.service), or show it in a window of this desktop: "
    "`Xephyr :9 -screen 1280x720` and DISPLAY=:9"
)


def desktop_on(connection: XDisplay) -> str:
    """Return which desktop runs on this display and what to do instead; empty if there is none."""
    checks = _find_wayland, _find_window_manager, _find_compositor, _find_unnamed_manager
    who = next(filter(None, (check(connection) for check in checks)), "")
    return f"{who}: other windows would cover the content, and cuts would be visible; {_ADVICE}" if who else ""


def _find_wayland(connection: XDisplay) -> str:
    if connection.has_extension("XWAYLAND"):
        return "it is Xwayland, inside a Wayland desktop"
    if not connection.has_extension("RANDR"):
        return ""
    resources = connection.screen().root.xrandr_get_screen_resources_current()
    names = (connection.xrandr_get_output_info(number, resources.config_timestamp).name for number in resources.outputs)
    return "it is Xwayland, inside a Wayland desktop" if any(name.startswith("XWAYLAND") for name in names) else ""


def _find_window_manager(connection: XDisplay) -> str:
    """Find one by EWMH: the root window names a window that names itself; one that has ended left the first only."""
    check = connection.intern_atom("_NET_SUPPORTING_WM_CHECK")
    named = connection.screen().root.get_full_property(check, Xatom.WINDOW)
    if not named:
        return ""
    window = connection.create_resource_object("window", int(named.value[0]))
    try:
        alive = window.get_full_property(check, Xatom.WINDOW)
        name = window.get_full_property(connection.intern_atom("_NET_WM_NAME"), 0)
    except error.BadWindow:
        return ""
    title = bytes(name.value).decode(errors="replace") if name and isinstance(name.value, bytes) else "without a name"
    return f"the window manager {title} runs on it" if alive else ""


def _find_compositor(connection: XDisplay) -> str:
    selection = connection.intern_atom(f"_NET_WM_CM_S{connection.get_default_screen()}")
    return "a compositor runs on it" if connection.get_selection_owner(selection) else ""


def _find_unnamed_manager(connection: XDisplay) -> str:
    """Find a window manager without EWMH: the server lets only one client redirect the mapping of windows."""
    root, refused = connection.screen().root, error.CatchError(error.BadAccess)
    connection.grab_server()  # no other window may be mapped while we are that client
    root.change_attributes(event_mask=X.SubstructureRedirectMask, onerror=refused)
    root.change_attributes(event_mask=X.NoEventMask)
    connection.ungrab_server()
    connection.sync()
    return "a window manager without a name runs on it" if refused.get_error() else ""


def lower_foreign_windows(connection: XDisplay, order: WindowOrder) -> str:
    """Put each window that is over one of ours below all of ours; return the name of the topmost, empty if none."""
    if _find_window_manager(connection):  # on a desktop its user decides
        return ""
    foreign = order.foreign_over_ours()
    for window, _ in foreign:
        window.configure(error.CatchError(error.BadWindow), stack_mode=X.Below)
    connection.sync()
    return foreign[0][1] if foreign else ""
