"""The shape of media as libVLC's list of tracks has it, read before anything is shown."""

import threading
from pathlib import Path

import pytest
import vlc
from shape_films import FILMS

from player.deck.vlc.media_shape import MediaShape, shape_of


@pytest.mark.parametrize(
    ("film", "expected"),
    [
        ("square pixels", MediaShape(1280, 720)),
        ("PAL 16:9, H.264", MediaShape(1024, 576)),
        ("16:9 in a container that says 4:3", MediaShape(768, 576)),
        ("PAL 16:9, turned by 90", MediaShape(576, 1024, transposed=True)),
        ("PAL 4:3, turned by 180", MediaShape(768, 576)),
        ("HDV, MPEG-2", None),  # its shape is in the stream only
    ],
)
def test_the_shape_of_a_film(film: str, expected: MediaShape | None, tmp_path: Path) -> None:
    FILMS[film].make(tmp_path / "film", seconds=0.2)
    media = vlc.Instance("--quiet", "--no-lua").media_new_path(str(tmp_path / "film"))
    parsed = threading.Event()
    media.event_manager().event_attach(vlc.EventType.MediaParsedChanged, lambda _: parsed.set())
    media.parse_with_options(vlc.MediaParseFlag.local, 10_000)
    assert parsed.wait(10)
    assert shape_of(media) == expected


def test_nothing_open_has_no_shape() -> None:
    assert shape_of(None) is None
