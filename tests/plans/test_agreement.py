"""Twin, model and ledger say the same of a plan, whatever is asked: energy, carbon, money, tonnes, no violation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import planned
import pytest
from planned import shop
from shops import cast, melt_shop, violations

import models
import twin
from plans import Plan, plan
from plans.bill import bill, hourly_cost
from plans.figures import figures
from plans.ledger import INTENSITY, ledger
from plans.redispatch import Redispatch
from plans.store import Store
from scenarios import Scenario, load
from ui import wording

EXACT = 1e-6
"""Schedule and undisturbed replay are the same piecewise constant power: they differ by rounding only."""
FOUR_HEATS = (
    "orders=[{name: C1, heats: [{grade: rebar, count: 2}], due: 14 h}, {name: C2, heats: [{grade: wire, count: 2}]}]",
    "disturbances.replications=0",
    "goal.time_limit_s=20",
    "goal.gap=40 %",
)


@pytest.fixture
def made() -> Plan:
    return planned.made()


@pytest.fixture
def unplanned() -> Plan:
    return planned.unplanned()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


HOLDING = (
    "line.stages.0.units.0.states={states: [{name: ready, power_mw: 2 MW}, {name: off, power_mw: 0.2 MW}], "
    "ready: ready, transitions: [{start: ready, end: off, duration_min: 10, power_mw: 1 MW}, "
    "{start: off, end: ready, duration_min: 25, power_mw: 4 MW}], final: off}",
    "line.stages.2.units.0.states={states: [{name: warm, power_mw: 0.3 MW}], ready: warm}",
)
"""An electric arc furnace that holds at 2 MW or is off, a caster whose tundish is kept warm; typical."""


def small(*overrides: str) -> Scenario:
    """The small melt shop with four heats, contented with a wide gap: what agrees at one plan agrees at any."""
    return load("melt-shop-small", [*FOUR_HEATS, *overrides])


def assert_agrees(made: Plan) -> None:
    """Every engine says the same of the plan, and its parts add up."""
    assert made.acceptable, (made.verdict, made.violations)
    said, done = made.schedule_figures, made.replay_figures
    assert said is not None
    assert done is not None
    for name in ("energy_mwh", "carbon_kg", "direct_kg", "grid_average_kg", "cost", "import_mwh", "peak_mw", "tonnes"):
        assert getattr(said, name) == pytest.approx(getattr(done, name), rel=EXACT), name
    for name in ("export_mwh", "battery_end_mwh"):
        assert getattr(said, name) == pytest.approx(getattr(done, name), abs=EXACT), name
    assert done.tonnes == made.baseline_figures.tonnes == pytest.approx(made.scenario.tonnes)
    for run in (made.replay, made.baseline):
        assert_adds_up(made.scenario, run)


def assert_adds_up(scenario: Scenario, run: Any) -> None:
    """Ledger and bill of a run: parts are the totals, and the totals are those of the figures."""
    book, sums = ledger(scenario, run), figures(scenario, run, scenario.tonnes)
    assert sums.carbon_kg == pytest.approx(sums.direct_kg + book.grid[scenario.goal.signal], rel=1e-9)
    assert sums.grid_average_kg == pytest.approx(book.grid["average"], rel=1e-9)
    assert (sums.grid_marginal_kg is None) == ("marginal" not in book.grid)
    if sums.grid_marginal_kg is not None:
        assert sums.grid_marginal_kg == pytest.approx(book.grid["marginal"], rel=1e-9)
    assert sums.direct_kg == pytest.approx(sum(book.direct.values()), rel=1e-9, abs=1e-9)
    for parts in (book.by_step, book.by_heat):
        assert float(parts["direct_kg"].sum()) == pytest.approx(book.direct_kg, rel=1e-9, abs=1e-9)
        for signal, kg in book.grid.items():
            assert float(parts[f"grid_{signal}_kg"].sum()) == pytest.approx(kg, rel=1e-9), signal
    for signal in book.grid:
        per_tonne, mass = book.kg_per_t(signal), book.by_heat["mass_t"]
        assert float((per_tonne * mass).sum()) == pytest.approx(book.total_kg(signal), rel=1e-9)
        series = scenario.inputs[INTENSITY[signal]].values
        by_hand = sum(mw * scenario.horizon.step_h * kg for mw, kg in zip(run["import_mw"].values, series, strict=True))
        assert book.grid[signal] == pytest.approx(by_hand, rel=1e-9)

    money = bill(scenario, run, sums.direct_kg)
    assert money.imported - money.exported == pytest.approx(float(hourly_cost(scenario, run).sum()), rel=1e-9)
    assert sums.energy_cost == pytest.approx(money.imported - money.exported, rel=1e-9)
    assert sums.cost == pytest.approx(sums.energy_cost + sums.carbon_cost, rel=1e-9) == money.total
    price = scenario.market.carbon_price
    covered = sums.direct_kg + (sums.grid_average_kg if price.covers == "all" else 0.0)
    assert sums.carbon_cost == pytest.approx(price.per_t * (1 - price.free_share) * covered / 1000, rel=1e-9)

    # energy is conserved: what comes in is what is used, and heats and idle units draw what the line draws
    hours = scenario.horizon.step_h
    taken = run["import_mw"] + run["pv_mw"] + run["discharge_mw"]
    given = run["export_mw"] + run["line_mw"] + run["base_load_mw"] + run["charge_mw"]
    assert np.abs((taken - given).values).max() < 1e-6
    idle = run["idle_mw"].values if "idle_mw" in run else 0.0
    assert run["heat_mwh"].sum("heat").values == pytest.approx((run["line_mw"].values - idle) * hours, abs=1e-6)


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
    "negative prices": ("market.price_per_mwh=-20", "market.export_price_per_mwh=-25"),
    "fuller battery": ("site.battery.end_level_share=90 %",),
    "no battery, no PV": ("site.battery=null", "site.pv=null"),
    "peak cap": ("goal.caps.peak_mw=74 MW",),
    "idle units": HOLDING,
    "idle units under a peak cap, steps of 20": (*HOLDING, "horizon.step_min=20", "goal.caps.peak_mw=78 MW"),
    "idle units at negative prices": (*HOLDING, "market.price_per_mwh=-20", "market.export_price_per_mwh=-25"),
    "idle units, least late": (*HOLDING, "goal.minimize=lateness"),
}


@pytest.mark.parametrize("case", CASES)
def test_twin_model_and_ledger_agree(case: str) -> None:
    """Proves: schedule and undisturbed replay differ by rounding only; nothing is violated; parts add up to totals.

    Sensitivity: a planning quantile that lengthened energies, or power put on the wrong step, fails here."""
    scenario = small(*CASES[case])
    made = plan(scenario)
    assert_agrees(made)
    after, before = made.replay_figures, made.baseline_figures
    assert after is not None
    if scenario.goal.minimize == "carbon":
        assert after.carbon_kg <= before.carbon_kg * (1 + 1e-9)
    if scenario.goal.minimize == "cost":
        assert after.cost <= before.cost + 1e-6 * abs(before.cost)
    if scenario.goal.minimize == "cost_with_carbon_price":
        assert after.cost <= before.cost + 1e-6 * abs(before.cost)
        assert after.carbon_cost > made.scenario.market.carbon_price.per_t * after.direct_kg / 1000
    share = scenario.goal.caps.extra_cost_share
    assert share is not None
    assert after.cost <= before.cost + share * abs(before.cost) + 0.01
    if scenario.site.battery is not None:
        wanted = scenario.site.battery.end_level_share or scenario.site.battery.level_share
        assert after.battery_end_mwh == pytest.approx(wanted * scenario.site.battery.energy_mwh, abs=1e-5)
    if scenario.goal.caps.peak_mw is not None:
        assert after.peak_mw <= scenario.goal.caps.peak_mw + 1e-6
    hours = {"day of 23 h": 23, "day of 25 h": 25}.get(case, 24)
    assert scenario.horizon.length_min == hours * 60


@pytest.mark.parametrize(
    "more", [(), ("horizon.step_min=5", "disturbances.planning_quantile=0.8"), ("site.battery=null",)]
)
def test_idle_units_draw_the_same_in_plan_and_replay(more: tuple[str, ...]) -> None:
    """Proves: power of idle units is the same in schedule, replay and list, step by step, and in the figures.

    Sensitivity: gaps from planning durations instead of nominal ones, or a cast as long as it is planned.
    """
    made = plan(small(*HOLDING, *more))
    assert_agrees(made)
    listed = twin.dispatch(made.scenario, made.envelope)
    for said, done in ((made.schedule, made.replay), (listed, twin.replay(made.scenario, listed))):
        assert said is not None
        assert done is not None
        for name in ("idle_mw", "line_mw", "meter_mw"):
            assert np.abs(said[name].values - done[name].values).max() < 1e-9, name
        assert float(done["idle_mw"].sum()) > 0
    assert made.replay is not None
    assert made.replay_figures is not None
    idle = float(made.replay["idle_mw"].sum()) * made.scenario.horizon.step_h
    assert made.replay_figures.idle_mwh == pytest.approx(idle)


@pytest.mark.parametrize("name", ["melt-shop-small", "melt-shop-day", "melt-shop-week"])
def test_the_foremans_list_agrees_with_its_replay(name: str) -> None:
    """Proves: the list, followed as a schedule, gives the same energy, carbon, money and tonnes, to rounding.

    Sensitivity: planning durations in the list's flows, or PV counted twice, fail here."""
    scenario = load(name)
    listed = twin.dispatch(scenario, twin.envelope(scenario))
    run = twin.replay(scenario, listed)
    assert violations(run) == []
    said, done = figures(scenario, listed, scenario.tonnes), figures(scenario, run, float(run.attrs["tonnes"]))
    for field in ("energy_mwh", "carbon_kg", "direct_kg", "cost", "import_mwh", "peak_mw", "tonnes"):
        assert getattr(said, field) == pytest.approx(getattr(done, field), rel=EXACT), field
    assert_adds_up(scenario, run)


