"""Which tracks of a file are the film: its default picture and its default sound, and never a cover."""

from collections.abc import Mapping, Sequence
from typing import Any

from sync.origin.transcode.film.track_timing import TrackTimes

Stream = Mapping[str, Any]
"""One stream of ffprobe's document."""

_COVERS = ("attached_pic", "timed_thumbnails", "still_image")
_FOR_SOME = ("comment", "visual_impaired", "hearing_impaired", "descriptions", "karaoke")
_ENCRYPTED_TAGS = frozenset({"encv", "enca", "enct", "drmi", "drms", "drmt"})  # ISO 23001-7, and Apple's


def pictures_of(document: Mapping[str, Any]) -> list[Stream]:
    """Return the tracks of moving pictures."""
    return [stream for stream in _of_type(document, "video") if not _has(stream, *_COVERS)]


def covers_of(document: Mapping[str, Any]) -> list[Stream]:
    """Return the embedded pictures."""
    return [stream for stream in _of_type(document, "video") if _has(stream, *_COVERS)]


def tracks_of(document: Mapping[str, Any], kind: str) -> set[int]:
    """Return the numbers of the tracks of a kind, in ffprobe's words: `video` or `audio`."""
    return {stream["index"] for stream in _of_type(document, kind)}


def choose_picture(document: Mapping[str, Any], times: Mapping[int, TrackTimes]) -> Stream | None:
    """Return the track of pictures that a player shows by itself.

    Of several default tracks it is the first; one that stands still counts only if no other moves.
    """
    usable = [
        stream
        for stream in pictures_of(document)
        if stream.get("codec_name") and stream.get("width") and stream["index"] in times
    ]
    return min(
        usable,
        key=lambda stream: (times[stream["index"]].packets < 2, not _has(stream, "default"), stream["index"]),
        default=None,
    )


def choose_sound(
    document: Mapping[str, Any], times: Mapping[int, TrackTimes], picture: Stream | None = None
) -> Stream | None:
    """Return the track of sound that a player plays by itself with this picture: of its programme, the default one.

    Tracks for some of the people only (comments, descriptions) count if there is no other.
    """
    usable = [stream for stream in _of_type(document, "audio") if stream.get("codec_name") and stream["index"] in times]
    programme = _programme_of(document, picture) if picture else ()
    return min(
        usable,
        key=lambda stream: (
            bool(programme) and stream["index"] not in programme,
            _has(stream, *_FOR_SOME),
            not _has(stream, "default"),
            stream["index"],
        ),
        default=None,
    )


def choose_subtitles(document: Mapping[str, Any], sound: Stream | None) -> Stream | None:
    """Return the forced subtitles that players show by themselves: in the language of the sound, else the first."""
    forced = [stream for stream in _of_type(document, "subtitle") if _has(stream, "forced")]
    language = _language(sound) if sound else ""
    return min(forced, key=lambda stream: (_language(stream) != language, stream["index"]), default=None)


def _language(stream: Stream) -> str:
    return str(stream.get("tags", {}).get("language", ""))


def is_encrypted(document: Mapping[str, Any]) -> bool:
    """Tell whether a track of pictures or sound can be decoded only with a key."""
    return any(
        stream.get("codec_tag_string") in _ENCRYPTED_TAGS
        or any("ncryption" in str(side.get("side_data_type")) for side in stream.get("side_data_list", ()))
        for stream in (*pictures_of(document), *_of_type(document, "audio"))
    )


def _of_type(document: Mapping[str, Any], kind: str) -> list[Stream]:
    return [stream for stream in document.get("streams", []) if stream.get("codec_type") == kind]


def _has(stream: Stream, *dispositions: str) -> bool:
    return any(stream.get("disposition", {}).get(name) for name in dispositions)


def _programme_of(document: Mapping[str, Any], picture: Stream) -> Sequence[int]:
    for programme in document.get("programs", []):
        members = [stream["index"] for stream in programme.get("streams", [])]
        if picture["index"] in members:
            return members
    return ()
