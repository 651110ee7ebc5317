"""A display with a desktop is refused, with a reason and an exit code; one whose window manager ended is used."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from Xlib import X, Xatom
from Xlib.display import Display as XDisplay

from player.display import open_display
from sync.errors import ScreenFailed
from sync.runtime.clock import SystemClock
from tests.display import start_xvfb


@pytest.fixture(scope="module")
def desktop() -> Iterator[str]:
    with start_xvfb(320, 200) as name:
        yield name


@pytest.fixture
def manager(desktop: str) -> Iterator[Any]:
    """Do what every window manager does to be known: a window of its own, named by itself and by the root window."""
    connection = XDisplay(desktop)
    root = connection.screen().root
    window = root.create_window(-10, -10, 1, 1, 0, X.CopyFromParent)
    check, utf8 = connection.intern_atom("_NET_SUPPORTING_WM_CHECK"), connection.intern_atom("UTF8_STRING")
    for each in (root, window):
        each.change_property(check, Xatom.WINDOW, 32, [window.id])
    window.change_property(connection.intern_atom("_NET_WM_NAME"), utf8, 8, b"Tinywm")
    connection.sync()
    yield connection
    root.delete_property(check)
    connection.sync()  # a server that finds the connection closed does not read what came before
    connection.close()


def test_the_player_refuses_a_desktop_and_says_why(desktop: str, manager: Any, tmp_path: Path) -> None:
    variables = {"DISPLAY": desktop, "SIGNAGE_PLAYER__STORAGE__STATE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", "from player.app.cli import main; main(['run'])"]
    ended = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, timeout=60)
    assert ended.returncode == 4
    assert b"the window manager Tinywm runs on it" in ended.stderr and b"Xephyr" in ended.stderr


async def test_a_display_whose_window_manager_has_ended_is_used(desktop: str, manager: Any) -> None:
    stale = manager.screen().root.get_full_property(manager.intern_atom("_NET_SUPPORTING_WM_CHECK"), Xatom.WINDOW)
    manager.create_resource_object("window", int(stale.value[0])).destroy()
    manager.sync()
    async with open_display(desktop, SystemClock()) as display:
        assert display.state().answers


async def test_a_window_manager_without_ewmh_is_refused(desktop: str) -> None:
    connection = XDisplay(desktop)
    connection.screen().root.change_attributes(event_mask=X.SubstructureRedirectMask)
    connection.sync()
    with pytest.raises(ScreenFailed, match="a window manager without a name runs on it"):
        async with open_display(desktop, SystemClock()):
            pass
    connection.close()
    async with open_display(desktop, SystemClock()) as display:
        assert display.state().answers


async def test_a_compositor_is_refused(desktop: str) -> None:
    connection = XDisplay(desktop)
    window = connection.screen().root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
    window.set_selection_owner(connection.intern_atom("_NET_WM_CM_S0"), X.CurrentTime)
    connection.sync()
    with pytest.raises(ScreenFailed, match="a compositor runs on it"):
        async with open_display(desktop, SystemClock()):
            pass
    connection.close()
