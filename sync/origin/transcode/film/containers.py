"""What ffprobe does not tell of a file: what is meant to be seen, whether it is encrypted, and what is not there.

Read from the headers of MP4 and MOV (ISO 14496-12: `clap`; ISO 23001-7: encryption), Matroska (RFC 9559: PixelCrop,
ContentEncryption), MPEG-TS (ISO 13818-1: scrambling, sync bytes, counters, tables), FLV and AVI. ffmpeg crops from
version 7.1 on.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from sync.origin.transcode.film.geometry import Crop

_MOST_PARTS = 300  # of one level; a file with more is read no further
_ENCRYPTED = frozenset({b"encv", b"enca", b"drmi", b"drms"})  # sample entries; the latter two are Apple's
_VISUAL_ENTRY_BYTES = 78  # of a sample entry, before the boxes in it
_SEGMENT, _TRACKS, _TRACK, _VIDEO, _CLUSTER = 0x18538067, 0x1654AE6B, 0xAE, 0xE0, 0x1F43B675
_WIDTH, _HEIGHT, _BOTTOM, _TOP, _LEFT, _RIGHT = 0xB0, 0xBA, 0x54AA, 0x54BB, 0x54CC, 0x54DD
_ENCODINGS, _ENCODING, _ENCRYPTION = 0x6D80, 0x6240, 0x5035
_FLASH, _FLASH_TAGS = b"FLV", (8, 9, 18)  # sound, pictures, text
_TS_SIZES = (188, 192, 204)  # of packets in bytes: broadcast, cameras (M2TS), with error correction
_TS_FIRST, _TS_LOOKED_AT, _TS_CHUNK = 8, 2000, 20_000  # packets
_TS_SYNC, _TS_PADDING = b"G", 0x1FFF
_TS_PICTURES = frozenset({0x01, 0x02, 0x10, 0x1B, 0x24, 0x33, 0x42, 0xD1, 0xD2, 0xEA})  # codecs, by their number there
_MOST_LOSSES = 1000

Part = tuple[bytes, int, int]
"""The type of a box, and where its content begins and ends in the file."""


class Loss(NamedTuple):
    """Packets of an MPEG-TS that are missing: of which track (its PID), before which byte of the file.

    `begins`: a picture or sound begins at that byte, so that those from there on are whole.
    """

    track: int
    at: int
    begins: bool


@dataclass(frozen=True, slots=True)
class HiddenFacts:
    """`crops` has an entry for each track, in the order of the file; None where all of the picture is meant.

    `broken` and `losses`: bytes of an MPEG-TS are not what they were, or not there; ffmpeg passes over both in silence.
    `missing_share` is how much of the file, by its header, is not there. `changes_at` is after which share of it
    another film comes: the tables of an MPEG-TS name other tracks or codecs there, or an MP4 or FLV begins anew.
    """

    crops: tuple[Crop | None, ...] = ()
    encrypted: bool = False
    broken: bool = False
    losses: tuple[Loss, ...] = ()
    missing_share: float = 0.0
    changes_at: float | None = None


NOTHING_HIDDEN = HiddenFacts()


def hidden_facts(file: BinaryIO) -> HiddenFacts:
    """Return the facts that ffprobe does not tell; what is not as the format wants it is left out."""
    head, end = file.read(12), file.seek(0, 2)
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return _matroska(file, end)
    if head[:4] == b"RIFF" and head[8:] == b"AVI ":
        stated = int.from_bytes(head[4:8], "little") + 8
        written = stated < 1 << 32  # not the head of a recording that went on until the power failed
        return HiddenFacts(missing_share=max(0.0, 1 - end / stated) if written else 0.0)
    if head[:3] == _FLASH:
        return _flash(file, end)
    if shape := _transport_shape(file):
        return _read_transport(file, *shape)
    return _mp4(file, end)


def _flash(file: BinaryIO, end: int) -> HiddenFacts:
    """Return where another film begins among the tags of an FLV (Adobe's specification 10.1, annex E)."""
    at = 13
    while at + 11 < end:
        file.seek(at)
        tag = file.read(11)
        if tag[:3] == _FLASH:
            return HiddenFacts(changes_at=at / end)
        if tag[0] & 0x1F not in _FLASH_TAGS:
            break
        at += 15 + int.from_bytes(tag[1:4], "big")
    return NOTHING_HIDDEN


def _mp4(file: BinaryIO, end: int) -> HiddenFacts:
    entries = [
        next(_inside(file, (b"trak", *track), b"mdia", b"minf", b"stbl", b"stsd"), None)
        for movie in _inside(file, (b"", 0, end), b"moov")
        for track in _inside(file, (b"moov", *movie), b"trak")
    ]
    found = [_sample_entry(file, *entry) if entry else HiddenFacts((None,)) for entry in entries]
    boxes = [(kind, start) for kind, start, _ in _boxes(file, 0, end)]
    tables = [start for kind, start in boxes if kind == b"moov"]
    films = [start for kind, start in boxes if kind == b"ftyp"]
    joined = len(tables) > 1 and b"moof" not in dict(boxes)  # the second one is never read
    return HiddenFacts(
        tuple(crop for track in found for crop in track.crops),
        any(track.encrypted for track in found),
        changes_at=[*films, *tables][1] / end if joined else None,
    )


def _sample_entry(file: BinaryIO, start: int, end: int) -> HiddenFacts:
    kind, begin, stop = next(_boxes(file, start + 8, end), (b"", 0, 0))
    encrypted = kind in _ENCRYPTED
    file.seek(begin + 24)
    width, height = _number(file, 2), _number(file, 2)
    for aperture, at, _ in _boxes(file, begin + _VISUAL_ENTRY_BYTES, stop):
        if aperture == b"clap":
            file.seek(at)
            return HiddenFacts((_aperture([_number(file, 4) for _ in range(8)], width, height),), encrypted)
    return HiddenFacts((None,), encrypted)


def _aperture(numbers: list[int], width: int, height: int) -> Crop | None:
    """Return the clean aperture: size and centre as fractions, the centre relative to that of the picture."""
    if not all(numbers[1::2]):
        return None
    signed = [number - (1 << 32) if number >> 31 else number for number in numbers]
    wide, high, right, down = (signed[n] / signed[n + 1] for n in (0, 2, 4, 6))
    return _crop(width, height, round((width - wide) / 2 + right), round((height - high) / 2 + down), wide, high)


def _crop(width: int, height: int, left: int, top: int, wide: float, high: float) -> Crop | None:
    crop = Crop(round(wide), round(high), left, top)
    inside = left >= 0 and top >= 0 and left + crop.width <= width and top + crop.height <= height
    whole = (crop.width, crop.height) == (width, height)
    return crop if inside and not whole and crop.width > 1 and crop.height > 1 else None


def _inside(file: BinaryIO, box: Part, *path: bytes) -> Iterator[tuple[int, int]]:
    """Yield where the boxes of this path begin and end."""
    for kind, start, end in _boxes(file, box[1], box[2]):
        if kind == path[0]:
            if path[1:]:
                yield from _inside(file, (kind, start, end), *path[1:])
            else:
                yield start, end


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[Part]:
    for _ in range(_MOST_PARTS):
        file.seek(start)
        size, kind, head = _number(file, 4), file.read(4), 8
        if size == 1:
            size, head = _number(file, 8), 16
        stop = end if size == 0 else start + size
        if len(kind) < 4 or stop < start + head or stop > end:
            return
        yield kind, start + head, stop
        start = stop


def _matroska(file: BinaryIO, end: int) -> HiddenFacts:
    crops: list[Crop | None] = []
    encrypted = False
    for segment, start, stop in _elements(file, 0, end):
        for part, first, last in _elements(file, start, stop) if segment == _SEGMENT else ():
            if part == _CLUSTER:
                return HiddenFacts(tuple(crops), encrypted)
            for track, begin, finish in _elements(file, first, last) if part == _TRACKS else ():
                if track == _TRACK:
                    entry = list(_elements(file, begin, finish))
                    crops.append(next((_pixel_crop(file, *place) for kind, *place in entry if kind == _VIDEO), None))
                    encrypted = encrypted or any(
                        _has(file, _ENCODING, _ENCRYPTION, place) for kind, *place in entry if kind == _ENCODINGS
                    )
    return HiddenFacts(tuple(crops), encrypted)


def _has(file: BinaryIO, outer: int, inner: int, place: list[int]) -> bool:
    return any(
        kind == inner
        for found, *within in _elements(file, *place)
        if found == outer
        for kind, *_ in _elements(file, *within)
    )


def _pixel_crop(file: BinaryIO, start: int, end: int) -> Crop | None:
    values: dict[int, int] = {}
    for kind, at, stop in _elements(file, start, end):
        file.seek(at)
        values[kind] = _number(file, min(8, stop - at))
    width, height = values.get(_WIDTH, 0), values.get(_HEIGHT, 0)
    left, top = values.get(_LEFT, 0), values.get(_TOP, 0)
    return _crop(width, height, left, top, width - left - values.get(_RIGHT, 0), height - top - values.get(_BOTTOM, 0))


def _elements(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    for _ in range(_MOST_PARTS):
        file.seek(start)
        kind, size = _variable(file, keep_marker=True), _variable(file, keep_marker=False)
        if kind is None or size is None:
            return
        begin = file.tell()
        stop = max(begin, min(end, begin + size))
        yield kind, begin, stop
        start = stop
        if start >= end:
            return


def _variable(file: BinaryIO, *, keep_marker: bool) -> int | None:
    """Return a number of variable length (RFC 8794); one of all ones is unknown, and taken as larger than any file."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    value = int.from_bytes(first + file.read(length - 1), "big")
    return value if keep_marker else value & ((1 << (7 * length)) - 1)


def _is_scrambled(file: BinaryIO, start: int, size: int) -> bool:
    """Tell whether at least half of the packets with content, at the start of an MPEG-TS, are scrambled."""
    file.seek(start)
    data = file.read(size * _TS_LOOKED_AT)
    packets = [data[at : at + 4] for at in range(0, len(data) - 3, size)]
    with_content = [packet for packet in packets if (packet[0] == 0x47 and packet[1] & 0x1F) or packet[2] > 0x1F]
    return sum(packet[3] >> 6 > 1 for packet in with_content) * 2 > len(with_content) > 0


def _transport_shape(file: BinaryIO) -> tuple[int, int] | None:
    """Return where the first packet of an MPEG-TS begins, and the size of its packets; None if it is none."""
    file.seek(0)
    head = file.read(max(_TS_SIZES) * _TS_FIRST)
    for size in _TS_SIZES:
        for start in range(min(size, len(head) - size * (_TS_FIRST - 1))):
            if not head[start::size].strip(_TS_SYNC):
                return start, size
    return None


def _read_transport(file: BinaryIO, start: int, size: int) -> HiddenFacts:
    """Return where an MPEG-TS lost packets, and whether one does not begin with its sync byte; all of it is read."""
    counters: dict[int, int] = {}
    losses: list[Loss] = []
    tables = _Tables()
    at, broken, end = start, False, file.seek(0, 2)
    file.seek(start)
    while (chunk := file.read(size * _TS_CHUNK)) and len(losses) < _MOST_LOSSES and not broken:
        broken = bool(chunk[::size].strip(_TS_SYNC))
        losses += _losses(chunk, size, at, counters, tables)
        at += len(chunk)
    return HiddenFacts(
        encrypted=_is_scrambled(file, start, size),
        broken=broken,
        losses=tuple(losses[:_MOST_LOSSES]),
        changes_at=None if tables.change_at is None else tables.change_at / end,
    )


def _losses(chunk: bytes, size: int, at: int, counters: dict[int, int], tables: "_Tables") -> Iterator[Loss]:
    """Yield where the count of packets with content (four bits) of a track does not go on (ISO 13818-1, 2.4.3.3)."""
    for number, (high, low, flags) in enumerate(zip(chunk[1::size], chunk[2::size], chunk[3::size], strict=False)):
        track = (high & 0x1F) << 8 | low
        if not flags & 0x10 or track == _TS_PADDING:  # without content
            continue
        if high & 0x40 and track in tables.tracks:
            tables.read(chunk[number * size : number * size + _TS_SIZES[0]], track, at + number * size)
        count, before = flags & 0x0F, counters.get(track, -1)
        counters[track] = count
        if before < 0 or count == before or count == (before + 1) & 0x0F:  # a packet may be sent twice
            continue
        place = number * size
        announced = flags & 0x20 and chunk[place + 4 : place + 5] > b"\0" and chunk[place + 5 : place + 6] >= b"\x80"
        if not announced:
            yield Loss(track, at + place, begins=bool(high & 0x40))


class _Tables:
    """The tables of an MPEG-TS (ISO 13818-1, 2.4.4) that name the tracks and codecs of its programmes.

    `tracks` are those that hold tables, `change_at` is the byte at which a table first contradicts an earlier one: it
    has another codec for a track, or other tracks of pictures.
    """

    def __init__(self) -> None:
        self.tracks = {0}
        self.change_at: int | None = None
        self._codecs: dict[bytes, dict[int, int]] = {}

    def read(self, packet: bytes, track: int, at: int) -> None:
        """Read the packet in which a table begins; what does not fit into it is not read."""
        if len(packet) < _TS_SIZES[0] or len(self._codecs) > _MOST_PARTS:
            return
        begin = 4 + (1 + packet[4] if packet[3] & 0x20 else 0)
        section = packet[begin + 1 + packet[begin] :] if begin < len(packet) else b""
        end = min(len(section), 3 + (int.from_bytes(section[1:3], "big") & 0xFFF) - 4)
        if track == 0 and section[:1] == b"\0":
            self.tracks |= {int.from_bytes(section[n + 2 : n + 4], "big") & 0x1FFF for n in range(8, end - 3, 4)}
        elif track and section[:1] == b"\2" and end > 12:
            self._compare(section[3:5], dict(_codecs(section[:end])), at)

    def _compare(self, programme: bytes, codecs: dict[int, int], at: int) -> None:
        before = self._codecs.setdefault(programme, codecs)
        other_codec = any(before.get(track, codec) != codec for track, codec in codecs.items())
        pictures, shown = ({t for t, codec in one.items() if codec in _TS_PICTURES} for one in (before, codecs))
        if self.change_at is None and (other_codec or (pictures and shown and not pictures & shown)):
            self.change_at = at


def _codecs(section: bytes) -> Iterator[tuple[int, int]]:
    """Yield each track of a programme with the number of its codec."""
    at = 12 + (int.from_bytes(section[10:12], "big") & 0xFFF)
    while at + 5 <= len(section):
        yield int.from_bytes(section[at + 1 : at + 3], "big") & 0x1FFF, section[at]
        at += 5 + (int.from_bytes(section[at + 3 : at + 5], "big") & 0xFFF)


def _number(file: BinaryIO, length: int) -> int:
    return int.from_bytes(file.read(length), "big")
