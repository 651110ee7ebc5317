"""What docs/scale.md says follows from its costs: a plan holds, costs grow with devices, and each lever helps."""

from dataclasses import replace

import pytest
import scale_costs as costs
from scale import SIZES, Assumptions, Setup, bytes_of, day_of, month_eur, needs, plan, pulled
from scale_page import page

GIVEN = Assumptions()


@pytest.mark.parametrize("devices", SIZES)
def test_a_plan_holds_and_its_last_step_was_needed(devices: int) -> None:
    found = plan(devices)
    assert all(need.share <= 1 for need in needs(devices, found.setup, GIVEN))
    assert all(step.broke.share > 1 for step in found.steps)


def test_more_devices_cost_more_and_need_no_less() -> None:
    plans = [plan(devices) for devices in SIZES]
    spent = [sum(month_eur(one, GIVEN).values()) for one in plans]
    machines = [one.setup.origins * one.setup.fleets for one in plans]
    assert spent == sorted(spent) and machines == sorted(machines)


def test_a_plan_grows_with_its_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    before = plan(100_000).setup
    dearer = replace_value(costs.MINUTE_ON_POSTGRESQL, 3 * costs.MINUTE_ON_POSTGRESQL.value)
    monkeypatch.setattr(costs, "MINUTE_ON_POSTGRESQL", dearer)
    after = plan(100_000).setup
    assert after.origins * after.fleets > 2 * before.origins * before.fleets


def replace_value(cost: costs.Cost, value: float) -> costs.Cost:
    return cost._replace(value=value)


@pytest.mark.parametrize("lever", ["PostgreSQL", "several origins", "fleets apart", "archived plays", "a CDN"])
def test_each_lever_changes_the_setup(lever: str) -> None:
    assert pulled(lever, Setup(database="PostgreSQL" if "s " in lever else "SQLite")) != Setup()


def test_a_longer_period_asks_less_and_has_as_many_plays() -> None:
    often, seldom = (day_of(1000, replace(Setup(), period_s=period_s), GIVEN) for period_s in (60.0, 300.0))
    assert seldom["requests"] < often["requests"] / 4
    assert (seldom["plays"], seldom["gb_rows"]) == (often["plays"], often["gb_rows"])
    assert seldom["origin_hours"] < often["origin_hours"]


def test_the_page_names_every_cost_and_how_it_is_measured() -> None:
    text = page()
    for one in vars(costs).values():
        if isinstance(one, costs.Cost):
            assert f"| {one.what} | " in text and one.source in text
    assert f"{bytes_of('exchange'):,}" in text
