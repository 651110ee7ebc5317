"""The filters of an encode, as one chain of named steps; each step is a pure function of the facts of the film.

The order matters: times are mended first, then all pictures get one shape, fields are woven before colours and sizes
change, colours are converted at the stored size, the picture is turned before its pixels become square, and the even
rate and subtitles come last.
"""

from fractions import Fraction

from sync.origin.transcode.film.colour import TAG_FILTER, convert_colour
from sync.origin.transcode.film.damage import Damage
from sync.origin.transcode.film.facts import VideoFile
from sync.origin.transcode.film.interlacing import deinterlace, is_interlaced, shown_rate
from sync.origin.transcode.film.track_timing import FASTEST_RATE, FORWARD_JUMP_S, TrackTimes, even_rate

SUBTITLES_FILE = "forced.ass"
"""The name of the file with the forced subtitles, in the folder in which ffmpeg runs."""


def filter_chain(video: VideoFile, width: int, height: int) -> str:
    """Return ffmpeg's filters that make of a decoded film what screens show, at this size."""
    steps = (
        count(video),
        bring_forward(video),
        close_jumps("setpts", video.times),
        leave_out(video),
        leave_out_most(video),
        keep_shape(video),
        deinterlace(video),
        lay_on_black(video),
        convert_colour(video),
        turn(video),
        make_square(width, height),
        keep_pace(video),
        burn_in(video),
    )
    return ",".join(name for step in steps for name in step)


def count(video: VideoFile) -> tuple[str, ...]:
    """Return the filters that let pictures without times, or with times that cannot be true, follow each other."""
    if not video.times.counted:
        return ()
    return ("settb=AVTB", f"setpts=(N/({video.times.rate})+{video.times.start_s - video.starts_s:.6f})/TB")


def bring_forward(video: VideoFile) -> tuple[str, ...]:
    """Return the filter that takes off what a decoder adds to times of decoding: it holds some pictures back."""
    late_s = video.held_back * video.times.frame_s if video.times.decoded_only else 0.0
    return (f"setpts=PTS-{late_s:.6f}/TB",) if late_s else ()


def close_jumps(setter: str, times: TrackTimes) -> tuple[str, ...]:
    """Return the filter (`setpts` or `asetpts`) that lets a track go on where its timestamps jump."""
    if not times.jumps:
        return ()
    step = "(PTS-PREV_INPTS)*TB"
    jump = f"lte({step},0)+gt({step},{FORWARD_JUMP_S})"
    late = f"if(isnan(PREV_INPTS),0,if({jump},PTS-PREV_INPTS-{times.frame_s:.6f}/TB,0))"
    return (f"{setter}='st(0,ld(0)+{late});PTS-ld(0)'",)


def leave_out(video: VideoFile) -> tuple[str, ...]:
    """Return the filter that leaves damaged pictures out: the one before them stays meanwhile."""
    spans = (video.damage or Damage()).spans
    bad = "+".join(f"between(t,{start - 0.001:.3f},{end - 0.001:.3f})" for start, end in spans)
    return (f"select='not({bad})'",) if bad else ()


def keep_shape(video: VideoFile) -> tuple[str, ...]:
    """Return the filters that bring pictures of other shapes into that of most, with bars beside them."""
    if not video.shape_changes:
        return ()
    width, height = video.width, video.height
    shown = float(width * video.pixel_aspect / height)
    same = f"eq(iw,{width})*eq(ih,{height})*lt(abs(dar-{shown:.6f}),{shown / 1000:.6f})"
    across, down = f"{width}*min(1,dar/{shown:.6f})", f"{height}*min(1,{shown:.6f}/dar)"
    size = (f"'if({same},{whole},max(2,2*trunc({part}/2)))'" for whole, part in ((width, across), (height, down)))
    return ("scale=w={}:h={}:eval=frame:interl=-1".format(*size), f"pad={width}:{height}:-1:-1:eval=frame")


def lay_on_black(video: VideoFile) -> tuple[str, ...]:
    """Return the filter that makes black of what is clear: any colour may be hidden there."""
    clear = video.pixel_format.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya"))
    return ("premultiply=inplace=1",) if clear or video.clear_beside else ()


def turn(video: VideoFile) -> tuple[str, ...]:
    """Return the filters that crop to what is meant to be seen, mirror and turn."""
    crop, whole = video.crop, f"eq(iw,{video.width})*eq(ih,{video.height})"  # newer decoders have cropped already
    parts = (("w", crop.width, "iw"), ("h", crop.height, "ih"), ("x", crop.left, 0), ("y", crop.top, 0)) if crop else ()
    sides = ":".join(f"{name}='if({whole},{part},{rest})'" for name, part, rest in parts)
    cropped = (f"crop={sides}:exact=1",) if crop else ()
    return (*cropped, *video.orientation.filters)


def make_square(width: int, height: int) -> tuple[str, ...]:
    """Return the filters for this size with square pixels, in the pixel format of the encoder."""
    return (f"scale={width}:{height}", "setsar=1", "format=yuv420p", TAG_FILTER)


def keep_pace(video: VideoFile) -> tuple[str, ...]:
    """Return the filters for an even rate from 0 to the end; the first and the last picture fill what is missing."""
    return (f"fps={output_rate(video)}:start_time=0", "tpad=stop=-1:stop_mode=clone")


def burn_in(video: VideoFile) -> tuple[str, ...]:
    """Return the filter that draws forced subtitles into the pictures, after the rate: they change while one stays."""
    return (f"subtitles=filename={SUBTITLES_FILE}",) if video.subtitles and video.subtitles.text else ()


def output_rate(video: VideoFile) -> Fraction:
    """Return how many pictures a second are encoded."""
    return even_rate(shown_rate(video) if is_interlaced(video) else video.times.rate)


def leave_out_most(video: VideoFile) -> tuple[str, ...]:
    """Return the filter that leaves out most pictures of a very fast film early, so that they cost no more time."""
    if is_interlaced(video) or video.times.rate <= FASTEST_RATE:
        return ()
    return (f"fps={output_rate(video)}:start_time=0",)


def sound_filters(video: VideoFile) -> str:
    """Return the filters that let sound begin at 0, with silence where there is none, until the film ends."""
    assert video.sound_times is not None
    steps = (*close_jumps("asetpts", video.sound_times), "aresample=async=1:first_pts=0")
    return ",".join((*steps, f"apad=whole_dur={video.length_s:.6f}"))
