"""Twin, model and ledger say the same of a plan, whatever is asked: energy, carbon, money, tonnes, no violation."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import planned
import pytest
from agreeing import EXACT, HOLDING, assert_adds_up, assert_agrees, small
from planned import shop
from shops import cast, melt_shop, one_machine, scenario, violations

from emberline import twin
from emberline.models.strategies.redispatch import Redispatch
from emberline.planning import Plan
from emberline.planning.accounts.sums import figures
from emberline.planning.answer import figure_table, headline
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text import wording
from emberline.scenarios import Case, load


@pytest.fixture
def full_plan() -> Plan:
    return planned.full_plan()


CASES: dict[str, tuple[str, ...]] = {
    "carbon": (),
    "cost": ("goal.minimize=cost",),
    "cost with carbon price": ("goal.minimize=cost_with_carbon_price", "market.carbon_price.covers=all"),
    "marginal signal": ("goal.signal=marginal",),
    "day of 23 h": ("horizon.start=2026-03-29",),
    "day of 25 h": ("horizon.start=2026-10-25",),
    "steps of 5 min": ("horizon.step_min=5",),
    "steps of 60 min": ("horizon.step_min=60",),
    "meter of 30 min, steps of 20": ("horizon.step_min=20", "site.grid.metered_interval_min=30"),
    "steps of 60 min, sun above the export limit": (
        "horizon.step_min=60",
        "site.pv.peak_mw=40 MW",
        "site.grid.export_limit_mw=1 MW",
    ),
    "negative prices": ("market.price_per_mwh=-20", "market.export_price_per_mwh=-25"),
    "fuller battery": ("site.battery.end_level_share=90 %",),
    "no battery, no PV": ("site.battery=null", "site.pv=null"),
    "peak cap": ("goal.caps.peak_mw=74 MW",),
    "idle units": HOLDING,
    "idle units under a peak cap, steps of 20": (*HOLDING, "horizon.step_min=20", "goal.caps.peak_mw=78 MW"),
    "idle units at negative prices": (*HOLDING, "market.price_per_mwh=-20", "market.export_price_per_mwh=-25"),
}


@pytest.mark.parametrize("case", CASES)
def test_twin_model_and_ledger_agree(case: str) -> None:
    """Proves: schedule and undisturbed replay differ by rounding only; nothing is violated; parts add up to totals.

    Sensitivity: a planning quantile that lengthened energies, or power put on the wrong step, fails here."""
    scenario = small(*CASES[case])
    result = make_plan(scenario, PLAIN)
    assert_agrees(result)
    after, before = result.replay_figures, result.baseline_figures
    assert after is not None
    if scenario.goal.minimize == "carbon":
        assert after.carbon_kg <= before.carbon_kg * (1 + 1e-9)
    if scenario.goal.minimize == "cost":
        assert after.cost <= before.cost + 1e-6 * abs(before.cost)
    if scenario.goal.minimize == "cost_with_carbon_price":
        assert after.cost <= before.cost + 1e-6 * abs(before.cost)
        assert after.carbon_cost > result.scenario.market.carbon_price.per_t * after.direct_kg / 1000
    share = scenario.goal.caps.extra_cost_share
    assert share is not None
    assert after.cost <= before.cost + share * abs(before.cost) + 0.01
    if scenario.site.battery is not None:
        condition = scenario.site.battery.end_level_share or scenario.site.battery.level_share
        assert after.battery_end_mwh == pytest.approx(condition * scenario.site.battery.energy_mwh, abs=1e-5)
    if scenario.goal.caps.peak_mw is not None:
        assert after.peak_mw <= scenario.goal.caps.peak_mw + 1e-6
    hours = {"day of 23 h": 23, "day of 25 h": 25}.get(case, 24)
    assert scenario.horizon.length_min == hours * 60


QUARTERS = np.array([10.0, 100.0, 90.0, 80.0])
"""Price by hour [EUR/MWh]."""


def of_quarters(step_min: float, count: int = 2, **site: Any) -> Case:
    """Heats of 12 MW for a quarter of an hour, metered by the quarter; no export unless said otherwise."""
    built = scenario(
        one_machine(15.0), [cast(count=count)], horizon={"length_h": 4.0, "step_min": step_min}, site=site,
        disturbances={"replications": 0},
        goal={"minimize": "cost", "caps": {"extra_cost_share": None}, "gap": 1e-6, "effort": 60},
    )  # fmt: skip
    price = np.repeat(QUARTERS, round(60 / step_min))
    inputs = {"price_per_mwh": price, "export_price_per_mwh": price / 2}
    return built.with_inputs(built.inputs.assign({key: built.inputs[key].copy(data=v) for key, v in inputs.items()}))


def test_a_battery_exports_in_no_metered_interval_of_a_longer_step() -> None:
    """Proves: in a step of half an hour with a heat in one quarter, a battery that discharges would export in the
    other, which is not allowed: it rests, and 3 MWh cost 10 each in the first hour, 60.

    Sensitivity: export limited by the step alone has a plan that the twin refuses."""
    built = of_quarters(30.0, battery={"energy_mwh": 2.0, "power_mw": 3.0, "level_share": 1.0, "end_level_share": 0.0})
    result = make_plan(built, PLAIN)
    assert_agrees(result)
    assert result.objective == pytest.approx(60)
    assert result.bound == pytest.approx(60)


def test_sun_is_used_in_each_metered_interval_of_a_longer_step() -> None:
    """Proves: with 8 MW of sun and an export of 1 MW at most, a heat takes 4 MW for a quarter and the other quarters
    give 1: an hour with a heat draws 0.25 MWh. Heats at 10 and 80: 2.5 + 20 − 50 − 45 = −72.5, as no plan on hours is
    better.

    Sensitivity: sun curtailed alike in all quarters of a step buys 2 MWh for each heat."""
    built = of_quarters(60.0, pv={"peak_mw": 8.0, "capacity_factor": 1.0}, grid={"export_limit_mw": 1.0})
    built = built.with_inputs(built.inputs.assign(pv_available_mw=built.inputs["pv_available_mw"].copy(data=[8.0] * 4)))
    result = make_plan(built, PLAIN)
    assert_agrees(result)
    assert result.objective == pytest.approx(-72.5)
    assert result.bound == pytest.approx(-72.5, abs=1e-3)
    assert result.schedule is not None
    assert result.replay is not None
    assert result.schedule["meter_mw"].to_numpy() == pytest.approx(result.replay["meter_mw"].to_numpy())


def test_a_step_exports_what_others_of_its_metered_interval_import() -> None:
    """Proves: with 4 MW of sun and 1 MW of export in the mean of an hour, the half-hour of a heat buys 1 MWh and the
    other one sells 2 at half the price: an hour with the heat costs nothing, another one earns half its price.

    Sensitivity: export limited by the step sells 0.5 MWh in that hour, 7.50 EUR less, and calls that the best plan."""
    grid = {"export_limit_mw": 1.0, "metered_interval_min": 60}
    built = of_quarters(30.0, count=1, pv={"peak_mw": 4.0, "capacity_factor": 1.0}, grid=grid)
    built = built.with_inputs(built.inputs.assign(pv_available_mw=built.inputs["pv_available_mw"].copy(data=[4.0] * 8)))
    result = make_plan(built, PLAIN)
    assert_agrees(result)
    assert result.objective == pytest.approx(-(100 + 90 + 80) / 2)
    assert result.bound == pytest.approx(-(100 + 90 + 80) / 2, abs=1e-3)


@pytest.mark.parametrize(
    "more", [(), ("horizon.step_min=5", "disturbances.planning_quantile=0.8"), ("site.battery=null",)]
)
def test_idle_units_draw_the_same_in_plan_and_replay(more: tuple[str, ...]) -> None:
    """Proves: power of idle units is the same in schedule, replay and list, step by step, and in the figures.

    Sensitivity: gaps from planning durations instead of nominal ones, or a cast as long as it is planned.
    """
    result = make_plan(small(*HOLDING, *more), PLAIN)
    assert_agrees(result)
    listed = twin.dispatch(result.scenario, result.envelope)
    for text, process in ((result.schedule, result.replay), (listed, twin.replay(result.scenario, listed))):
        assert text is not None
        assert process is not None
        for name in ("idle_mw", "line_mw", "meter_mw"):
            assert np.abs(text[name].values - process[name].values).max() < 1e-9, name
        assert float(process["idle_mw"].sum()) > 0
    assert result.replay is not None
    assert result.replay_figures is not None
    idle = float(result.replay["idle_mw"].sum()) * result.scenario.horizon.step_h
    assert result.replay_figures.idle_mwh == pytest.approx(idle)


@pytest.mark.parametrize("name", ["melt-shop-small", "melt-shop-day", "melt-shop-two-days", "melt-shop-week"])
def test_the_baseline_list_agrees_with_its_replay(name: str) -> None:
    """Proves: the list, followed as a schedule, gives the same energy, carbon, money and tonnes, to rounding.

    Sensitivity: planning durations in the list's flows, or PV counted twice, fail here."""
    scenario = load(name)
    listed = twin.dispatch(scenario, twin.envelope(scenario))
    run = twin.replay(scenario, listed)
    assert violations(run) == []
    text, process = figures(scenario, listed), figures(scenario, run)
    for field in ("energy_mwh", "carbon_kg", "direct_kg", "cost", "import_mwh", "peak_mw", "tonnes"):
        assert getattr(text, field) == pytest.approx(getattr(process, field), rel=EXACT), field
    assert_adds_up(scenario, run)


