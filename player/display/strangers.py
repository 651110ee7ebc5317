"""Windows of other programs that lie over ours, such as a dialogue of something else on this X server: put below.

The lowest of ours is the floor, so that nothing is seen of them even where no deck is on air.

Where a window manager is at work there is a desktop, and what lies on top is the business of who sits there.
"""

from collections.abc import Iterable
from typing import Any

from Xlib import X, Xatom, error

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
