"""Finds what other programs put on our display: a desktop is refused, a window over ours is put below them.

Under a window manager or compositor no picture is ours alone. Elsewhere the lowest of our windows is the floor:
what lies below it is not seen, even where no deck is on air.
"""

from collections.abc import Iterable
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


OURS = "signage-player "
"""The names of all our windows begin so."""

_NAMELESS = "without a name"
_LONGEST_NAME = 60


def lower_strangers(connection: Any) -> str:
    """Put what lies over any window of ours below all of them; return the name of the topmost, empty for none."""
    root = connection.screen().root
    if root.get_full_property(connection.intern_atom("_NET_SUPPORTING_WM_CHECK"), Xatom.WINDOW):
        return ""
    above: list[tuple[Any, str]] = []
    names: list[str] = []
    for window in reversed(root.query_tree().children):  # the topmost first
        name = _name_if_seen(window, root)
        if name is None:
            continue
        if name.startswith(OURS):
            names += [stranger for _, stranger in above]
            _lower(window for window, _ in above)
            above = []
        else:
            above.append((window, name))
    connection.sync()
    return names[0] if names else ""


def _name_if_seen(window: Any, root: Any) -> str | None:
    """Return what a window calls itself; None if nobody can see it, or it just went."""
    try:
        attributes, place, screen = window.get_attributes(), window.get_geometry(), root.get_geometry()
        if attributes.win_class != X.InputOutput or attributes.map_state != X.IsViewable:
            return None
        across = -place.width < place.x < screen.width
        down = -place.height < place.y < screen.height
        if not (across and down):
            return None
        name = str(window.get_wm_name() or _NAMELESS)
        return "".join(letter for letter in name if letter.isprintable())[:_LONGEST_NAME]
    except (error.BadWindow, error.BadDrawable):
        return None


def _lower(windows: Iterable[Any]) -> None:
    for window in windows:
        window.configure(error.CatchError(error.BadWindow), stack_mode=X.Below)
