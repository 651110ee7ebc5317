"""HLS playlists (RFC 8216) as ffmpeg gets them: one variant, every address led through the gateway. Pure.

A playlist is written anew from the tags that ffmpeg needs; all others are left out.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

from sync.errors import MediaUnplayable
from sync.wire.stream_url import shown_url

HEAD = b"#EXTM3U"
NO_MEDIA = b"<", b"[playlist]"  # no film begins so
_XML = (  # what a text has in it: what is wrong with it
    (b"<MPD", "is DASH, which is not played: enter the address of the stream's HLS playlist (.m3u8)"),
    (b"<SmoothStreamingMedia", "is Smooth Streaming, which is not played: enter the address of its HLS playlist"),
    (b"<html", "is a web page: enter the address of the stream itself"),
    (b"<!doctype html", "is a web page: enter the address of the stream itself"),
)
_PLAIN_TAGS = frozenset(
    f"#EXT-X-{name}"
    for name in (
        "VERSION", "TARGETDURATION", "MEDIA-SEQUENCE", "DISCONTINUITY-SEQUENCE", "DISCONTINUITY", "PLAYLIST-TYPE",
        "ENDLIST", "INDEPENDENT-SEGMENTS", "BYTERANGE", "I-FRAMES-ONLY",
    )
)  # fmt: skip
_ADDRESS_TAGS = frozenset({"#EXT-X-KEY", "#EXT-X-MAP"})
_PLAIN_VALUE = re.compile(r"[\w:.,@+-]*", re.ASCII)
_ATTRIBUTE = re.compile(r'(?<![A-Z0-9-])([A-Z0-9-]+)=("[^"]*"|[^,"]*)')  # a name is tried from its start alone
_VIDEO_CODECS = ("avc", "hvc", "hev", "dvh", "av01", "vp0", "mp4v")
_SHORTEST_TARGET_S = 1
_MOST_LINES = 150_000  # a day of segments of 2 s, of three lines each
_SAFE = "%/:=&?~#+!$,;'@()*[]"  # in an address


@dataclass(frozen=True, slots=True)
class Carried:
    """What can be shown of a stream: the upright screen's width and height, and bits a second (None: not known)."""

    width: int
    height: int
    bits: float | None = None


@dataclass(frozen=True, slots=True)
class StreamPart:
    """One address of a stream: the stream's name, bits a second of its variant, and how long it plays, in ms.

    `bits` is 0 until a variant was chosen.
    """

    stream: str
    url: str
    bits: int = 0
    length_ms: int = 0


Lead = Callable[[StreamPart], str]
"""Returns the address at which ffmpeg asks for a part."""


@dataclass(frozen=True, slots=True)
class _Variant:
    attributes: dict[str, str]
    uri: str

    @property
    def bits(self) -> int:
        return max(1, _number(self.attributes.get("BANDWIDTH", "")))

    @property
    def size(self) -> tuple[int, int]:
        width, _, height = self.attributes.get("RESOLUTION", "").lower().partition("x")
        return _number(width), _number(height)

    @property
    def has_picture(self) -> bool:
        codecs = self.attributes.get("CODECS", "").strip('"').lower()
        return self.size[0] > 0 or not codecs or any(codec in codecs for codec in _VIDEO_CODECS)


def lead_through(text: str, part: StreamPart, carried: Carried, address: Lead) -> str:
    """Return a playlist that came from `part.url` with every address led through `address`.

    Raises:
        MediaUnplayable: it is no playlist of HLS, is too long, or leads to something other than HTTP.
    """
    lines = [line.strip() for line in re.split(r"[\r\n]+", text.replace("\0", ""))]
    if len(lines) > _MOST_LINES:
        raise MediaUnplayable(f"this playlist has more than {_MOST_LINES} lines: have the server name fewer segments")
    if not any(line.startswith("#EXT-X-") for line in lines):
        raise MediaUnplayable("this address is a playlist of other files: enter the address of the stream itself")
    master = any(line.startswith("#EXT-X-STREAM-INF:") for line in lines)
    if master and part.bits:
        raise MediaUnplayable("this HLS playlist names variants that have variants themselves")
    written = _master(lines, part, carried, address) if master else _media(lines, part, address)
    return "\n".join(("#EXTM3U", *written, ""))


def _media(lines: Iterable[str], part: StreamPart, address: Lead) -> Iterator[str]:
    length_ms = 0
    for line in lines:
        tag, _, value = line.partition(":")
        if tag == "#EXTINF":
            length_ms = _milliseconds(value)
            yield f"#EXTINF:{length_ms / 1000},"
        elif tag == "#EXT-X-TARGETDURATION":
            yield f"{tag}:{max(_SHORTEST_TARGET_S, _number(value))}"  # ffmpeg asks again after half of it
        elif tag in _PLAIN_TAGS and _PLAIN_VALUE.fullmatch(value):
            yield line
        elif tag in _ADDRESS_TAGS:
            yield f"{tag}:{_attributes_led(value, part, address)}"
        elif line and not line.startswith("#"):
            yield address(StreamPart(part.stream, target(part.url, line), part.bits, length_ms))


