"""Cropping and encryption are read from the headers of files that ffmpeg made and the test changed."""

import io
import struct
from pathlib import Path

import pytest

from sync.origin.store.media.media_rows import MediaState
from sync.origin.transcode.film.containers import NOTHING_HIDDEN, HiddenFacts, Loss, hidden_facts
from sync.origin.transcode.film.geometry import Crop
from tests.origin.media_origin import MediaOrigin
from tests.origin.samples import Samples
from tests.origin.transcode.test_pictures import near
from tests.origin.transcode.test_video import X264, colour_of

KEY = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76" * 16, "-encryption_kid", "a7" * 16)


def with_box(film: bytes, box: bytes) -> bytes:
    """Return an MP4, its index at its end, with one more box in the sample entry of its only track."""
    at = size = 0
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"):
        at = film.index(kind, at) - 4
        size = int.from_bytes(film[at : at + 4], "big")
        film = film[:at] + (size + len(box)).to_bytes(4, "big") + film[at + 4 :]
        at += 4
    return film[: at - 4 + size] + box + film[at - 4 + size :]


def clap(*numbers: int) -> bytes:
    return struct.pack(">I4s8i", 40, b"clap", *numbers)


def element(kind: int, content: bytes) -> bytes:
    name = kind.to_bytes((kind.bit_length() + 7) // 8, "big")
    return name + (len(content) | 1 << 56).to_bytes(8, "big") + content


def matroska(*of_track: bytes, video: bytes = b"") -> bytes:
    size = element(0xB0, b"\x02\xd0") + element(0xBA, b"\x02\x40")
    track = element(0xAE, element(0xE0, size + video) + b"".join(of_track))
    return element(0x1A45DFA3, b"") + element(0x18538067, element(0xEC, bytes(9)) + element(0x1654AE6B, track))


async def test_only_the_clean_aperture_of_a_film_is_shown(media_origin: MediaOrigin, samples: Samples) -> None:
    whole, cropped = samples.folder / "border.mp4", samples.folder / "aperture.mov"
    border = ("-vf", "drawbox=0:0:180:100:red:10")
    samples.ffmpeg("-f", "lavfi", "-i", "color=blue:s=180x100:r=25:d=1", *border, *X264, str(whole))
    cropped.write_bytes(with_box(whole.read_bytes(), clap(160, 1, 80, 1, 0, 1, 0, 1)))
    row = await media_origin.process_file(cropped)
    assert row.asset and (row.asset.width, row.asset.height) == (160, 80), row.problem
    assert near(colour_of(media_origin.asset_file(row), "crop=16:16:0:0"), (0, 0, 254), off=25)


@pytest.mark.parametrize(
    ("numbers", "crop"),
    [
        ((704, 1, 576, 1, 0, 1, 0, 1), Crop(704, 576, 8, 0)),
        ((702, 1, 576, 1, 18, 2, -4, 4), None),  # beyond the upper edge
        ((41472, 59, 576, 1, 0, 1, 0, 1), Crop(703, 576, 9, 0)),
        ((640, 1, 480, 1, -40, 1, 48, 1), Crop(640, 480, 0, 96)),
        ((720, 1, 576, 1, 0, 1, 0, 1), None),
        ((704, 0, 576, 1, 0, 1, 0, 1), None),
        ((-704, 1, 576, 1, 0, 1, 0, 1), None),
    ],
)
def test_a_clean_aperture_is_a_size_and_a_centre(numbers: tuple[int, ...], crop: Crop | None) -> None:
    visual = bytes(24) + struct.pack(">2H", 720, 576) + bytes(50) + clap(*numbers)
    film = struct.pack(">I4sQI4s", 24 + len(visual), b"stsd", 1, len(visual) + 8, b"avc1") + visual
    for kind in (b"stbl", b"minf", b"mdia", b"trak", b"moov"):
        film = struct.pack(">I4s", len(film) + 8, kind) + film
    assert hidden_facts(io.BytesIO(film)).crops == (crop,)
    assert all(hidden_facts(io.BytesIO(film[:cut])).crops in ((), (None,)) for cut in range(0, len(film), 7))


def test_matroska_says_what_to_crop_and_that_it_is_encrypted() -> None:
    crop = element(0x54AA, b"\x10") + element(0x54BB, b"\x20") + element(0x54CC, b"\x08") + element(0x54DD, b"\x08")
    assert hidden_facts(io.BytesIO(matroska(video=crop))) == HiddenFacts((Crop(704, 528, 8, 32),))
    assert hidden_facts(io.BytesIO(matroska())) == HiddenFacts((None,))
    locked = element(0x6D80, element(0x6240, element(0x5035, b"")))
    assert hidden_facts(io.BytesIO(matroska(locked))).encrypted
    assert hidden_facts(io.BytesIO(b"")) == NOTHING_HIDDEN
    film = matroska(locked, video=crop)
    for cut in range(4, len(film)):
        assert len(hidden_facts(io.BytesIO(film[:cut])).crops) <= 1


@pytest.mark.parametrize(("at", "size"), [(0, 188), (0, 204), (4, 192)])
def test_a_stream_with_a_packet_that_does_not_begin_as_one_is_broken(at: int, size: int) -> None:
    whole = (bytes(at) + b"G\x1f\xff\x10" + bytes(size - 4 - at)) * 30_000
    assert not hidden_facts(io.BytesIO(whole)).broken and not hidden_facts(io.BytesIO(whole[:-50])).broken
    assert hidden_facts(io.BytesIO(whole[: size * 25_000] + whole[size * 25_000 + 1 :])).broken
    assert not hidden_facts(io.BytesIO(b"Go on" * 1000)).broken, "that is no stream"


def packet(track: int, count: int, *, begins: bool = False, announced: bool = False) -> bytes:
    """Return a packet of an MPEG-TS with content; `announced`: it says that its count begins anew."""
    head = struct.pack(">BHB", 0x47, begins << 14 | track, (0x30 if announced else 0x10) | count & 15)
    return (head + (b"\x01\x80" if announced else b"")).ljust(188, b"\xff")


def test_packets_that_are_not_there_are_missed_by_their_count() -> None:
    whole = [packet(256 + n % 2, n // 2) for n in range(60)]
    assert hidden_facts(io.BytesIO(b"".join(whole))) == NOTHING_HIDDEN
    twice = [*whole[:9], whole[8], *whole[9:]]
    assert hidden_facts(io.BytesIO(b"".join(twice))) == NOTHING_HIDDEN
    anew = [packet(n, 9, announced=True) for n in (256, 257)]
    assert hidden_facts(io.BytesIO(b"".join([*whole, *anew]))) == NOTHING_HIDDEN
    padded = [*whole[:20], packet(0x1FFF, 0), packet(0x1FFF, 9), *whole[20:]]
    assert hidden_facts(io.BytesIO(b"".join(padded))) == NOTHING_HIDDEN
    lost = b"".join([*whole[:20], packet(256, 11, begins=True), *whole[23:]])
    places = (Loss(256, 20 * 188, True), Loss(257, 21 * 188, False))
    assert hidden_facts(io.BytesIO(lost)).losses == places
    assert hidden_facts(io.BytesIO(b"\0" * 7 + lost)).losses == tuple(one._replace(at=one.at + 7) for one in places)


@pytest.mark.parametrize("name", ["locked.m4a", "locked.ts"])
async def test_an_encrypted_file_is_refused_as_such(media_origin: MediaOrigin, samples: Samples, name: str) -> None:
    source = samples.folder / name
    if name == "locked.m4a":
        samples.ffmpeg("-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac", "-f", "mp4", *KEY, str(source))
    else:
        samples.ffmpeg("-f", "lavfi", "-i", "testsrc=s=160x90:r=10:d=1", *X264, str(source))
        source.write_bytes(scrambled(source))
    row = await media_origin.process_file(source)
    assert row.state is MediaState.FAILED and row.problem and "encrypted" in row.problem, row.problem


def scrambled(stream: Path) -> bytes:
    """Return an MPEG-TS whose packets with content say that they are scrambled, and are random."""
    data = bytearray(stream.read_bytes())
    for at in range(0, len(data), 188):
        if data[at + 1] & 0x1F:
            data[at + 3] |= 0x80
            data[at + 4 : at + 188] = bytes((n * n + at) % 251 for n in range(184))
    return bytes(data)