def test_a_day_of_24_heats_agrees() -> None:
    """Proves: the reference day agrees as the small one does, and is never worse than the foreman's.

    Sensitivity: a search that forgets the foreman's list could end worse in so short a time."""
    made = plan(load("melt-shop-day", ["goal.time_limit_s=6", "disturbances.replications=0"]))
    assert_agrees(made)
    assert made.replay_figures is not None
    assert made.replay_figures.carbon_kg <= made.baseline_figures.carbon_kg * (1 + 1e-9)
    if made.bound is not None and made.objective is not None:
        assert made.bound <= made.objective * (1 + 1e-6)


def test_the_model_finds_the_clean_hours() -> None:
    """Proves: by hand: 2 heats × 32.75 MWh; all in the clean hours is 65.5 MWh × 50 kg; the foreman takes 400 kg.

    Sensitivity: an intensity shifted by an hour leaves part of a heat in the dirty ones."""
    made = plan(shop())
    assert_agrees(made)
    assert made.replay_figures is not None
    assert made.baseline_figures.carbon_kg == pytest.approx(65.5 * 400)
    assert made.replay_figures.carbon_kg == pytest.approx(65.5 * 50)
    assert made.objective == pytest.approx(65.5 * 50)
    assert made.bound == pytest.approx(65.5 * 50, rel=0.01)
    assert made.replay_figures.cost == pytest.approx(65.5 * 50)
    assert made.saved()["carbon_kg_share"] == pytest.approx(1 - 50 / 400)
    assert made.replays is not None
    assert made.replays.n == 2


