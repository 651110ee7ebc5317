"""One site for the whole folder, published to and watched by its tests in order."""

from collections.abc import Iterator

import pytest

from tests.display import start_xvfb
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
    with start_xvfb() as display:
        site = Site(folder, display)
        media = folder / "media"
        media.mkdir()
        video(media / "red.mp4", "red")
        picture(media / "green.png", "lime")
        video(media / "blue.mp4", "blue", size="640x480", rate=25)
        (media / "playlist.toml").write_text(PLAYLIST)
        try:
            site.publish()
            site.start("origin")
            site.start("player")
            until(lambda: len({play["title"] for play in site.complete()}) >= 3, "a complete play of each item")
            yield site
        finally:
            site.close()
