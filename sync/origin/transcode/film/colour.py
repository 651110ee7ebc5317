"""Says which colours the samples of a film mean, and with which filters they become BT.709 in limited range.

Tags are believed where they can be true. What is missing follows from what is there; the rules are in `colours_of`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sync.origin.transcode.film.colour_table import ColourTable, Primaries, Transfer
from sync.origin.transcode.film.facts import VideoFile

TABLE_FILE = "colours.cube"
"""The name of the file with the table, in the folder in which ffmpeg runs."""

TABLE_FILTER = f"lut3d=file={TABLE_FILE}:interp=tetrahedral"
TAG_FILTER = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
TAG_ARGUMENTS = ("-color_range", "tv", "-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")

_EXACT = "flags=accurate_rnd+full_chroma_int+full_chroma_inp"  # without these greys get a tint of three steps
TO_BT709 = f"scale=out_color_matrix=bt709:out_range=tv:{_EXACT}"
"""The filter that turns RGB, or what ffmpeg takes as BT.709, into BT.709 in limited range."""

_TRANSFERS = {"smpte2084": Transfer.PQ, "arib-std-b67": Transfer.HLG}
_PRIMARIES = {"bt2020": Primaries.BT2020, "smpte432": Primaries.P3, "smpte431": Primaries.P3}
_SCALE_MATRICES = {  # ffprobe's words: the words of the filter scale
    "bt709": "bt709",
    "bt470bg": "bt601",
    "smpte170m": "bt601",
    "smpte240m": "smpte240m",
    "fcc": "fcc",
    "bt2020nc": "bt2020",
}
_PLAIN_TAGS = ("", "reserved", "bt709", "bt470bg", "smpte170m")  # of the matrix; players guess without one
_ZSCALE_MATRICES = {"bt2020c": "2020_cl", "ycgco": "ycgco", "ictcp": "ictcp"}  # which scale does not know
_HDR_SIDE_DATA = ("Mastering display metadata", "Content light level metadata")
_DOLBY_BASE = {1: Transfer.PQ, 2: Transfer.SDR, 4: Transfer.HLG, 6: Transfer.PQ}  # its compatibility: what it plays as


@dataclass(frozen=True, slots=True)
class Colours:
    """What the samples mean; `matrix` is in ffprobe's words, or `rgb`."""

    matrix: str
    transfer: Transfer
    primaries: Primaries
    full_range: bool

    @property
    def table(self) -> ColourTable | None:
        """The table that these colours need; None if they are those of BT.709."""
        needed = self.transfer is not Transfer.SDR or self.primaries is not Primaries.BT709
        return ColourTable(self.transfer, self.primaries) if needed else None


def colours_of(video: VideoFile) -> Colours:
    """Return which colours a film means.

    - Transfer: PQ or HLG if the tag says so, at any depth. Without a tag: what Dolby Vision names as its base, else PQ
      if the file tells how bright its master was. All else is SDR.
    - Primaries: BT.2020 and P3 if the tag says so; without a tag BT.2020 for HDR. All others count as BT.709: those of
      SD differ little, and players do not look at them.
    - Matrix: the tag, if it fits the pixel format. Else BT.2020 with the primaries of BT.2020; else BT.709 from 1280
      columns or 577 lines on, BT.601 below (as mpv does).
    - Range: full for RGB, for `yuvj` and where the tag says so, else limited.
    """
    transfer = _transfer(video)
    default = Primaries.BT709 if transfer is Transfer.SDR else Primaries.BT2020
    primaries = _PRIMARIES.get(video.colour.primaries, Primaries.BT709) if video.colour.primaries else default
    rgb = is_rgb(video.pixel_format)
    full_range = rgb or video.pixel_format.startswith("yuvj") or video.colour.range == "pc"
    return Colours("rgb" if rgb else _matrix(video, primaries), transfer, primaries, full_range)


def may_be_hdr(video: VideoFile) -> bool:
    """Tell whether a film that is not tagged as HDR may be so by what stands in its pictures alone."""
    untold = video.colour.transfer not in _TRANSFERS
    return untold and (video.colour.primaries == "bt2020" or "p10" in video.pixel_format)


def with_picture_told(video: VideoFile, picture: Mapping[str, Any]) -> VideoFile:
    """Return the film with what one of its pictures says, as ffprobe prints it.

    Broadcasters tag HLG as SDR, for old screens, and name it beside (alternative transfer characteristics of HEVC).
    """
    told = str(picture.get("color_transfer", ""))
    colour = replace(video.colour, transfer=told) if told in _TRANSFERS else video.colour
    return replace(video, colour=colour, side_data=(*video.side_data, *picture.get("side_data_list", ())))


