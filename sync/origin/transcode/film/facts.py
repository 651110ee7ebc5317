"""The facts of a film or a sound file, as ffprobe states them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from sync.origin.transcode.film.containers import NOTHING_HIDDEN, HiddenFacts, Loss
from sync.origin.transcode.film.damage import Damage, cannot_be_read
from sync.origin.transcode.film.geometry import UPRIGHT, Crop, Orientation, Shape, longest_shape, orientation_of
from sync.origin.transcode.film.track_timing import TrackTimes, film_span, played_ms
from sync.origin.transcode.film.tracks import (
    choose_picture,
    choose_sound,
    choose_subtitles,
    covers_of,
    pictures_of,
)

LIBVPX = {"vp8": "libvpx", "vp9": "libvpx-vp9"}
"""The decoders that know what is clear, by codec."""

_TEXT_SUBTITLES = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"})


@dataclass(frozen=True, slots=True)
class ColourTags:
    """How samples become colours, in ffmpeg's words (`bt709`, `smpte2084`, `tv`); "" where the file does not say."""

    matrix: str = ""
    transfer: str = ""
    primaries: str = ""
    range: str = ""


@dataclass(frozen=True, slots=True)
class Subtitles:
    """A track of subtitles; `text`: it has letters, and not pictures of them."""

    stream: int
    text: bool


@dataclass(frozen=True, slots=True)
class VideoFile:
    """The facts of a video file.

    Sizes are as stored, before `crop`, `pixel_aspect` and `orientation` are applied. `frame_rate` is what the file
    states, `declared_ms` how long it says that it plays, `present_ms` how much of that is there in any of its tracks.
    `shape_changes`: its pictures have more than one size or pixel aspect, and the facts are those of most of its time.
    `codec_crops`: its codec crops its pictures at the left or top. `clear_beside`: what is clear in it is told by a
    film beside it (WebM), which only libvpx decodes with it. `file_start_s` is where the timestamps of the whole
    file begin. `damage` and `sound_damage` are None until the film was decoded as a whole.
    """

    container: str
    video_stream: int
    codec: str
    pixel_format: str
    width: int
    height: int
    pixel_aspect: Fraction
    frame_rate: Fraction
    times: TrackTimes
    declared_ms: int
    present_ms: int
    audio_stream: int | None
    audio_codec: str
    sound_times: TrackTimes | None = None
    file_start_s: float = 0.0
    held_back: int = 0  # pictures that its decoder takes in before the first one comes out, to bring them in order
    profile: str = ""
    level: int = 0
    orientation: Orientation = UPRIGHT
    crop: Crop | None = None
    codec_crops: bool = False
    shape_changes: bool = False
    field_order: str = ""
    clear_beside: bool = False
    colour: ColourTags = ColourTags()
    side_data: tuple[Mapping[str, Any], ...] = ()  # of the video stream, as ffprobe prints it
    subtitles: Subtitles | None = None  # that are forced: players show them by themselves
    unreadable: bool = False  # a part of the file was left out, since it is damaged
    losses: tuple[Loss, ...] = ()  # of packets of the file; `track` is that of ffprobe, -1 for none of these
    damage: Damage | None = None
    sound_damage: Damage | None = None

    @property
    def starts_s(self) -> float:
        """When the first picture or sound is due, by the timestamps of the file."""
        return film_span((self.times, self.sound_times))[0]

    @property
    def jumps(self) -> bool:
        """Whether its timestamps jump, or are none: then the length that it states may be anything."""
        return self.times.jumps or self.times.counted or (self.sound_times is not None and self.sound_times.jumps)

    @property
    def length_s(self) -> float:
        """How long a person sees or hears something: until the last picture or sound ends."""
        start_s, end_s = film_span((self.times, self.sound_times))
        return end_s - start_s

    @property
    def plays_ms(self) -> int:
        """How long a player plays it, which begins at 0, in milliseconds."""
        return played_ms((self.times, self.sound_times))

    def with_shapes_seen(self, seen: Sequence[tuple[float, Shape]]) -> "VideoFile":
        """Return the film with the shape that its decoded frames, given with their times, have for the longest time."""
        stated = Shape(self.width, self.height, self.pixel_aspect)
        if self.crop or {shape for _, shape in seen} <= {stated}:  # newer decoders crop their frames
            return self
        main = longest_shape(seen, self.times.end_s)
        return replace(self, width=main.width, height=main.height, pixel_aspect=main.pixel_aspect, shape_changes=True)


@dataclass(frozen=True, slots=True)
class AudioFile:
    """The facts of a sound file; `cover_stream` is its embedded picture, `title` and `artist` are its tags."""

    container: str
    audio_stream: int
    audio_codec: str
    times: TrackTimes
    declared_ms: int
    cover_stream: int | None
    losses: tuple[Loss, ...]
    title: str
    artist: str

    @property
    def starts_s(self) -> float:
        """When the first sound is due, by the timestamps of the file."""
        return self.times.start_s


