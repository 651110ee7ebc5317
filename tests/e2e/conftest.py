"""One site for the whole folder, published to and watched by its tests in order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.display import start_xvfb
from tests.e2e.alone import alone
from tests.e2e.site import Site, picture, until, video

PLAYLIST = """
[[items]]
file = "red.mp4"

[[items]]
file = "green.png"
duration_ms = 1000

[[items]]
file = "blue.mp4"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site where all three items were on the display and proven."""
    folder = tmp_path_factory.mktemp("site")
    with start_xvfb(640, 360) as display:
        site = Site(folder, display, extra={"SIGNAGE_PLAYER__ORIGIN__HEARTBEAT_S": "2"})
        media = folder / "media"
        media.mkdir()
        video(media / "red.mp4", "red")
        picture(media / "green.png", "lime")
        video(media / "blue.mp4", "blue", size="320x240", rate=15)
        (media / "playlist.toml").write_text(PLAYLIST)
        try:
            site.publish()
            site.start("origin")
            site.start("player")
            until(lambda: len({play["title"] for play in site.complete()}) >= 3, "a complete play of each item")
            yield site
        finally:
            site.close()


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("media")
    video(folder / "red.mp4", "red", seconds=1.0)
    video(folder / "blue.mp4", "blue", seconds=1.0, size="320x240", rate=15)
    video(folder / "frame.mp4", "white", seconds=0.03)
    picture(folder / "green.png", "lime")
    picture(folder / "yellow.png", "yellow")
    return folder


@pytest.fixture(scope="module")
def display() -> Iterator[str]:
    with start_xvfb(640, 360) as name:
        yield name


@pytest.fixture
def player(tmp_path: Path, media: Path, display: str) -> Iterator[Site]:
    """A player that is not started yet, and holds three good items."""
    with alone(tmp_path, media, display) as site:
        yield site