@pytest.mark.parametrize("name", ["melt-shop-day", "melt-shop-two-days"])
def test_days_of_24_heats_agree(name: str) -> None:
    """Proves: the reference shop agrees as the small one does, and is never worse than the baseline.

    Sensitivity: a search that forgets the baseline schedule could end worse in so short a time."""
    result = make_plan(load(name, ["goal.effort=6", "disturbances.replications=0"]), PLAIN)
    assert_agrees(result)
    assert result.replay_figures is not None
    assert result.replay_figures.carbon_kg <= result.baseline_figures.carbon_kg * (1 + 1e-9)
    if result.bound is not None and result.objective is not None:
        assert result.bound <= result.objective * (1 + 1e-6)


def test_the_model_finds_the_clean_hours() -> None:
    """Proves: by hand: 2 heats × 32.75 MWh; all in the clean hours is 65.5 MWh × 50 kg; the baseline takes 400 kg.

    Sensitivity: an intensity shifted by an hour leaves part of a heat in the dirty ones."""
    result = make_plan(shop(), PLAIN)
    assert_agrees(result)
    assert result.replay_figures is not None
    assert result.baseline_figures.carbon_kg == pytest.approx(65.5 * 400)
    assert result.replay_figures.carbon_kg == pytest.approx(65.5 * 50)
    assert result.objective == pytest.approx(65.5 * 50)
    assert result.bound == pytest.approx(65.5 * 50, rel=0.01)
    assert result.replay_figures.cost == pytest.approx(65.5 * 50)
    assert result.saved()["carbon_kg_share"] == pytest.approx(1 - 50 / 400)
    assert result.replays is not None
    # nothing is disturbed, so that nothing can be said of disturbed days
    assert result.replays.n == 0