def is_plain(video: VideoFile) -> bool:
    """Tell whether every output shows these colours as they are meant: BT.601 or BT.709 in limited range, SDR."""
    found = colours_of(video)
    return found.table is None and not found.full_range and video.colour.matrix in _PLAIN_TAGS


def convert_colour(video: VideoFile) -> tuple[str, ...]:
    """Return the filters that make BT.709 in limited range of the colours of the film."""
    found = colours_of(video)
    filters = _from_wrong_tag(video, found)
    if found.table:
        return (*filters, *_to_rgb(found), "format=gbrp10le", TABLE_FILTER, TO_BT709, "format=yuv420p")
    if found.matrix == "rgb" or found.matrix in _ZSCALE_MATRICES:
        return (*filters, *_to_rgb(found), TO_BT709, "format=yuv420p")
    if found.matrix != "bt709" or found.full_range:
        return (*filters, f"{_scale_from(found)}:out_color_matrix=bt709:out_range=tv:{_EXACT}", "format=yuv420p")
    return filters


def why_not_shown(video: VideoFile) -> str | None:
    """Return why the colours of a film cannot be shown, for the person who sent it; None if they can."""
    dolby = _dolby_vision(video)
    profile, base = dolby.get("dv_profile"), dolby.get("dv_bl_signal_compatibility_id", 0)
    if profile == 5 or (profile in (10, 20) and base == 0) or dolby.get("bl_present_flag") == 0:
        return (
            f"This video is in Dolby Vision profile {profile}, whose colours only Dolby's own decoders know. "
            "Export it as HDR10, HLG, SDR or Dolby Vision profile 8, and send that."
        )
    return None


def is_rgb(pixel_format: str) -> bool:
    """Tell whether samples are red, green and blue, or numbers of a palette."""
    return pixel_format == "pal8" or pixel_format.startswith(
        ("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "0bgr", "x2")
    )


def _transfer(video: VideoFile) -> Transfer:
    if video.colour.transfer not in ("", "reserved"):
        return _TRANSFERS.get(video.colour.transfer, Transfer.SDR)
    base = _DOLBY_BASE.get(_dolby_vision(video).get("dv_bl_signal_compatibility_id", 0))
    mastered = any(side.get("side_data_type") in _HDR_SIDE_DATA for side in video.side_data)
    return base or (Transfer.PQ if mastered else Transfer.SDR)


def _matrix(video: VideoFile, primaries: Primaries) -> str:
    if video.colour.matrix in _SCALE_MATRICES or video.colour.matrix in _ZSCALE_MATRICES:
        return video.colour.matrix
    if primaries is Primaries.BT2020:
        return "bt2020nc"
    return "bt709" if video.width >= 1280 or video.height > 576 else "smpte170m"


def _dolby_vision(video: VideoFile) -> dict[str, Any]:
    records = (side for side in video.side_data if side.get("side_data_type") == "DOVI configuration record")
    return dict(next(records, {}))


def _from_wrong_tag(video: VideoFile, found: Colours) -> tuple[str, ...]:
    """Return the filter that takes away a matrix that cannot be true, which ffmpeg 7 would refuse to convert."""
    wrong = video.colour.matrix not in ("", found.matrix) and found.matrix != "rgb"
    return (f"setparams=colorspace={found.matrix}",) if wrong else ()


def _to_rgb(found: Colours) -> tuple[str, ...]:
    if found.matrix == "rgb":
        return ()
    if found.matrix not in _ZSCALE_MATRICES:
        return (f"{_scale_from(found)}:{_EXACT}",)
    transfer = {Transfer.PQ: "smpte2084", Transfer.HLG: "arib-std-b67", Transfer.SDR: "bt709"}[found.transfer]
    source = f"zscale=matrixin={_ZSCALE_MATRICES[found.matrix]}:rangein={'full' if found.full_range else 'limited'}"
    same = f"transferin={transfer}:transfer={transfer}:primariesin=bt2020:primaries=bt2020"
    return (f"{source}:{same}:matrix=gbr:range=full", "format=gbrp10le")


def _scale_from(found: Colours) -> str:
    return f"scale=in_color_matrix={_SCALE_MATRICES[found.matrix]}:in_range={'pc' if found.full_range else 'tv'}"
