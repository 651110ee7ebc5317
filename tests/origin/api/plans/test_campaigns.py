"""Campaigns over HTTP: whole documents with lines and creatives, changed in one transaction or not at all."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import select

from sync.origin.planning.campaigns import CampaignDraft
from sync.origin.store import campaigns as campaign_statements
from sync.origin.store.reports.billable_rules import rules_of
from sync.origin.tables.plans import billable_rules
from tests.origin.planning_origin import Client, PlanningOrigin, request_json

WINDOW = {"weekdays": [6, 7], "start": "10:00", "end": "18:00"}


def _line(*media: str, **more: Any) -> dict[str, Any]:
    return {"name": "Half of all ads", "creatives": [{"media": one} for one in media], **more}


def _campaign(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": "Fizzo summer",
        "advertiser": "Fizzo",
        "starts_at": "2026-03-01T00:00:00.000Z",
        "ends_at": "2026-04-01T00:00:00.000Z",
        "lines": list(lines),
        **more,
    }


async def test_a_campaign_comes_back_as_it_was_sent_in_order(planning: PlanningOrigin, client: Client) -> None:
    for media in ("a", "b"):
        await planning.make_media(media)
    terms = {
        "category": "soft drinks",
        "share_ppm": 500_000,
        "weight": 3,
        "windows": [WINDOW],
        "category_gap": 2,
        "advertiser_gap": 0,
    }
    creative = {
        "media": "a",
        "title": "Bubbles",
        "duration_ms": 3000,
        "fit": "cover",
        "background": "#00ff00",
        "volume": 0,
    }
    body = _campaign(_line("b", "a", **terms), {"name": "Rest", "creatives": [creative]})
    async with client.post("/v1/campaigns", json=body) as answer:
        assert answer.status == 201
        made = await answer.json()
        assert answer.headers["Location"] == f"/v1/campaigns/{made['id']}"
    assert {key: made["lines"][0][key] for key in terms} == terms
    assert [one["media"] for one in made["lines"][0]["creatives"]] == ["b", "a"]
    assert {key: made["lines"][1]["creatives"][0][key] for key in creative} == creative
    assert (made["channel"], made["starts_at"], made["ends_at"]) == (None, body["starts_at"], body["ends_at"])
    assert await request_json(client, "GET", f"/v1/campaigns/{made['id']}") == (200, made)
    assert (await request_json(client, "GET", "/v1/campaigns"))[1]["campaigns"] == [made]
    assert ("campaigns", made["id"]) in planning.changes


async def test_lines_and_creatives_sent_with_their_id_keep_it(planning: PlanningOrigin, client: Client) -> None:
    for media in ("a", "b"):
        await planning.make_media(media)
    made = (await request_json(client, "POST", "/v1/campaigns", _campaign(_line("a", "b"))))[1]
    changed = made["lines"][0] | {"creatives": list(reversed(made["lines"][0]["creatives"])), "name": "More"}
    path = f"/v1/campaigns/{made['id']}"
    status, kept = await request_json(client, "PUT", path, _campaign(_line("a"), changed), etag='"1"')
    assert (status, kept["version"], kept["lines"][1]) == (200, 2, changed)
    status, problem = await request_json(client, "POST", "/v1/campaigns", _campaign(changed))
    assert (status, list(problem["fields"])) == (422, ["lines.0.id"])
    status, problem = await request_json(client, "POST", "/v1/campaigns", _campaign({**changed, "id": None}))
    assert (status, len(problem["fields"])) == (422, 2)


async def test_of_two_writers_at_once_one_learns_it_lost(planning: PlanningOrigin, client: Client) -> None:
    await planning.make_media("a")
    made = (await request_json(client, "POST", "/v1/campaigns", _campaign(_line("a"))))[1]
    path = f"/v1/campaigns/{made['id']}"
    bodies = [_campaign(*([_line("a")] * count)) for count in (2, 4)]
    answers = await asyncio.gather(*(request_json(client, "PUT", path, body, etag='"1"') for body in bodies))
    assert sorted(status for status, _ in answers) == [200, 412]
    stored = next(document for status, document in answers if status == 200)
    assert (await request_json(client, "GET", path))[1] == stored
    assert (await request_json(client, "PUT", path, bodies[0]))[0] == 428


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"channel": "none"}, "channel"),
        ({"ends_at": "2026-02-01T00:00:00Z"}, "ends_at"),
        ({"lines": []}, "lines"),
        ({"lines": [{"name": "x", "creatives": []}]}, "lines.0.creatives"),
        ({"lines": [_line("a"), _line("a", "none")]}, "lines.1.creatives.1.media"),
        ({"lines": [_line("a", share_ppm=600_000), _line("a", share_ppm=500_000)]}, "lines"),
        ({"lines": [_line("a", share_ppm=0)]}, "lines.0.share_ppm"),
        ({"lines": [_line("a", windows=[{"start": "nine"}])]}, "lines.0.windows.0.start"),
        ({"lines": [_line("a", windows=[{"from": "09:00"}])]}, "lines.0.windows.0.from"),
        ({"budget": 5}, "budget"),
    ],
)
async def test_a_wrong_field_is_named_and_nothing_is_made(
    planning: PlanningOrigin, client: Client, change: dict[str, Any], field: str
) -> None:
    await planning.make_media("a")
    status, problem = await request_json(client, "POST", "/v1/campaigns", _campaign(_line("a"), **change))
    assert (status, list(problem["fields"])) == (422, [field])
    assert (await request_json(client, "GET", "/v1/campaigns"))[1]["campaigns"] == []


async def test_a_fault_in_mid_transaction_leaves_the_old_campaign_whole(
    planning: PlanningOrigin, monkeypatch: pytest.MonkeyPatch
) -> None:
    await planning.make_media("a")
    stored = await planning.campaigns.create(CampaignDraft.model_validate(_campaign(_line("a"), _line("a"))))

    async def crash(*arguments: object) -> None:
        raise KeyboardInterrupt  # the campaign has its new name, its old lines are deleted

    monkeypatch.setattr(campaign_statements, "_write_lines", crash)
    with pytest.raises(KeyboardInterrupt):
        draft = CampaignDraft.model_validate(_campaign(_line("a"), name="New"))
        await planning.campaigns.replace(stored.id, draft, version=1)
    monkeypatch.undo()
    assert await planning.campaigns.get(stored.id) == stored


async def test_a_media_an_ad_shows_cannot_vanish_and_is_free_once_the_campaign_is_gone(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.make_media("a")
    made = (await request_json(client, "POST", "/v1/campaigns", _campaign(_line("a"))))[1]
    assert (await request_json(client, "DELETE", f"/v1/campaigns/{made['id']}", etag='"2"'))[0] == 412
    assert (await request_json(client, "DELETE", f"/v1/campaigns/{made['id']}"))[0] == 204
    assert (await request_json(client, "DELETE", f"/v1/campaigns/{made['id']}"))[0] == 404
    await planning.replacements.remove(["a"])


async def test_a_line_says_when_it_is_billed_and_each_rule_it_ever_had_stays(
    planning: PlanningOrigin, client: Client
) -> None:
    await planning.make_media("spot")
    line = _line("spot")
    _, campaign = await request_json(client, "POST", "/v1/campaigns", _campaign(line))
    default = {"kind": "complete", "tolerance_ms": 500, "fraction_ppm": 750_000, "least_ms": 2_000}
    assert campaign["lines"][0]["billable_rule"] == default | {"unknown_screen": True}
    made = campaign["lines"][0]["id"]
    rules: tuple[dict[str, Any], ...] = ({"kind": "min_fraction"}, {"kind": "min_fraction"}, {"kind": "on_render"}, {})
    for number, rule in enumerate(rules, 1):
        path, body = f"/v1/campaigns/{campaign['id']}", _campaign(line | {"id": made, "billable_rule": rule})
        status, changed = await request_json(client, "PUT", path, body, etag=f'"{number}"')
        assert (status, changed["lines"][0]["billable_rule"]["kind"]) == (200, rule.get("kind", "complete"))
    assert (await request_json(client, "DELETE", path))[0] == 204
    async with planning.database.reading() as connection:
        rows = await connection.execute(select(billable_rules.c.version, billable_rules.c.rule["kind"].as_string()))
        assert [tuple(row) for row in rows] == [(1, "min_fraction"), (2, "on_render"), (3, "complete")]
        assert (await connection.run_sync(rules_of, [made, "other"]))[made][0] == 3
    wrong: list[dict[str, Any]] = [
        {"kind": "always"},
        {"fraction_ppm": 0},
        {"fraction_ppm": 1_000_001},
        {"tolerance_ms": -1},
        {"extra": 1},
    ]
    for one in wrong:
        status, problem = await request_json(client, "POST", "/v1/campaigns", _campaign(line | {"billable_rule": one}))
        assert status == 422 and next(iter(problem["fields"])).startswith("lines.0.billable_rule"), problem
