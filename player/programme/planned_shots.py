"""How this device shows a take: the scene with the settings of its screen, and the shot for a deck."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from player.programme.loudness import corrected_volume
from player.protocol.stage_interface import Shot
from sync.programme.next_take import Planned, Scene
from sync.wire.release import Fit, Item, MediaKind


@dataclass(frozen=True, slots=True)
class DeviceScene(Scene):
    """A scene on this device.

    `path` returns where the file of an asset is (empty: it is gone). `volume` is the device's, 0 to 100, until
    `volume_until`. All content is played as loud as `target_lufs` (None: as it is). `screen_fit` and `background` apply
    to items that name none.
    """

    volume: int
    volume_until: datetime
    target_lufs: float | None
    screen_fit: Fit
    background: str
    path: Callable[[str], str]

    def present(self, asset: str) -> bool:
        """Return whether an asset or stream may be shown, and is on this device."""
        return self.playable(asset) and (asset in self.streams or bool(self.path(asset)))


@dataclass(frozen=True, slots=True)
class PlannedShot(Planned):
    """The next take, and the shot that shows it; `shot.volume` is what is heard at first."""

    shot: Shot


def with_shot(scene: DeviceScene, planned: Planned, *, longest_ms: int | None = None) -> PlannedShot:
    """Return a planned take with its shot. `longest_ms` ends one that has no end of its own, such as a stream."""
    shot = _shot(scene, planned)
    if planned.take.expected_ms is None and longest_ms is not None:
        shot = shot.model_copy(update={"duration_ms": longest_ms})
    return PlannedShot(
        take=planned.take,
        content=planned.content,
        programme=planned.programme,
        memory=planned.memory,
        ends_with_daypart=planned.ends_with_daypart,
        shot=shot,
    )


def take_volume(scene: DeviceScene, planned: Planned) -> int:
    """Return the volume a take has to have now, 0 to 100."""
    asset = scene.assets.get(planned.take.asset)
    return corrected_volume(
        planned.content.volume, scene.volume, asset.loudness_lufs if asset else None, scene.target_lufs
    )


def _shot(scene: DeviceScene, planned: Planned) -> Shot:
    content = planned.content
    asset, stream = scene.assets.get(content.asset), scene.streams.get(content.asset)
    kind = asset.kind if asset else MediaKind.STREAM
    loop = isinstance(content, Item) and content.loop and content.duration_ms is not None and kind is MediaKind.VIDEO
    return Shot(
        take=planned.take.take,
        path=scene.path(content.asset) if asset else "",
        url=stream.url if stream else None,
        kind=kind,
        duration_ms=content.duration_ms or (scene.picture_ms if kind is MediaKind.PICTURE else None),
        length_ms=asset.duration_ms if asset and kind is MediaKind.VIDEO else None,
        loop=loop,
        fit=content.fit or scene.screen_fit,
        background=content.background or scene.background,
        volume=take_volume(scene, planned),
    )
