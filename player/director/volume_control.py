"""Keeps what is on air as loud as it should be now: a change of settings or a quiet hour is heard at once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from player.director.air_state import Showing, State
from player.director.scene_loader import SceneLoader
from player.programme.planner import Scene, take_volume
from player.protocol.screen import Screen
from sync.runtime.clock import Clock
from sync.runtime.waiting import wait_unless

_LOOK_AGAIN = timedelta(minutes=1)  # the wall clock may be set


class VolumeControl:
    """A service; `edge` is called when the screen's volume changed by the hour, so that the next take is made anew."""

    def __init__(
        self, screen: Screen, scenery: SceneLoader, state: Callable[[], State], clock: Clock, edge: Callable[[], None]
    ) -> None:
        self._screen = screen
        self._scenery = scenery
        self._state = state
        self._clock = clock
        self._edge = edge
        self._nudge = asyncio.Event()
        self._told = ("", 0)  # a take, and the volume it has

    def wake(self) -> None:
        """Look again: the settings changed, or another take is on."""
        self._nudge.set()

    async def run(self) -> None:
        """Work until cancelled."""
        volume: int | None = None
        while True:
            self._nudge.clear()
            scene, rest_s = await self._scenery.load(), _LOOK_AGAIN.total_seconds()
            if scene is not None:
                self._tune(scene)
                if volume not in (None, scene.volume):
                    self._edge()
                volume = scene.volume
                rest_s = min(rest_s, (scene.volume_until - self._clock.now()).total_seconds())
            await wait_unless(self._nudge.wait(), self._clock.sleep(max(0.05, rest_s)))

    def _tune(self, scene: Scene) -> None:
        state = self._state()
        if not isinstance(state, Showing):
            return
        shot, volume = state.planned.shot, take_volume(scene, state.planned)
        if self._told[0] != shot.take:
            self._told = (shot.take, shot.volume)
        if self._told[1] != volume:
            self._screen.set_volume(shot.take, volume)
            self._told = (shot.take, volume)