@pytest.mark.parametrize(
    ("goal", "kept"),
    [
        ({"caps": {"peak_mw": 41.0}}, "peak_mw"),
        ({"minimize": "cost", "caps": {"carbon_kg": 4000.0}}, "carbon_kg"),
        ({"caps": {"cost": 3275.5}}, "cost"),
    ],
)
def test_caps_are_kept(goal: dict[str, Any], kept: str) -> None:
    """Proves: a plan under a cap keeps it in the replay, where the foreman or the other goal would not.

    Sensitivity: the peak without its cap is 44 MW, carbon at equal prices is anything up to 26,200 kg."""
    made = plan(shop(goal={"gap": 0.2, **goal}))
    assert_agrees(made)
    (limit,) = goal["caps"].values()
    assert getattr(made.replay_figures, kept) <= limit * (1 + 1e-6)


@pytest.mark.parametrize("caps", [{"peak_mw": 20.0}, {"carbon_kg": 3000.0}, {"cost": 3000.0}])
def test_a_cap_that_cannot_be_kept_gives_no_plan(caps: dict[str, float]) -> None:
    """Proves: no plan that breaks a cap is ever shown. Sensitivity: the foreman's list taken regardless."""
    made = plan(shop(goal={"caps": caps, "time_limit_s": 5}))
    assert not made.found
    assert not made.acceptable
    assert made.status in ("infeasible", "no plan within the limit")
    assert made.verdict.startswith("No plan")
    assert made.baseline_complete