def video_facts(
    document: Mapping[str, Any],
    times: Mapping[int, TrackTimes],
    hidden: HiddenFacts = NOTHING_HIDDEN,
    complaints: str = "",
) -> VideoFile | None:
    """Return the facts of the default picture and the default sound; None if it has no video.

    They come from ffprobe's document, from the rhythm of the tracks, from the headers of the file, and from what
    ffprobe complained about meanwhile.
    """
    video = choose_picture(document, times)
    if video is None:
        return None
    audio = choose_sound(document, times, video)
    container = document.get("format", {})
    own = times[video["index"]]
    facts = _picture_facts(video) | ({"frame_rate": own.rate} if own.counted else {})
    return VideoFile(
        container=container.get("format_name", ""),
        video_stream=video["index"],
        times=own,
        declared_ms=_declared_ms(container, [video, *([audio] if audio else [])]),
        present_ms=_present_ms(times.values()),
        audio_stream=audio["index"] if audio else None,
        audio_codec=audio["codec_name"] if audio else "",
        sound_times=times[audio["index"]] if audio else None,
        file_start_s=float(container.get("start_time", 0.0)),
        crop=dict(enumerate(hidden.crops)).get(video["index"]),
        subtitles=_subtitles(choose_subtitles(document, audio)),
        losses=_losses(hidden.losses, document),
        unreadable=hidden.broken or cannot_be_read(complaints, container.get("format_name", "")),
        **facts,
    )


def _picture_facts(video: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts that ffprobe states of the track of pictures, by the names of their fields."""
    tags = {(name.lower(), value) for name, value in video.get("tags", {}).items()}
    return {
        "codec": video["codec_name"],
        "pixel_format": video.get("pix_fmt", ""),
        "width": video["width"],
        "height": video["height"],
        "pixel_aspect": _fraction(video.get("sample_aspect_ratio"), ":"),
        "frame_rate": _fraction(video.get("avg_frame_rate"), "/"),
        "held_back": int(video.get("has_b_frames", 0)),
        "profile": str(video.get("profile", "")),
        "level": int(video.get("level", 0)),
        "orientation": orientation_of(video),
        "field_order": video.get("field_order", ""),
        "clear_beside": video["codec_name"] in LIBVPX and ("alpha_mode", "1") in tags,
        "colour": _colour_tags(video),
        "side_data": tuple(video.get("side_data_list", ())),
    }


def audio_facts(
    document: Mapping[str, Any], times: Mapping[int, TrackTimes], hidden: HiddenFacts = NOTHING_HIDDEN
) -> AudioFile | None:
    """Return the facts from ffprobe's document about a sound file; None if it has a video or no sound."""
    sound, covers = choose_sound(document, times), covers_of(document)
    if pictures_of(document) or sound is None:
        return None
    container = document.get("format", {})
    tags = {key.lower(): value for part in (container, sound) for key, value in part.get("tags", {}).items()}
    return AudioFile(
        container=container.get("format_name", ""),
        audio_stream=sound["index"],
        audio_codec=sound["codec_name"],
        times=times[sound["index"]],
        declared_ms=_declared_ms(container, [sound]),
        cover_stream=covers[0]["index"] if covers else None,
        losses=_losses(hidden.losses, document),
        title=tags.get("title", ""),
        artist=tags.get("artist", ""),
    )


def _losses(found: Iterable[Loss], document: Mapping[str, Any]) -> tuple[Loss, ...]:
    """Return what was lost with the numbers of tracks in place of their PIDs."""
    tracks = {int(stream["id"], 16): stream["index"] for stream in document["streams"] if "id" in stream}
    return tuple(loss._replace(track=tracks.get(loss.track, -1)) for loss in found)


def _subtitles(stream: Mapping[str, Any] | None) -> Subtitles | None:
    return Subtitles(stream["index"], stream.get("codec_name") in _TEXT_SUBTITLES) if stream else None


def _colour_tags(video: Mapping[str, Any]) -> ColourTags:
    keys = ("color_space", "color_transfer", "color_primaries", "color_range")
    return ColourTags(*("" if video.get(key) in (None, "unknown") else str(video[key]) for key in keys))


def _fraction(raw: str | None, separator: str) -> Fraction:
    numerator, _, denominator = (raw or "").partition(separator)
    if numerator.isdecimal() and denominator.isdecimal() and int(numerator) and int(denominator):
        return Fraction(int(numerator), int(denominator))
    return Fraction(1)


def _present_ms(tracks: Iterable[TrackTimes]) -> int:
    start_s, end_s = film_span(tracks)
    return round(max(end_s - start_s, end_s) * 1000)  # the declared length may count from 0


def _declared_ms(container: Mapping[str, Any], streams: list[Mapping[str, Any]]) -> int:
    durations_s = [float(stream["duration"]) for stream in streams if "duration" in stream]
    longest_s = max(durations_s) if durations_s else float(container.get("duration", 0.0))
    return round(longest_s * 1000)
