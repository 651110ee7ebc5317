"""The shape of media as libVLC's list of tracks has it, read before anything is shown."""

import threading
from pathlib import Path

import pytest
import vlc
from shape_films import Film

from player.deck.vlc.media_shape import MediaShape, shape_of, tells_its_shape_late


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        (Film("square pixels"), MediaShape(1280, 720)),
        (Film("PAL 16:9"), MediaShape(1024, 576)),
        (Film("16:9 in a container that says 4:3"), MediaShape(768, 576)),
        (Film("PAL 16:9", turned=90), MediaShape(576, 1024, transposed=True)),
        (Film("PAL 4:3", turned=180), MediaShape(768, 576)),
        (Film("HDV", "MPEG-2 transport stream"), None),  # its shape is in the stream only
    ],
    ids=str,
)
def test_the_shape_of_a_film(film: Film, expected: MediaShape | None, tmp_path: Path) -> None:
    path = film.make(tmp_path, seconds=0.2)
    media = vlc.Instance("--quiet", "--no-lua").media_new_path(str(path))
    parsed = threading.Event()
    media.event_manager().event_attach(vlc.EventType.MediaParsedChanged, lambda _: parsed.set())
    media.parse_with_options(vlc.MediaParseFlag.local, 10_000)
    assert parsed.wait(60)
    assert shape_of(media) == expected


def test_nothing_open_has_no_shape() -> None:
    assert shape_of(None) is None


@pytest.mark.parametrize(("encoding", "late"), [("MPEG-2 transport stream", True), ("MPEG-2 in MP4", False)])
def test_a_transport_stream_tells_its_shape_late(encoding: str, late: bool, tmp_path: Path) -> None:
    assert tells_its_shape_late(str(Film("HDV", encoding).make(tmp_path, seconds=0.2))) is late


def test_what_is_no_film_tells_no_shape_late(tmp_path: Path) -> None:
    for content in (b"", b"G", b"G" * 188):
        (tmp_path / "file").write_bytes(content)
        assert not tells_its_shape_late(str(tmp_path / "file"))
    assert not tells_its_shape_late(str(tmp_path / "missing"))
