"""Proofs that hold for starts at any times, between slots too."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import xarray as xr
from plan_judge import Row, faults

from emberline import models, twin
from emberline.models.bounds import exact_times
from emberline.models.bounds.exact_times import impossible, least_peak
from emberline.models.formulations.site import objective as aims
from emberline.models.problem import site as sites
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.line.rounding import dividing
from emberline.scenarios.records.state import State

BURSTS = [{"share": 0.25, "power_mw": 60.0}, {"share": 0.5, "power_mw": 0.0}, {"share": 0.25, "power_mw": 60.0}]
BOILER = {
    "carriers": [{"name": "gas", "dump": False}, {"name": "steam", "dump": True}],
    "assets": [{
        "kind": "waste_heat_recovery", "name": "boiler", "source": "gas", "heat": "steam", "heat_mw": 20.0,
        "efficiency": 0.5,
    }],
}  # fmt: skip
NO_EXTRA_COST_CAP = {"caps": {"extra_cost_share": None}}


def line(*stages: tuple[dict[str, Any], dict[str, Any]], minutes: dict[str, float], **remaining: Any) -> dict[str, Any]:
    """Stages with one unit each, in which a heat of 50 t takes some minutes; a second grade draws almost nothing."""
    named = [{"name": f"S{i}", "units": [{"name": f"U{i}", **unit}], **stage} for i, (unit, stage) in enumerate(stages)]
    grade = {"name": "G", "mass_t": 50.0, "duration_min": minutes}
    idle = {**grade, "name": "idle", "energy_kwh_per_t": dict.fromkeys(minutes, 0.1)}
    return {"stages": named, "grades": [grade, idle], **remaining}


def shop(
    line: dict[str, Any], *, step: int, length: int, grades: tuple[str, ...] = ("G",), due: float | None = None,
    goal: dict[str, Any] | None = None, grid: dict[str, Any] | None = None,
    series: dict[str, list[float]] | None = None, site: dict[str, Any] | None = None,
    outages: Sequence[tuple[str, float, float]] = (), release: str = "0 min", locks: Sequence[dict[str, str]] = (),
    disturbances: dict[str, Any] | None = None,
) -> Case:  # fmt: skip
    """A scenario of one order on slots, metered by slot."""
    order = {"name": "O", "heats": [{"grade": grade} for grade in grades], "release": release}
    order |= {"due": f"{due} min"} if due else {}
    scenario = resolve(Scenario.model_validate({
        "name": "shop",
        "horizon": {"start": "2026-03-10T00:00+00:00", "length_h": length / 60, "step_min": step},
        "line": line, "orders": [order],
        "site": {"grid": {"metered_interval_min": step} | (grid or {})} | (site or {}),
        "market": {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 100.0},
        "state": {"outages": [{"unit": u, "start": f"{at} min", "end": f"{end} min"} for u, at, end in outages]},
        "disturbances": {"replications": 0} | (disturbances or {}), "locks": locks, "goal": goal or NO_EXTRA_COST_CAP,
    }))  # fmt: skip
    inputs = scenario.inputs
    rows = {name: ("time", np.array(values), inputs[name].attrs) for name, values in (series or {}).items()}
    return scenario.with_inputs(inputs.assign(rows))


def proven(scenario: Case, envelope: xr.Dataset | None = None) -> bool:
    """Whether it is proven that a scenario that has no plan on slots has none at any times."""
    envelope = twin.envelope(scenario) if envelope is None else envelope
    assert models.optimize(scenario, envelope).attrs["status"] in ("infeasible", "no plan on this grid")
    return at_all(scenario, envelope)


def at_all(scenario: Case, envelope: xr.Dataset | None = None) -> bool:
    """Whether it is proven that a scenario has no plan."""
    envelope = twin.envelope(scenario) if envelope is None else envelope
    return impossible(scenario, envelope, aims.of(scenario, envelope, sites.read(scenario, envelope), None))


def test_between_slots_a_start_draws_less_than_on_any() -> None:
    """Proves: 15 min at 60 MW exceed 40 MW on every slot, and keep it from minute 5 on: nothing is proven. Below the
    30 MW that every start draws the proof stands.

    Sensitivity: a limit on power taken for one on times, or cuts that hold for whole starts only.
    """
    furnace = line(({"power_mw": 60.0}, {}), minutes={"S0": 15.0})
    case = shop(furnace, step=15, length=60, grid={"import_limit_mw": 40.0})
    assert faults(case, [Row("O-1", "S0", "U0", 5, 20, 15.0)], on_steps=False) == []
    assert not proven(case)
    assert proven(shop(furnace, step=15, length=60, grid={"import_limit_mw": 29.0}))


def test_gas_of_two_slots_that_an_asset_can_take() -> None:
    """Proves: 60 MW of gas that may not be vented are too much for a boiler of 40 MW on every slot, and not from minute
    7.5 on, as the twin agrees: nothing is proven.

    Sensitivity: a site whose assets must take what the line gives, thought to leave every start free.
    """
    furnace = line(({"power_mw": 60.0}, {"gives": [{"carrier": "gas", "per_mwh": 1.0}]}), minutes={"S0": 15.0})
    case = shop(furnace, step=15, length=60, site=BOILER)
    assert not proven(case)
    plan = twin.dispatch(case)
    for at, gas, violations in ((0.0, [40.0, 0, 0, 0], ["surplus"]), (7.5, [30.0, 30.0, 0, 0], [])):
        flows = np.array(gas) * np.array([[0.0], [0.5], [-1.0]])
        outputs = {"asset_rate": flows, "asset_on": flows[1:2] > 0, "dumped_rate": flows[1:2]}
        outputs |= {"start_min": plan["start_min"] * 0 + at, "end_min": plan["end_min"] * 0 + at + 15}
        run = twin.replay(case, plan.assign({name: (plan[name].dims, np.array(v)) for name, v in outputs.items()}))
        assert run["violation_kind"].values.tolist() == violations


@pytest.mark.parametrize(
    ("grid", "goal", "series"),
    [
        ({"import_limit_mw": 40.0}, {}, {"base_load_mw": [0.0, 35, 0, 0]}),
        ({}, {"carbon_kg": 400.0}, {"carbon_intensity_kg_per_mwh": [10.0, 1000, 10, 10]}),
        ({}, {"embedded_kg_per_t": {"G": 8.0}}, {"carbon_intensity_kg_per_mwh": [10.0, 1000, 10, 10]}),
    ],
)
def test_phases_that_end_between_slots(grid: dict[str, Any], goal: dict[str, Any], series: dict[str, Any]) -> None:
    """Proves: bursts of 15 min at both ends of an hour leave out the second half-hour from minute 15 on, which no start
    on a half-hour does, nor any mean of them: nothing is proven by limit, cap or cap of a grade.

    Sensitivity: phases thought to end on slots, or a cap of a grade not taken for a limit.
    """
    bursts = line(({"phases": BURSTS}, {}), minutes={"S0": 60.0})
    goal = {"caps": {"extra_cost_share": None, **goal}}
    case = shop(bursts, step=30, length=120, due=90, grid=grid, goal=goal, series=series)
    assert faults(case, [Row("O-1", "S0", "U0", 15, 75, 30.0)], on_steps=False) == []
    assert not proven(case)


def test_a_caster_keeps_the_planned_pace() -> None:
    """Proves: the first of two heats takes 3 h as planned instead of 2 h, so that its bursts of 45 min leave out the
    third and the fifth half-hour from minute 15 on only: nothing is proven. Nor is it where 30 min at 60 MW exceed
    40 MW, but not the planned hour at 30 MW.

    Sensitivity: phases of nominal minutes end on slots; power of nominal minutes.
    """
    caster = line(({"phases": BURSTS}, {"campaign": True}), minutes={"S0": 120.0})
    base = np.zeros(14)
    base[[2, 4]] = 70.0
    case = shop(
        caster, step=30, length=420, grades=("G", "G"), due=390, grid={"import_limit_mw": 75.0},
        series={"base_load_mw": base.tolist()},
    )  # fmt: skip
    rows = [Row("O-1", "S0", "U0", 15, 195, 60.0), Row("O-2", "S0", "U0", 195, 315, 60.0)]
    assert faults(case, rows, on_steps=False) == []
    envelope = twin.envelope(case)
    assert not proven(case, envelope.assign(planned_min=envelope["planned_min"] * 0 + 180.0))
    slow = line(({"power_mw": 60.0}, {"campaign": True}), minutes={"S0": 30.0})
    case = shop(slow, step=15, length=240, grades=("G", "idle"), grid={"import_limit_mw": 40.0})
    envelope = twin.envelope(case)
    assert at_all(case, envelope)
    assert not at_all(case, envelope.assign(planned_min=envelope["planned_min"] * 0 + 60.0))


def test_waiting_that_a_cap_counts_as_a_gain() -> None:
    """Proves: a heat that must wait from 10 to 20 is reheated with 1 MWh at -100 EUR: at -60 EUR a plan keeps a cost of
    0 EUR, which without reheating would be 40 EUR: nothing is proven.

    Sensitivity: what waiting costs left out as if it could only harm.
    """
    two = line(
        ({"power_mw": 6.0}, {"longest_wait_min": 30}), ({"power_mw": 0.4}, {}), minutes={"S0": 10.0, "S1": 15.0},
        heat_loss={"rate_k_per_min": 2.0, "reheat_kwh_per_t_k": 1.0, "reheating_stage": "S1"},
    )  # fmt: skip
    case = shop(
        two, step=15, length=60, outages=[("U0", 10, 60), ("U1", 0, 20), ("U1", 35, 60)],
        series={"price_per_mwh": [50.0, -100, -100, -100]},
        goal={"minimize": "cost", "caps": {"extra_cost_share": None, "cost": 0.0}},
    )  # fmt: skip
    assert faults(case, [Row("O-1", "S0", "U0", 0, 10, 1.0), Row("O-1", "S1", "U1", 20, 35, 1.1)], on_steps=False) == []
    assert not proven(case)


def test_an_outage_that_ends_within_a_minute() -> None:
    """Proves: a start at 7.5 min, when an outage ends, keeps a due time of 17.75 min; none keeps one of 16 min.

    Sensitivity: on slots that are rounded outwards the start lies at 7, within the outage unless that is shortened.
    """
    furnace, outages = line(({"power_mw": 6.0}, {}), minutes={"S0": 10.0}), [("U0", 0.0, 7.5)]
    case = shop(furnace, step=5, length=60, due=17.75, outages=outages)
    assert faults(case, [Row("O-1", "S0", "U0", 7.5, 17.5, 1.0)], on_steps=False) == []
    assert not proven(case)
    assert proven(shop(furnace, step=5, length=60, due=16, outages=outages))


def test_whole_casts_prove_what_their_parts_do_not() -> None:
    """Proves: a furnace of 20 min cannot feed a cast of 10 min a heat without waits; one of 10 min can, 5 min after
    a slot.

    Sensitivity: parts of casts at many times can always be fed.
    """
    for minutes, outcome in ((20.0, True), (10.0, False)):
        furnace, caster = {"transfer_min": 5, "longest_wait_min": 5}, {"campaign": True}
        casts = line(({"power_mw": 1.0}, furnace), ({"power_mw": 1.0}, caster), minutes={"S0": minutes, "S1": 10.0})
        assert proven(shop(casts, step=10, length=120, grades=("G", "G"))) is outcome


def test_least_peak_by_hand() -> None:
    """Proves: 20 min at 60 MW split evenly over two intervals of 15 min draw 40 MW in each; 31 min fill one.

    Sensitivity: the peak of a start on an interval's edge is 60 MW.
    """
    assert least_peak(np.array([20.0]), np.array([60.0]), 15.0) == pytest.approx(40.0)
    assert least_peak(np.array([31.0]), np.array([60.0]), 15.0) == pytest.approx(60.0)


def test_least_peak_of_phases_is_that_of_all_starts_tried() -> None:
    """Proves: no start to the hundredth of a minute has a lower highest mean, and some comes near.

    Sensitivity: without the starts at which two intervals draw the same it is too high.
    """
    rng = np.random.default_rng(7)
    for _ in range(20):
        ends, power = np.cumsum(rng.integers(3, 25, size=3)).astype(float), rng.uniform(0, 90, size=3)
        at, result = np.r_[0.0, ends], np.r_[0.0, np.cumsum(np.diff(np.r_[0.0, ends]) * power)]
        edges = np.arange(8) * 15.0
        rows = [
            float((np.diff(np.interp(edges - begin, at, result)) / 15).max())
            for begin in np.arange(0, 15, 0.01).tolist()
        ]
        outcome = least_peak(ends, power, 15.0)
        assert outcome <= min(rows) + 1e-9
        assert outcome == pytest.approx(min(rows), abs=0.2)


def test_what_divides_all_times() -> None:
    """Proves: the longest whole minutes are found; times that are no whole minutes have none."""
    assert dividing(15, [100, 35, 8]) == 1
    assert dividing(15, [100, 35]) == 5
    assert dividing(15, [45, 60, float("nan")]) == 15
    assert dividing(15, [7.5]) is None


FURNACE = line(({"power_mw": 60.0}, {}), minutes={"S0": 30.0})
BATTERY = {
    "energy_mwh": 10.0, "power_mw": 4.0, "charge_efficiency": 0.8, "discharge_efficiency": 1.0, "end_level_share": 0.0
}  # fmt: skip


@pytest.mark.parametrize(
    ("least", "meter", "site", "series"),
    [
        (60.0, 15, {}, {}),
        (30.0, 30, {}, {}),
        (15.0, 60, {}, {}),
        (65.0, 15, {"base_load_mw": 5.0}, {}),
        (52.0, 15, {"pv": {"peak_mw": 10.0, "capacity_factor": 0.5}}, {"pv_available_mw": [0.0, 8.0, 3.0, 0.0]}),
        (56.0, 15, {"battery": BATTERY}, {}),
    ],
)
def test_the_least_limit_that_some_start_keeps(
    least: float, meter: int, site: dict[str, Any], series: dict[str, Any]
) -> None:
    """Proves: half an hour at 60 MW draws 60 MW in the mean over 15 min, 30 over half an hour, 15 over an hour; base
    load is added, the most of PV and what the battery gives taken off. Just below that no start is fed.

    Sensitivity: an energy taken for a power, a site left out, or a step with less PV.
    """
    for limit, outcome in ((least - 0.01, True), (least + 0.01, False)):
        case = shop(
            FURNACE, step=15, length=60, series=series,
            site={"grid": {"metered_interval_min": meter, "import_limit_mw": limit}, **site},
        )  # fmt: skip
        envelope = twin.envelope(case)
        assert exact_times._unfed(case, envelope, sites.read(case, envelope)) is outcome


def test_times_of_a_line() -> None:
    """Proves: every time that a plan must keep counts: horizon, meter, durations, planned and nominal, starts, margins,
    transfers, waits, set-ups, releases, due times, locks and outages. A pair's own transfer takes the place of the
    stage's, here the 3 min.

    Sensitivity: one that is left out may lie between the steps that a proof is made on.
    """
    two = line(
        ({"power_mw": 6.0, "setup_min": 2.0}, {"transfer_min": 3.0, "longest_wait_min": 31.0}),
        ({"power_mw": 1.0}, {}), minutes={"S0": 17.0, "S1": 19.0},
        transfers=[{"start": "U0", "end": "U1", "minutes": 4}],
    )  # fmt: skip
    case = shop(
        two, step=30, length=240, due=201, outages=[("U0", 211, 223)], release="7 min",
        locks=[{"heat": "O-1", "stage": "S0", "earliest": "11 min", "latest": "43 min"},
               {"heat": "O-1", "stage": "S1", "start": "83 min"}],
        disturbances={"due_margin_min": 1, "margins": [{"stage": "S0", "slack_min": 5, "wait_min": 13}]},
    )  # fmt: skip
    envelope = twin.envelope(case)
    envelope = envelope.assign(
        planned_min=envelope["planned_min"] + 10, started_min=envelope["started_min"].fillna(-9.0)
    )
    times = {round(value) for value in exact_times._times(case, envelope) if np.isfinite(value)}
    expected = {240, 30, 17, 19, 27, 29, -9, 5, 13, 31, 4, 2, 1, 7, 201, 11, 43, 83, 211, 223, 0}
    assert times == expected


def test_a_scenario_on_finer_steps() -> None:
    """Proves: each value of a series stands for as many finer steps as one step has, and energies of a day stay.

    Sensitivity: one step more or less, or series that are tiled.
    """
    case = shop(FURNACE, step=30, length=120, series={"price_per_mwh": [1.0, 2, 3, 4]})
    fine, envelope = exact_times._on(case, twin.envelope(case), 10)
    assert fine.inputs["price_per_mwh"].values.tolist() == [1.0] * 3 + [2.0] * 3 + [3.0] * 3 + [4.0] * 3
    assert fine.horizon.n_steps == envelope.sizes["time"] == 12


@pytest.mark.parametrize(
    ("minutes", "due", "grades", "outcome"),
    [
        (101.0, 991.0, 10, True), (101.0, 992.0, 10, False), (101.0, 100.0, 1, True), (101.0, 101.0, 1, False),
        (100.5, 991.0, 10, True), (100.5, 992.0, 10, False), (100.5, 100.0, 1, True), (100.5, 100.75, 1, False),
    ],
)  # fmt: skip
def test_more_minutes_than_are_solved(minutes: float, due: float, grades: int, outcome: bool) -> None:
    """Proves: ten heats of 101 min on one unit do not end within 991 min, as slots of 3 min that are rounded outwards
    prove where there are too many minutes: nine take 33 each. Of 992 min they prove nothing. One of 101 min has no
    place within 100 min, to the minute.

    Sensitivity: a minute more or less, or a proof on slots that are rounded inwards.
    """
    case = shop(line(({"power_mw": 1.0}, {}), minutes={"S0": minutes}), step=30, length=1440, due=due,
                grades=("G",) * grades)  # fmt: skip
    assert at_all(case) is outcome


def test_no_time_proves_nothing() -> None:
    """Proves: a proof that needs a search is not begun without time. Sensitivity: a search that has no end."""
    slow, caster = {"transfer_min": 5, "longest_wait_min": 5}, {"campaign": True}
    casts = line(({"power_mw": 1.0}, slow), ({"power_mw": 1.0}, caster), minutes={"S0": 20.0, "S1": 10.0})
    case = shop(casts, step=10, length=120, grades=("G", "G"))
    envelope = twin.envelope(case)
    aim = aims.of(case, envelope, sites.read(case, envelope), None)
    assert impossible(case, envelope, aim)
    assert not impossible(case, envelope, aim, work=0.0)


def test_a_site_that_follows_the_step() -> None:
    """Proves: 5 min at 60 MW are 20 MW in the mean of a step of 15 min: a boiler of 40 MW takes that gas, 30 MW of PV
    cover it without import where nothing may be exported, and so does a battery. On steps of 5 min none does, which
    proves nothing. Alone with the grid the limit of 19 MW is proven to be too low, on steps of 5 min too.

    Sensitivity: a site that is asked to follow within its step.
    """
    outages = [("U0", 0.0, 5.0), ("U0", 10.0, 60.0)]
    furnace = ({"power_mw": 60.0}, {"gives": [{"carrier": "gas", "per_mwh": 1.0}]})
    gas = shop(line(furnace, minutes={"S0": 5.0}), step=15, length=60, outages=outages, site=BOILER)
    burst = line(({"power_mw": 60.0}, {}), minutes={"S0": 5.0})
    grid = {"import_limit_mw": 5.0, "export_limit_mw": 0.0}
    sun = shop(burst, step=15, length=60, outages=outages, grid=grid, site={
        "grid": {"metered_interval_min": 15, **grid}, "pv": {"peak_mw": 30.0, "capacity_factor": 1.0},
    }, series={"pv_available_mw": [30.0] * 4})  # fmt: skip
    stored = shop(burst, step=15, length=60, outages=outages, site={
        "grid": {"metered_interval_min": 15, **grid}, "battery": {**BATTERY, "power_mw": 20.0},
    })  # fmt: skip
    for case in (gas, sun, stored):
        assert not at_all(case)
    early = sun.model_copy(update={"state": State()})
    assert not twin.replay(early, twin.dispatch(early))["violation_kind"].size
    assert at_all(shop(burst, step=15, length=60, outages=outages, grid={"import_limit_mw": 19.0}))
    assert not at_all(shop(burst, step=15, length=60, outages=outages, grid={"import_limit_mw": 21.0}))


@pytest.mark.parametrize(
    ("minutes", "due", "grades", "release", "length", "outcome"),
    [
        (1.5, 9.0, 10, 0, 120, True), (1.5, 15.0, 10, 0, 120, False), (0.5, 9.0, 2, 0, 120, False),
        (0.5, 9.0, 30, 0, 120, False), (101.5, 111.0, 1, 10, 1440, True), (101.5, 112.0, 1, 10, 1440, False),
    ],
)  # fmt: skip
def test_slots_that_are_rounded_outwards(
    minutes: float, due: float, grades: int, release: int, length: int, outcome: bool
) -> None:
    """Proves: ten heats of a minute and a half, one minute when rounded outwards, start in eight minutes at most; of
    half a minute nothing is left, and nothing proven. Whether a heat has a place is asked to the minute, also where
    longer slots are solved.

    Sensitivity: a minute more or less.
    """
    case = shop(line(({"power_mw": 1.0}, {}), minutes={"S0": minutes}), step=15, length=length, due=due,
                grades=("G",) * grades, release=f"{release} min")  # fmt: skip
    assert at_all(case) is outcome


def test_as_many_slots_as_are_solved() -> None:
    """Proves: two heats of 31 min at 60 MW that must overlap exceed 70 MW, which 500 minutes prove, the most that are
    solved; 125 MW are enough. Sensitivity: a slot less."""
    furnaces = {"units": [{"name": "U0", "power_mw": 60.0}, {"name": "U1", "power_mw": 60.0}]}
    two = line(({}, furnaces), minutes={"S0": 31.0})
    for limit, outcome in ((70.0, True), (125.0, False)):
        grid = {"import_limit_mw": limit, "metered_interval_min": 5}
        assert at_all(shop(two, step=20, length=500, grades=("G", "G"), due=40, grid=grid)) is outcome


@pytest.mark.parametrize(
    ("states", "hub", "reheat", "weights", "outcome"),
    [
        ({}, None, 1.0, [0.0, 2.0], True), ({}, None, 1.0, [-0.1, 2.0], False), ({}, None, 0.0, [-0.1, 2.0], True),
        ({"U": 1}, None, 0.0, [1.0], False), ({}, object(), 0.0, [1.0], False), ({"U": 1}, object(), 1.0, [1.0], False),
        ({"U": 1}, None, 1.0, [1.0], False), ({}, object(), 1.0, [1.0], False),
    ],
)  # fmt: skip
def test_where_waiting_may_be_left_out(
    states: dict[str, Any], hub: object, reheat: float, weights: list[float], outcome: bool
) -> None:
    """Proves: what waiting draws may be left out of a proof where no machine has states and no asset takes part, and
    where no cap counts what is drawn as a gain, or waiting draws nothing. Sensitivity: a proof that is false."""
    problem: Any = SimpleNamespace(states=states, reheat_kwh_per_t_min=reheat)
    data: Any = SimpleNamespace(hub=hub, guide_per_mwh={"cost": np.array(weights), "carbon": np.array([-1.0])})
    aim: Any = SimpleNamespace(caps=lambda site: [("cost", 1.0)])
    assert exact_times._lossless(problem, data, aim) is outcome
