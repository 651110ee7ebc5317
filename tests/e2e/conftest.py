"""One site for the whole folder, published to and watched by its tests in order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.display import start_xvfb
from tests.e2e.site import Site, picture, video

PLAYLIST = """
[[items]]
file = "red.mp4"

[[items]]
file = "green.png"
duration_s = 1.5

[[items]]
file = "blue.mp4"
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with start_xvfb() as display:
        site = Site(tmp_path, display)
        media = tmp_path / "media"
        media.mkdir()
        video(media / "red.mp4", "red")
        picture(media / "green.png", "lime")
        video(media / "blue.mp4", "blue", size="640x480", rate=25)
        (media / "playlist.toml").write_text(PLAYLIST)
        try:
            yield site
        finally:
            site.close()
