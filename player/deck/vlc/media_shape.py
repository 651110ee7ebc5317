"""The shape in which people are to see a media, from libVLC's list of its tracks."""

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import vlc

_VIDEO = 1  # libvlc_track_type_t
_TS_PACKET, _TS_SYNC = 188, b"G"
_TRANSPOSED = 4  # of libvlc_video_orient_t: this one and those above change width and height


@dataclass(frozen=True, slots=True)
class MediaShape:
    """Width and height of the upright picture in square pixels; `transposed`: it is stored with a quarter turn."""

    width: int
    height: int
    transposed: bool = False


def tells_its_shape_late(path: str) -> bool:
    """Tell whether only the pictures of a film state its shape (MPEG-TS).

    libVLC may show the first of them unscaled until it begins to play, up to 0.8 s later.
    """
    try:
        with Path(path).open("rb") as file:
            head = file.read(_TS_PACKET + 1)
    except OSError:
        return False
    return head[:1] == head[_TS_PACKET:] == _TS_SYNC


def shape_of(media: Any) -> MediaShape | None:
    """Return the shape of the first picture track; None while it is unknown, and without such a track."""
    found = ctypes.POINTER(vlc.MediaTrack)()  # python-vlc declares one pointer less than libVLC's `***`
    count = vlc.libvlc_media_tracks_get(media, ctypes.byref(found)) if media else 0
    if not count:
        return None
    tracks = ctypes.cast(found, ctypes.POINTER(ctypes.POINTER(vlc.MediaTrack)))
    try:
        shapes = [_shape(tracks[number].contents) for number in range(count)]
    finally:
        vlc.libvlc_media_tracks_release(tracks, count)
    return next((shape for shape in shapes if shape), None)


def _shape(track: Any) -> MediaShape | None:
    if int(track.type.value) != _VIDEO or not track.audio:
        return None
    # In libVLC it is a union, of which python-vlc makes three fields.
    video = ctypes.cast(track.audio, ctypes.POINTER(vlc.VideoTrack)).contents
    if not video.width or not video.height:
        return None
    across, down = max(1, video.sar_num), max(1, video.sar_den)
    width, height = max(1, round(video.width * across / down)), int(video.height)
    if int(video.orientation.value) < _TRANSPOSED:
        return MediaShape(width, height)
    return MediaShape(height, width, transposed=True)
