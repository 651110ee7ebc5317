"""Tells a desktop from a display of our own: under a window manager or compositor no picture is ours alone."""

from typing import Any

from Xlib import X, Xatom, error

_ADVICE = (
    "give the player an X server of its own (signage-display.service), or look at it in a window of this desktop: "
    "`Xephyr :9 -screen 1280x720` and DISPLAY=:9"
)


def desktop_on(connection: Any) -> str:
    """Say which desktop runs on this display and what to do instead; empty when there is none."""
    who = _wayland(connection) or _window_manager(connection) or _compositor(connection) or _redirector(connection)
    return f"{who}: windows would come over the content, and cuts would be seen; {_ADVICE}" if who else ""


def _wayland(connection: Any) -> str:
    if connection.has_extension("XWAYLAND"):
        return "it is Xwayland, inside a Wayland desktop"
    if not connection.has_extension("RANDR"):
        return ""
    found = connection.screen().root.xrandr_get_screen_resources_current()
    names = (connection.xrandr_get_output_info(number, found.config_timestamp).name for number in found.outputs)
    return "it is Xwayland, inside a Wayland desktop" if any(name.startswith("XWAYLAND") for name in names) else ""


def _window_manager(connection: Any) -> str:
    """Find one as EWMH says: the root window names a window that names itself; one that is gone left only the first."""
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
    said = bytes(name.value).decode(errors="replace") if name and isinstance(name.value, bytes) else "of no name"
    return f"the window manager {said} runs on it" if alive else ""


def _compositor(connection: Any) -> str:
    selection = connection.intern_atom(f"_NET_WM_CM_S{connection.get_default_screen()}")
    return "a compositor runs on it" if connection.get_selection_owner(selection) else ""


def _redirector(connection: Any) -> str:
    """Find a window manager that says nothing of itself: only one client may be asked before windows are mapped."""
    root, refused = connection.screen().root, error.CatchError(error.BadAccess)
    connection.grab_server()  # nobody else's window may be mapped while we are the one
    root.change_attributes(event_mask=X.SubstructureRedirectMask, onerror=refused)
    root.change_attributes(event_mask=X.NoEventMask)
    connection.ungrab_server()
    connection.sync()
    return "a window manager of no name runs on it" if refused.get_error() else ""
