"""Two heats by hand that may not wait at all between two stages, and a transfer that takes no time."""

from __future__ import annotations

import pytest

from emberline import twin
from emberline.models import explain
from emberline.planning.plan.record import Plan, violations
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case, ScenarioError, loads
from emberline.studies.difference import difference
from emberline.studies.why import quick

TEXT = """
name: no-wait
horizon: {start: 2026-03-10, zone: UTC, length_h: 6, step_min: 60}
site: {grid: {metered_interval_min: 60}}
line:
  stages:
    - {name: melting, longest_wait_min: 0, units: [{name: F1, power_mw: 10}]}
    - {name: casting, units: [{name: C1, power_mw: 1}]}
  grades: [{name: G, mass_t: 100, duration_min: {melting: 60, casting: 120}}]
orders:
  - {name: H1, heats: [{grade: G}]}
  - {name: H2, heats: [{grade: G}]}
market:
  price_per_mwh: 10
  carbon_intensity_kg_per_mwh: {values: [100, 100, 400, 300, 300, 300], start: 2026-03-10T00:00Z, interval_min: 60}
disturbances: {replications: 0}
goal: {minimize: carbon, gap: 0 %, effort: 20}
"""


def scenario(*changes: str) -> Case:
    return loads(TEXT, overrides=list(changes))


def starts(result: Plan, stage: str) -> list[float]:
    assert result.schedule is not None
    return sorted(result.schedule["start_min"].sel(stage=stage).values.tolist())


def test_heats_that_may_not_wait_melt_when_the_caster_is_free() -> None:
    """Proves: with a longest wait of 0 casting begins when melting ends, in baseline, plan and replay: the least carbon
    is that of all pairs of starts two hours apart, counted by hand; without the limit both heats melt in the two
    hours at 100 kg/MWh. Sensitivity: 0 taken for no limit, or for one slot of play."""
    result = make_plan(scenario(), PLAIN)
    assert result.acceptable, result.verdict
    melting, casting = starts(result, "melting"), starts(result, "casting")
    assert [start + 60 for start in melting] == casting
    assert casting[1] - casting[0] >= 120
    assert result.objective is not None
    assert result.bound == pytest.approx(result.objective)
    by_hand = min(
        10 * (price[a] + price[b]) + sum(price[a + 1 : a + 3] + price[b + 1 : b + 3])
        for price in ([100, 100, 400, 300, 300, 300],)
        for a in range(4)
        for b in range(a + 2, 4)
    )
    assert result.replay_figures is not None
    assert result.replay_figures.carbon_kg == pytest.approx(by_hand)
    assert not violations(twin.simulate(scenario()))
    free = make_plan(scenario("line.stages.0.longest_wait_min=null"), PLAIN)
    assert starts(free, "melting") == [0, 60]
    assert difference(free, result).heats


def test_a_wait_is_a_violation_and_a_limit_that_gives_way() -> None:
    """Proves: the twin finds fault with the schedule that waits an hour; where locks leave no plan, the limit of 0 is
    among those that give way, and each repair has a plan; a transfer that takes time contradicts no wait.
    Sensitivity: a limit of 0 that checks or explanations leave out."""
    free = make_plan(scenario("line.stages.0.longest_wait_min=null"), PLAIN)
    assert free.schedule is not None
    waited = twin.replay(scenario(), free.schedule)
    assert [row["kind"] for row in violations(waited)] == ["wait"]
    locks = [f"{{heat: H{i + 1}-1, stage: melting, start: {60 * i} min}}" for i in range(2)]
    tight = "horizon.length_h=5", f"locks=[{', '.join(locks)}]"
    assert not make_plan(scenario(*tight), PLAIN).has_schedule
    limits = {limit.key: limit for limit in explain.limits(scenario(*tight))}
    assert limits["line.stages.melting.longest_wait_min"].value == 0
    repairs = quick.quick(lambda more: scenario(*tight, *more), work=20).repairs
    assert repairs
    for repair in repairs:
        assert make_plan(scenario(*tight, *repair.overrides), PLAIN).has_schedule
    with pytest.raises(ScenarioError, match="longest_wait_min 0 is shorter than the longest transfer of 10 min"):
        scenario("line.stages.0.transfer_min=10")
