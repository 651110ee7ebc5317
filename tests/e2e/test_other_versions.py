"""Origin and screens of the released version and of this one, updated in either order on the folders they have."""

import json
import sqlite3
import urllib.request
import zipfile
from contextlib import closing
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from sync.runtime.clock import SystemClock
from tests.e2e.site import Site, until, video
from tests.long_tables import in_bench
from tests.released import CODE, program_of

pytestmark = pytest.mark.display


def tables_of(site: Site) -> set[str]:
    with closing(sqlite3.connect(site.folder / "origin" / "origin.db")) as database:
        return {name for (name,) in database.execute("SELECT name FROM sqlite_master")}


def book_ad(site: Site) -> None:
    """Book an ad on all channels; it goes out with the next release."""
    media = site.ask("origin", "/v1/media")["media"][0]["id"]
    campaign = {
        "name": "north",
        "advertiser": "north",
        "starts_at": "2020-01-01T00:00:00Z",
        "ends_at": "2099-01-01T00:00:00Z",
        "lines": [{"name": "all day", "creatives": [{"media": media, "title": "spot"}]}],
    }
    request = urllib.request.Request(
        f"http://127.0.0.1:{site.ports['origin']}/v1/campaigns",
        data=json.dumps(campaign).encode(),
        headers={"Authorization": f"Bearer {site.key()}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 201


def plays_all(site: Site, titles: set[str], what: str) -> None:
    until(lambda: titles <= {play["title"] for play in site.complete()}, what)


def plays_since(site: Site, at: datetime) -> bool:
    return any(datetime.fromisoformat(play["started_at"]) > at for play in site.complete())


@pytest.mark.parametrize("first", ["origin", *in_bench("player")])
def test_either_side_may_be_updated_first(first: str, tmp_path: Path, display: str) -> None:
    zipfile.ZipFile(CODE).extractall(tmp_path / "released")
    released = {
        "origin": program_of(tmp_path / "released", "sync.origin.app.cli"),
        "player": program_of(tmp_path / "released", "player.app.cli"),
    }
    site = Site(tmp_path, display, programs=released)
    (tmp_path / "media").mkdir()
    video(tmp_path / "media" / "red.mp4", "red", seconds=1.0)
    try:
        site.publish()
        site.start("origin")
        site.start("player")
        until(lambda: bool(site.complete()), "a play of the released version reaches the released origin")
        assert "alembic_version" not in tables_of(site)  # the code of this version would have made it
        second = {"origin": "player", "player": "origin"}[first]
        for updated, colour in ((first, "lime"), (second, "blue")):
            site.stop(updated)
            del site.programs[updated]
            updated_at = SystemClock().now()
            site.start(updated)
            if updated == "origin":
                book_ad(site)
            if updated == "origin" or site.programs:  # else what the new origin published is on air
                video(tmp_path / "media" / f"{colour}.mp4", colour, seconds=1.0)
                site.publish()
                plays_all(site, {colour, "red"}, f"the new release is played after the update of the {updated}")
            until(partial(plays_since, site, updated_at), f"and proven after the update of the {updated}")
            if updated == "origin":
                until(lambda: any(play["kind"] == "ad" for play in site.complete()), "the ad of the new origin")
        plays = sorted(site.plays(), key=lambda play: play["sequence"])
        assert [play["sequence"] for play in plays] == list(range(1, len(plays) + 1))
        assert [play for play in plays if play.get("set_aside")] == []
        assert plays[-1]["boot_id"] and plays[-1]["frames_shown"], (
            "also those that the released origin was the first to get"
        )
    finally:
        site.close()
