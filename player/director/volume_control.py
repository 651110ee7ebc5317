"""Sets the volume of the take on air: a change of settings or a quiet hour is heard at once."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from player.director.air_state import AirState, Showing
from player.director.scene_loader import SceneLoader
from player.programme.planned_shots import DeviceScene, take_volume
from player.protocol.stage_interface import Screen
from sync.runtime.clock import Clock
from sync.runtime.waiting import wait_unless

_CHECK_AGAIN = timedelta(minutes=1)  # the wall clock may be set


class VolumeControl:
    """A service; `changed` is called when the screen's volume changes by the hour, to plan the next take again."""

    def __init__(
        self,
        screen: Screen,
        scenes: SceneLoader,
        state: Callable[[], AirState],
        clock: Clock,
        changed: Callable[[], None],
    ) -> None:
        self._screen = screen
        self._scenes = scenes
        self._state = state
        self._clock = clock
        self._changed = changed
        self._woken = asyncio.Event()
        self._set = ("", 0)  # a take, and the volume it has

    def wake(self) -> None:
        """Check again: the settings changed, or another take is on."""
        self._woken.set()

    async def run(self) -> None:
        """Work until cancelled."""
        volume: int | None = None
        while True:
            self._woken.clear()
            scene, rest_s = await self._scenes.load(), _CHECK_AGAIN.total_seconds()
            if scene is not None:
                self._set_volume(scene)
                if volume not in (None, scene.volume):
                    self._changed()
                volume = scene.volume
                rest_s = min(rest_s, (scene.volume_until - self._clock.now()).total_seconds())
            await wait_unless(self._woken.wait(), self._clock.sleep(max(0.05, rest_s)))

    def _set_volume(self, scene: DeviceScene) -> None:
        state = self._state()
        if not isinstance(state, Showing):
            return
        shot, volume = state.planned.shot, take_volume(scene, state.planned)
        if self._set[0] != shot.take:
            self._set = (shot.take, shot.volume)
        if self._set[1] != volume:
            self._screen.set_volume(shot.take, volume)
            self._set = (shot.take, volume)
