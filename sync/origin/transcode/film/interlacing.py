"""Interlaced films: which are, which should be looked at, and the filter that makes whole pictures of their fields."""

from dataclasses import replace
from fractions import Fraction
from typing import NamedTuple

from sync.origin.transcode.film.facts import VideoFile

LOOK_S = 2.4  # at each spot
LOOK_FILTERS = (  # count how pictures and their fields look, and leave only those with combs
    "setfield=prog,idet,fps=2*source_fps,fieldmatch=order=tff:mode=pc:combmatch=full,"
    "select='mod(n,2)*not(eq(interlace_type,PROGRESSIVE))'"
)
"""Each picture is looked at twice: the first time fields of the one before could mend it, as in telecined films."""
_INTERLACED_HEIGHTS = frozenset(
    {480, 486, 512, 576, 608, 1080, 1088}
)  # 512, 608 and 1088 with lines that are not shown
_INTERLACED_RATES = (Fraction(49, 2), Fraction(31))  # frames a second of 50 and 60 fields
_NEVER_INTERLACED = frozenset({"vp8", "vp9", "av1", "gif", "theora"})
_EACH_FRAME_SAYS = frozenset({"h264", "mpeg2video", "dvvideo", "prores"})  # decoders that tell the order of each frame
_FEWEST_SEEN = 8  # frames
_CONSISTENT = 10  # times as many of one order as of the other


class FieldsSeen(NamedTuple):
    """In how many pictures the fields looked so (by ffmpeg's `idet`), and how many had combs (by its `fieldmatch`)."""

    top_first: int = 0
    bottom_first: int = 0
    progressive: int = 0
    combed: int = 0


def is_interlaced(video: VideoFile) -> bool:
    """Tell whether a film is interlaced: its tag says so, or it is DV of a size that always is, without a tag."""
    always = video.codec == "dvvideo" and video.height in _INTERLACED_HEIGHTS
    return video.field_order[:1] in ("t", "b") or (always and video.field_order != "progressive")


def should_look(video: VideoFile) -> bool:
    """Tell whether a film that is not tagged as interlaced may be so, by its size and frame rate."""
    slowest, fastest = _INTERLACED_RATES
    likely = video.height in _INTERLACED_HEIGHTS and slowest <= video.frame_rate <= fastest
    return likely and video.codec not in _NEVER_INTERLACED and not is_interlaced(video)


def with_fields_seen(video: VideoFile, seen: FieldsSeen) -> VideoFile:
    """Return the film with the order of its fields as it was seen.

    Motion in pictures can look like fields: moving patterns do so in both orders, and lines that scroll upwards have no
    combs.
    """
    more, fewer = max(seen.top_first, seen.bottom_first), min(seen.top_first, seen.bottom_first)
    consistent = more >= _CONSISTENT * fewer and more >= seen.progressive
    if not consistent or min(more, seen.combed) < _FEWEST_SEEN:
        return video
    return replace(video, field_order="tff" if seen.top_first > seen.bottom_first else "bff")


def deinterlace(video: VideoFile) -> tuple[str, ...]:
    """Return the filter that makes a whole picture of each field, so that motion stays as smooth as it was recorded."""
    if not is_interlaced(video):
        return ()
    tagged = video.field_order not in ("tff", "bff")  # these were seen, and the frames do not tell
    by_frame = not video.field_order or (tagged and video.codec in _EACH_FRAME_SAYS)
    order = "auto" if by_frame else {"t": "tff", "b": "bff"}.get(video.field_order[0], "auto")
    return (f"bwdif=mode={'send_field' if _doubles(video) else 'send_frame'}:parity={order}:deint=all",)


def shown_rate(video: VideoFile) -> Fraction:
    """Return how many pictures a second leave `deinterlace`."""
    return video.frame_rate * 2 if is_interlaced(video) and _doubles(video) else video.frame_rate


def most_shown_rate(video: VideoFile) -> Fraction:
    """Return how many pictures a second an encode may have to make, before anybody has looked at the fields."""
    return video.frame_rate * 2 if should_look(video) else shown_rate(video)


def _doubles(video: VideoFile) -> bool:
    return video.frame_rate <= _INTERLACED_RATES[1]