def test_locks_are_kept() -> None:
    """Proves: a locked start, unit and window are kept to the minute. Sensitivity: unlocked, all lies after 10:00."""
    locks = [
        {"heat": "A-1", "stage": "melting", "unit": "F", "start": "3 h"},
        {"heat": "A-2", "stage": "ladle", "earliest": "5 h", "latest": "5.5 h"},
    ]
    made = plan(shop(locks=locks))
    assert_agrees(made)
    assert made.schedule is not None
    first = made.schedule.sel(heat="A-1", stage="melting")
    assert (str(first["unit"].item()), float(first["start_min"])) == ("F", 180)
    assert 300 <= float(made.schedule["start_min"].sel(heat="A-2", stage="ladle")) <= 330


def test_an_impossible_lock_is_infeasible_and_stored(unplanned: Plan, store: Store) -> None:
    """Proves: what only solving can show is said as ``infeasible``, and the run can be kept.

    Sensitivity: "unknown" taken for a solution would give a schedule."""
    schedule = models.optimize(unplanned.scenario, unplanned.envelope)
    assert (schedule.attrs["found"], schedule.attrs["status"]) == (0, "infeasible")
    assert np.isnan(schedule["start_min"].values).all()
    assert not unplanned.found
    with store.working(unplanned.scenario) as run:
        store.save(run, unplanned)
    assert store.open(run).plan.verdict == unplanned.verdict


def in_progress(**rest: Any) -> Scenario:
    """The first heat is in the ladle furnace, the second in the furnace, when the horizon begins."""
    started = [
        {"heat": "A-1", "stage": "melting", "unit": "F", "start": "-65 min"},
        {"heat": "A-1", "stage": "ladle", "unit": "L", "start": "-5 min"},
        {"heat": "A-2", "stage": "melting", "unit": "F", "start": "-20 min"},
    ]
    return shop(state={"started": started}, orders=[cast("A", 2), cast("B", 1)], **rest)


def test_heats_in_progress_are_kept() -> None:
    """Proves: what has begun stays where and when it began, and only the rest of its energy counts.

    Sensitivity: energy of what ran before the horizon counted again is 3 × 32.75 MWh."""
    made = plan(in_progress())
    assert_agrees(made)
    assert made.schedule is not None
    began = (("A-1", "melting", "F", -65), ("A-1", "ladle", "L", -5), ("A-2", "melting", "F", -20))
    for heat, stage, unit, start in began:
        row = made.schedule.sel(heat=heat, stage=stage)
        assert (str(row["unit"].item()), float(row["start_min"])) == (unit, start)
    assert made.replay_figures is not None
    assert made.replay_figures.energy_mwh < 3 * 32.75 - 30 - 40 * 20 / 60 + 3


def test_idle_units_beside_heats_in_progress() -> None:
    """Proves: a unit that works when the horizon begins has no gap before it, one that does not begins as told.

    Sensitivity: gaps that count operations from before the horizon, or leave what is under way out.
    """
    line = melt_shop()
    way = {"start": "off", "end": "ready", "duration_min": 30, "power_mw": 4.0}
    for stage, mw in ((0, 2.0), (1, 0.5)):
        line["stages"][stage]["units"][0]["states"] = {
            "states": [{"name": "ready", "power_mw": mw}, {"name": "off", "power_mw": 0.1}],
            "transitions": [way, {"start": "ready", "end": "off", "duration_min": 0}],
            "ready": "ready",
        }
    made = plan(in_progress(line=line))
    assert_agrees(made)
    assert made.schedule is not None
    assert made.replay is not None
    assert np.abs(made.schedule["idle_mw"].values - made.replay["idle_mw"].values).max() < 1e-9
    # A-1 is in the ladle furnace and A-2 in the furnace, both until 25 min
    assert made.replay["idle_mw"].values[0] == 0
    assert made.replay["idle_mw"].values[1] > 0


