"""The first answer to why there is no plan: counted, within seconds, with a repair that works."""

from __future__ import annotations

from collections.abc import Sequence

import broken
import pytest

from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, load, loads
from emberline.studies.why import quick

LIMIT = "site.grid.import_limit_mw=45"


def test_a_limit_below_every_heat_is_counted_before_any_search() -> None:
    """Proves: the run says why at once and no solver is started; the repair has a plan. Sensitivity: a search of 60 s
    that ends with: no schedule was found."""
    case = load("melt-shop-small", [LIMIT, "goal.effort=600"])
    result = make_plan(case, PLAIN)
    assert not result.has_schedule
    assert "optimize.search" not in result.seconds
    assert "draws 64.9 MW in a metered interval, and at best 50.1 MW are left for it" in result.reason
    answer = quick.quick(lambda more: load("melt-shop-small", [LIMIT, *more]))
    assert answer.missing[0] == quick.shortages(case)[0]
    assert any("finds no place for C1-1" in line for line in answer.missing)
    (first, *_) = answer.repairs
    assert first.says[0].startswith("import limit to 6")
    repaired = load("melt-shop-small", [LIMIT, *first.overrides, "goal.gap=1", "disturbances.replications=0"])
    assert make_plan(repaired, PLAIN).acceptable


@pytest.mark.parametrize(
    ("name", "change"),
    [("melt-shop-day", "orders.C1.heats.0.count=6"), ("melt-shop-day", "site.grid.import_limit_mw=190")],
)
def test_what_cannot_be_counted_has_a_first_repair_too(name: str, change: str) -> None:
    """Proves: where nothing is proven, the heats that the baseline leaves out are named, with a change with which it
    makes all, after a dozen lists at most. Sensitivity: no answer without a proof; limits approached by halves from
    their loosest value."""
    from emberline import twin

    lists: list[tuple[str, ...]] = []

    def changed(more: Sequence[str]) -> Case:
        lists.append(tuple(more))
        return load(name, [change, *more])

    answer = quick.quick(changed, work=20)
    first = answer.repairs[0]
    assert answer.status == "unknown"
    assert list(answer.missing) == quick.without_place(load(name, [change]))
    assert "the baseline finds no place for" in answer.missing[0]
    assert max(place for place, more in enumerate(lists) if more == first.overrides) <= 12
    assert twin.dispatch(load(name, [change, *first.overrides])).attrs["complete"]


@pytest.mark.parametrize("case", broken.LINE, ids=lambda case: case.says)
def test_repairs_of_broken_shops_work(case: broken.Broken) -> None:
    """Proves: for every broken shop whatever is offered makes a plan. Sensitivity: a repair that was not tried."""
    for repair in quick.quick(case.changed, work=20).repairs:
        repaired = case.changed([*repair.overrides, "goal.gap=1", "goal.effort=10", "disturbances.replications=0"])
        assert make_plan(repaired, PLAIN).has_schedule


def test_durations_that_are_planned_longer_prove_nothing_of_the_plant() -> None:
    """Proves: an order that is late only by durations above the nominal ones is said to be late as planned, with the
    key that makes them longer; one that is late by nominal durations is late by itself. Sensitivity: *cannot end
    before* of a time that the plant can keep."""
    due = "orders.C1.due=300 min"
    assert not quick.shortages(load("melt-shop-small", [due]))
    longer = quick.shortages(load("melt-shop-small", [due, "disturbances.planning_quantile=0.97"]))
    assert longer
    assert all(line.startswith("with the durations that are planned with") for line in longer)
    assert "planning_quantile" in longer[0]
    short = ["orders.C1.due=4 h", "disturbances.planning_quantile=0.97"]
    assert quick.shortages(load("melt-shop-small", short)) == quick.shortages(load("melt-shop-small", short[:1]))


def test_a_load_that_is_on_or_off_takes_the_next_whole_steps() -> None:
    """Proves: 29.3 MWh a day of a load of 2.2 MW in steps of 15 min are repaired to 29.15 or 29.7 MWh, and the twin
    accepts both. Sensitivity: 0 MWh as the only amount that was tried and fits."""
    text = """
name: crusher-house
horizon: {start: 2026-03-10, zone: UTC, days: 1, step_min: 15}
site:
  grid: {metered_interval_min: 15}
  base_load_mw: 1
  assets: [{kind: flexible_load, name: crusher, rate_limit: 2.2 MW, per_day: 29.3 MWh, min_load: 1}]
market: {price_per_mwh: 10, carbon_intensity_kg_per_mwh: 100}
disturbances: {replications: 0}
goal: {minimize: cost, effort: 20}
"""
    repairs = quick.quick(lambda more: loads(text, overrides=list(more)), work=20).repairs
    assert [repair.overrides for repair in repairs] == [
        (f"site.assets.crusher.per_day={amount}",) for amount in (29.15, 29.7)
    ]
    for repair in repairs:
        assert make_plan(loads(text, overrides=[*repair.overrides, "goal.gap=1"]), PLAIN).acceptable