def _master(lines: list[str], part: StreamPart, carried: Carried, address: Lead) -> Iterator[str]:
    variants, renditions = list(_variants(lines)), list(_renditions(lines))
    if not variants:
        raise MediaUnplayable("this HLS playlist names no stream")
    chosen = choose(variants, carried)
    sounds = [sound for sound in renditions if sound.get("GROUP-ID") == chosen.attributes.get("AUDIO")]
    default = next((sound for sound in sounds if sound.get("DEFAULT") == "YES"), sounds[0] if sounds else None)
    inside = StreamPart(part.stream, part.url, chosen.bits)
    if default:
        yield f"#EXT-X-MEDIA:{_attributes_led(_joined(default), inside, address)}"
    kept = {name: value for name, value in chosen.attributes.items() if name in ("BANDWIDTH", "AUDIO")}
    yield f"#EXT-X-STREAM-INF:{_joined(kept)}"
    yield address(StreamPart(part.stream, target(part.url, chosen.uri), chosen.bits))


def _variants(lines: list[str]) -> Iterator[_Variant]:
    attributes: dict[str, str] | None = None
    for line in lines:
        if line.startswith("#EXT-X-STREAM-INF:"):
            attributes = _attributes(line.partition(":")[2])
        elif line and not line.startswith("#") and attributes is not None:
            yield _Variant(attributes, line)
            attributes = None


def _renditions(lines: list[str]) -> Iterator[dict[str, str]]:
    for line in lines:
        if line.startswith("#EXT-X-MEDIA:"):
            attributes = _attributes(line.partition(":")[2])
            if attributes.get("TYPE") == "AUDIO":
                yield attributes


def what_text_is(text: bytes) -> str:
    """Return what is wrong with a text that begins with one of `NO_MEDIA`, from its first bytes."""
    known = (why for sign, why in _XML if sign.lower() in text.lower())
    return next(known, "is a list of other files, or a page: enter the address of the stream itself")


def choose(variants: list[_Variant], carried: Carried) -> _Variant:
    """Return the largest variant that screen and line carry; else the smallest one. HDR only where all are so."""
    shown = [variant for variant in variants if variant.has_picture] or variants
    shown = [variant for variant in shown if variant.attributes.get("VIDEO-RANGE", "SDR") == "SDR"] or shown
    fitting = [each for each in shown if each.size[0] <= carried.width and each.size[1] <= carried.height] or [
        min(shown, key=lambda each: (each.size[0] * each.size[1], each.bits))
    ]
    paced = [each for each in fitting if carried.bits is None or each.bits <= carried.bits]
    if not paced:
        return min(fitting, key=lambda each: each.bits)
    return max(paced, key=lambda each: (each.size[0] * each.size[1], each.bits))


def target(base: str, uri: str) -> str:
    """Return the address that `uri` means in a playlist, or a redirect, of `base`; in ASCII, as HTTP sends it.

    On the same server it keeps user and password of `base`, as browsers do (RFC 7617, 2.2).

    Raises:
        MediaUnplayable: it is not of HTTP.
    """
    try:
        found = quote(urljoin(base, uri.strip()), safe=_SAFE, errors="surrogateescape")  # aiohttp reads headers so
        parts, before = urlsplit(found), urlsplit(base)
        if (parts.scheme, parts.netloc) == (before.scheme, before.netloc.rpartition("@")[2]):
            found = parts._replace(netloc=before.netloc).geturl()
        is_http = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError as error:
        raise MediaUnplayable("the stream leads to what is no address: it may lead to http and https only") from error
    if not is_http:
        where = shown_url(found) if parts.netloc else found
        raise MediaUnplayable(f"the stream leads to {where[:200]}: it may lead to http and https only")
    return found


def _attributes(text: str) -> dict[str, str]:
    return {name: value.strip() for name, value in _ATTRIBUTE.findall(text)}


def _joined(attributes: dict[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in attributes.items())


def _attributes_led(text: str, part: StreamPart, address: Lead) -> str:
    attributes = _attributes(text)
    if "URI" in attributes:
        inside = StreamPart(part.stream, target(part.url, attributes["URI"].strip('"')), part.bits)
        attributes["URI"] = f'"{address(inside)}"'
    return _joined(attributes)


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,12}", text) else 0


def _milliseconds(text: str) -> int:
    seconds = re.match(r"\s*([0-9]{1,6}(?:\.[0-9]{1,6})?)", text)
    return round(float(seconds[1]) * 1000) if seconds else 0