def test_a_site_used_again_counts_idle_units() -> None:
    """Proves: with the heats kept, the site's load is that of their plan. Sensitivity: the power of works alone."""
    result = make_plan(small(*HOLDING), PLAIN)
    assert result.schedule is not None
    outcome = Redispatch(result.scenario, result.envelope, None).best(result.schedule)
    assert outcome.schedule is not None
    for name in ("idle_mw", "line_mw"):
        assert np.abs(outcome.schedule[name].values - result.schedule[name].values).max() < 1e-9, name


def test_agreement_is_reported(full_plan: Plan) -> None:
    """Proves: a schedule that lies by two parts in a thousand is not acceptable, one by half of one is.

    Sensitivity: a threshold read as per cent would let both pass."""
    assert full_plan.schedule_figures is not None
    for factor, accepted in ((1.0005, True), (1.002, False), (0.998, False)):
        for name in ("energy_mwh", "carbon_kg"):
            lied = replace(full_plan.schedule_figures, **{name: getattr(full_plan.schedule_figures, name) * factor})
            other = replace(full_plan, schedule_figures=lied)
            assert (other.agreed, other.acceptable) == (accepted, accepted)
            assert other.verdict.startswith("Not acceptable") is not accepted


def test_a_plan_that_costs_nothing_agrees(full_plan: Plan) -> None:
    """Proves: where sun covers all, rounding in schedule and replay is no disagreement; 2 EUR are one.

    Sensitivity: 1e-13 EUR against 1.7e-12 EUR refused a plan that cost nothing for a baseline of 1,200 EUR."""
    sums, run = full_plan.schedule_figures, full_plan.replay_figures
    assert sums is not None
    assert run is not None
    for name, value, agreed in (("cost", 1.7e-12, True), ("carbon_kg", 1e-14, True), ("cost", 2.0, False)):
        changes: list[dict[str, Any]] = [{name: 0.0}, {name: value}]
        one, two = replace(sums, **changes[0]), replace(run, **changes[1])
        assert replace(full_plan, schedule_figures=one, replay_figures=two).agreed is agreed


