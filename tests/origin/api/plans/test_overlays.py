"""Overlays are a part of a channel's schedule: kept whole, their logos published, and gone once they are over."""

from typing import Any

import pytest

from sync.errors import Conflict, Rejected
from sync.origin.planning.playlists import PlaylistDraft, PlaylistItem
from sync.origin.planning.schedules import LogoDraft, ScheduleDraft, TickerDraft
from sync.origin.publishing.release_compiler import compile_release
from sync.trust.acceptance import referenced_assets
from sync.wire.overlay import Logo, Ticker
from tests.origin.planning_origin import Client, PlanningOrigin, request_json

TICKER: dict[str, Any] = {
    "kind": "ticker",
    "text": "Soup of the day: lentils",
    "edge": "top",
    "height_percent": 10,
    "colour": "#ff0000",
    "background": "#00ff00",
    "speed_percent": 20,
    "starts_at": None,
    "ends_at": "2030-01-01T00:00:00.000Z",
}
LOGO: dict[str, Any] = {"kind": "logo", "media": "logo", "corner": "bottom-left", "width_percent": 20}


async def test_overlays_come_back_as_they_were_sent_and_keep_their_ids(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.make_media("logo")
    made = (await request_json(client, "PUT", "/v1/schedule/main", {"overlays": [TICKER, LOGO]}))[1]
    ticker, logo = made["overlays"]
    assert {key: ticker[key] for key in TICKER} == TICKER
    assert {key: logo[key] for key in LOGO} == LOGO
    body = {"overlays": [logo, ticker | {"text": "Soup is out"}]}
    kept = (await request_json(client, "PUT", "/v1/schedule/main", body, etag='"1"'))[1]
    assert kept["overlays"] == body["overlays"]
    assert (await request_json(client, "PUT", "/v1/schedule/bar", body))[1]["fields"].keys() == {
        "overlays.0.id",
        "overlays.1.id",
    }
    with pytest.raises(Conflict):
        await planning.replacements.remove(["logo"])


@pytest.mark.parametrize(
    ("overlay", "field"),
    [
        (LOGO | {"media": "none"}, "overlays.0.media"),
        (LOGO | {"width_percent": 51}, "overlays.0.logo.width_percent"),
        (TICKER | {"text": " "}, "overlays.0.ticker.text"),
        (TICKER | {"text": "two\nlines"}, "overlays.0.ticker.text"),
        (TICKER | {"size": 3}, "overlays.0.ticker.size"),
        (TICKER | {"starts_at": "2031-01-01T00:00:00Z"}, "overlays.0.ticker.ends_at"),
        ({"kind": "clock"}, "overlays.0"),
    ],
)
async def test_a_wrong_overlay_is_named(client: Client, overlay: dict[str, Any], field: str) -> None:
    status, problem = await request_json(client, "PUT", "/v1/schedule/main", {"overlays": [overlay]})
    assert (status, list(problem["fields"])) == (422, [field])


async def test_a_release_carries_what_is_not_over_with_its_logos(planning: PlanningOrigin) -> None:
    for media in ("logo", "shown"):
        await planning.make_media(media)
    await planning.make_media("clip", video=True)
    playlist = await planning.playlists.create(PlaylistDraft(name="All", items=(PlaylistItem(media="shown"),)))
    now = planning.clock.now()
    over = TickerDraft(text="over", ends_at=now)
    overlays = (over, TickerDraft(text="news"), LogoDraft(media="logo"))
    await planning.schedules.create("main", ScheduleDraft(default_playlist=playlist.id, overlays=overlays))
    plan = await planning.releases.plan("main")
    release = compile_release(plan, created_at=now, now=now)
    ticker, logo = release.overlays
    assert isinstance(ticker, Ticker) and ticker.text == "news"
    assert isinstance(logo, Logo) and logo.asset == plan.logos["logo"].asset.sha256  # type: ignore[union-attr]
    assert referenced_assets(release) == {asset.sha256 for asset in release.assets} and len(release.assets) == 2
    assert (await planning.publisher.publish("main")).record.sequence == 1
    moving = ScheduleDraft(default_playlist=playlist.id, overlays=(LogoDraft(media="clip"),))
    await planning.schedules.replace("main", moving, version=1)
    with pytest.raises(Rejected) as caught:
        await planning.publisher.publish("main")
    assert list(caught.value.fields) == ["overlays.0"]
