"""Tariff and contracts in a plan of heats: what is minimized is the bill, less what no plan can change."""

from __future__ import annotations

import pytest
from agreeing import small

from emberline.planning.accounts.bill import bill
from emberline.planning.plan.proof import judge
from emberline.planning.planner import PLAIN, make_plan

TARIFF = (
    "market.tariff={demand: [{name: peak, rates: [{per_mw: 900 EUR/MW}, {per_mw: 500 EUR/MW, above_mw: 60}]}],"
    " energy: [{name: use, rates: [{per_mwh: 6}, {per_mwh: 11, hours: 8-20}]}], levies: [{name: levy, per_mwh: 3}],"
    " fixed: [{name: meter, per_month: 4000}], taxes: [{name: tax, share: 10 %}]}"
)
CASES: dict[str, tuple[str, ...]] = {
    "tariff": (TARIFF,),
    "tariff, the month has a peak": (TARIFF, "state.peak_so_far_mw=55"),
    "falling blocks": ("market.tariff={energy: [{name: use, rates: [{per_mwh: 20}, {per_mwh: 8, above_mwh: 250}]}]}",),
    "a block with a spread": (
        "market.contracts=[{kind: base_block, name: base, mw: 60 MW, price_per_mwh: 35, unused_spread_per_mwh: 15}]",
    ),
    "half of it green": ("market.contracts=[{kind: green, name: wind, share: 50 %, price_per_mwh: 70}]",),
    "contract and tariff, shadow price": (
        TARIFF,
        "market.contracts=[{kind: base_block, name: base, mw: 40 MW, price_per_mwh: 35, unused_spread_per_mwh: 9}]",
        "market.carbon_price={per_t: 80, covers: all}",
    ),
}


@pytest.mark.parametrize("battery", ["with a battery", "without"])
@pytest.mark.parametrize("case", CASES)
def test_what_is_minimized_is_the_bill(case: str, battery: str) -> None:
    """Proves: the replay's bill is the objective plus what no plan changes, and the twin agrees with the schedule.

    Sensitivity: a charge that the model leaves out or counts twice, a rate on the wrong interval, a fixed charge within
    the objective.
    """
    alone = () if battery == "with a battery" else ("site.battery=null",)
    result = make_plan(
        small(
            *CASES[case],
            *alone,
            "goal.minimize=cost_with_carbon_price",
            "goal.caps.extra_cost_share=null",
            "goal.gap=75 %",
            "goal.effort=6",
        ),
        PLAIN,
    )
    assert result.acceptable, (result.verdict, result.violations)
    assert result.schedule is not None
    judged = judge(result.scenario, result.envelope, result.schedule).attrs
    assert (result.objective, result.constant) == pytest.approx((judged["objective"], judged["constant"]), rel=1e-9)
    assert result.bound is not None
    assert result.objective is not None
    assert result.bound <= result.objective + 1e-6
    sums = result.replay_figures
    assert sums is not None
    assert result.replay is not None
    assert sums.cost == pytest.approx(bill(result.scenario, result.replay, sums.direct_kg).total)
    assert sums.cost <= result.baseline_figures.cost + 1e-6


def test_a_cap_on_cost_counts_fixed_charges() -> None:
    """Proves: of a cap on cost, what is paid in any case is taken off. Sensitivity: 4,000 EUR more seem allowed."""
    scenario = small("market.tariff={fixed: [{name: meter, per_month: 400000}]}", "goal.caps.extra_cost_share=null")
    cheap = make_plan(
        scenario.model_copy(update={"goal": scenario.goal.model_copy(update={"minimize": "cost"})}), PLAIN
    )
    assert cheap.replay_figures is not None
    least = cheap.replay_figures.cost
    caps = scenario.goal.caps.model_copy(update={"cost": least * 1.002})
    result = make_plan(scenario.model_copy(update={"goal": scenario.goal.model_copy(update={"caps": caps})}), PLAIN)
    assert result.has_schedule, result.reason
    assert result.replay_figures is not None
    assert result.replay_figures.cost <= least * 1.002 * (1 + 1e-6)