def test_no_negative_credit_and_sources_apart() -> None:
    """Proves: scope 1 by source, biogenic outside the totals, by hand: 2 heats × 100 t × 7.5 and × 2 kg/t.

    Sensitivity: biogenic carbon in the total would give 1,900 kg."""
    stages = melt_shop()["stages"]
    stages[0]["emissions"] = [
        {"source": "electrodes", "kg_per_t": 7.5},
        {"source": "charcoal", "kg_per_t": 2.0, "biogenic": True},
    ]
    result = make_plan(shop(line=melt_shop(stages=stages), goal={"gap": 0.5}), PLAIN)
    assert_agrees(result)
    book = result.ledger
    assert book is not None
    assert book.direct == pytest.approx({"electrodes": 1500.0})
    assert book.biogenic == pytest.approx({"charcoal": 400.0})
    assert book.by_heat["direct_kg"].values.tolist() == pytest.approx([750.0, 750.0])


def test_nothing_is_saved_against_a_baseline_who_makes_less() -> None:
    """Proves: where the baseline leaves a cast out, no saving is reported, and the plan says so. Sensitivity: equal
    tonnes."""
    result = planned.full_plan()
    assert result.saved()
    assert wording.baseline_note(result) is None
    less = replace(result, baseline_complete=False, baseline_figures=replace(result.baseline_figures, tonnes=100.0))
    assert less.saved() == {}
    head = headline(less)
    assert head is not None
    assert (head.average, head.cost) == (None, None)
    assert all(row.saved is None for row in figure_table.figure_totals(less.baseline_figures, less.replay_figures))
    assert "makes only 100 of 300 t" in str(wording.baseline_note(less))


def test_a_cast_goes_on_after_the_heat_that_has_begun_last() -> None:
    """Proves: of a cast two heats have begun, the second 35 min later than the pace of the first; the third follows it
    when it ends, at 25 min, in the schedule as in the twin.

    Sensitivity: counted from the first heat it would have begun 10 min before the plan."""
    rows = [("A-1", "casting", "C", -100), ("A-2", "casting", "C", -20), ("A-3", "ladle", "L", -25)]
    state = {"started": [{"heat": h, "stage": s, "unit": u, "start": f"{at} min"} for h, s, u, at in rows]}
    result = make_plan(scenario(melt_shop(), [cast("A", 3)], state=state, disturbances={"replications": 0}), PLAIN)
    assert result.acceptable, result.verdict
    assert result.schedule is not None
    assert result.replay is not None
    assert float(result.schedule["start_min"].sel(heat="A-3", stage="casting")) == pytest.approx(25)
    mine = (result.replay["op_heat"].values == "A-3") & (result.replay["op_stage"].values == "casting")
    assert result.replay["op_start_min"].to_numpy()[mine] == pytest.approx(25)