def test_a_site_used_anew_counts_idle_units() -> None:
    """Proves: with the heats kept, the site's load is that of their plan. Sensitivity: the power of works alone."""
    made = plan(small(*HOLDING))
    assert made.schedule is not None
    found = Redispatch(made.scenario, made.envelope, None).best(made.schedule)
    assert found.schedule is not None
    for name in ("idle_mw", "line_mw"):
        assert np.abs(found.schedule[name].values - made.schedule[name].values).max() < 1e-9, name


def test_lateness_under_a_limit_that_its_search_does_not_know() -> None:
    """Proves: where the search's result draws too much the list is the plan, and it is said. Sensitivity: a furnace."""
    line = melt_shop()
    line["stages"][0]["units"].append({"name": "F2", "power_mw": 40.0})
    line["grades"][0]["duration_min"]["melting"] = 90
    orders, goal = [cast("A", 2, due="8 h")], {"minimize": "lateness"}
    free = plan(shop(line=line, orders=orders, goal=goal))
    assert free.replay_figures is not None
    assert free.replay_figures.peak_mw > 60
    made = plan(shop(line=line, orders=orders, goal=goal, site={"grid": {"import_limit_mw": 60.0}}))
    assert made.objective == 0.0
    assert made.acceptable
    assert "The foreman's list" in made.reason


def test_lateness_agrees() -> None:
    """Proves: a plan for least lateness has no violation and the engines agree on its energy and carbon."""
    made = plan(shop(goal={"minimize": "lateness"}, orders=[cast("A", 2, due="6 h"), cast("B", 2, due="12 h")]))
    assert_agrees(made)


def test_agreement_is_told(made: Plan) -> None:
    """Proves: a schedule that lies by two parts in a thousand is not acceptable, one by half of one is.

    Sensitivity: a threshold read as per cent would let both pass."""
    assert made.schedule_figures is not None
    for factor, accepted in ((1.0005, True), (1.002, False), (0.998, False)):
        for name in ("energy_mwh", "carbon_kg"):
            lied = replace(made.schedule_figures, **{name: getattr(made.schedule_figures, name) * factor})
            other = replace(made, schedule_figures=lied)
            assert (other.agreed, other.acceptable) == (accepted, accepted)
            assert other.verdict.startswith("Not acceptable") is not accepted


def test_no_negative_credit_and_sources_apart() -> None:
    """Proves: scope 1 by source, biogenic outside the totals, by hand: 2 heats × 100 t × 7.5 and × 2 kg/t.

    Sensitivity: biogenic carbon in the total would give 1,900 kg."""
    stages = melt_shop()["stages"]
    stages[0]["emissions"] = [
        {"source": "electrodes", "kg_per_t": 7.5},
        {"source": "charcoal", "kg_per_t": 2.0, "biogenic": True},
    ]
    made = plan(shop(line=melt_shop(stages=stages), goal={"gap": 0.5}))
    assert_agrees(made)
    book = made.ledger
    assert book is not None
    assert book.direct == pytest.approx({"electrodes": 1500.0})
    assert book.biogenic == pytest.approx({"charcoal": 400.0})
    assert book.by_heat["direct_kg"].values.tolist() == pytest.approx([750.0, 750.0])


def test_nothing_is_saved_against_a_foreman_who_makes_less() -> None:
    """Proves: where the foreman leaves a cast out, no saving is told and it is said. Sensitivity: equal tonnes."""
    made = planned.made()
    assert made.saved()
    assert wording.foreman(made) is None
    less = replace(made, baseline_complete=False, baseline_figures=replace(made.baseline_figures, tonnes=100.0))
    assert less.saved() == {}
    assert wording.luck(less) == []
    assert all(row.saved is None for row in wording.rows(less.baseline_figures, less.replay_figures))
    assert "make only 100 of 300 t" in str(wording.foreman(less))
