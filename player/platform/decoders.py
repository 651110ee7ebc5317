"""The hardware decoders of this machine that libVLC can use; found by file names, in a millisecond."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Decoding = Literal["auto", "on", "off"]
"""Whether libVLC may decode in hardware; `auto`: if there is a decoder it can use."""

_VAAPI_PLUGINS = re.compile(r"libvaapi(_drm)?_plugin\.so")
_V4L2_PLUGINS = re.compile(r"lib(drm_avcodec|v4l2m2m|mmal_codec)\w*_plugin\.so")  # of systems built for one board
_V4L2_DECODERS = re.compile(r"decode|-dec\b|rpivid|hantro|rkvdec|cedrus|meson-vdec|venus", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Decoders:
    """What was found: GPUs and drivers for VA-API, decoder names for V4L2, and libVLC's plug-ins for either."""

    gpus: tuple[str, ...] = ()
    drivers: tuple[str, ...] = ()
    v4l2: tuple[str, ...] = ()
    plugins: tuple[str, ...] = ()

    @property
    def vaapi(self) -> bool:
        """Whether there are a GPU, a driver and a libVLC plug-in for VA-API."""
        return bool(self.gpus and self.drivers and any(_VAAPI_PLUGINS.fullmatch(name) for name in self.plugins))

    @property
    def memory_to_memory(self) -> bool:
        """Whether there are a decoder and a libVLC plug-in for V4L2."""
        return bool(self.v4l2 and any(_V4L2_PLUGINS.fullmatch(name) for name in self.plugins))

    @property
    def usable(self) -> bool:
        """Whether libVLC can decode anything in hardware here."""
        return self.vaapi or self.memory_to_memory


def find_decoders(root: Path = Path("/")) -> Decoders:
    """Find the decoders of this machine by its files below `root`."""
    libraries = [*(root / "usr/lib").glob("*-linux-gnu*"), root / "usr/lib"]
    plugins = (path.name for folder in libraries for path in (folder / "vlc/plugins").glob("*/*.so"))
    return Decoders(
        gpus=tuple(sorted(path.name for path in (root / "dev/dri").glob("renderD*"))),
        drivers=tuple(sorted({path.name for folder in libraries for path in (folder / "dri").glob("*_drv_video.so")})),
        v4l2=tuple(sorted(_v4l2_decoders(root / "sys/class/video4linux"))),
        plugins=tuple(sorted(name for name in plugins if _VAAPI_PLUGINS.match(name) or _V4L2_PLUGINS.match(name))),
    )


def uses_hardware(setting: Decoding, decoders: Decoders) -> bool:
    """Tell whether the setting means hardware decoding on this machine."""
    return setting == "on" or (setting == "auto" and decoders.usable)


def _v4l2_decoders(folder: Path) -> Iterator[str]:
    for path in folder.glob("video*/name"):
        try:
            name = path.read_text().strip()
        except OSError:
            continue  # it was unplugged meanwhile
        if _V4L2_DECODERS.search(name):
            yield name
