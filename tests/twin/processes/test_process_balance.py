"""Random plants: whatever is planned and whatever breaks, nothing vanishes in a store, and the twin does what is
planned; mass and energy balance, and events know no steps."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from plants import MARKET, plants, schedule

from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.flows.asset_flows import flow, load_mw
from emberline.twin import dispatch, replay
from emberline.twin.processes.following import SchedulePolicy
from emberline.twin.processes.network import WorksTable
from emberline.twin.processes.scatter import scatter
from emberline.twin.processes.works import Works

SHARE = 1e-9
FLOWS = ("process_tph", "off_spec_tph", "process_mw", "stream_rate", "stock_t", "delivered_t", "meter_mw")


def closes(scenario: Case, run: xr.Dataset) -> None:
    """Level change = in − out − lost in each step and in all, streams and deliveries are what flowed, levels fit."""
    start = np.array([store.start_t for store in scenario.stores])
    levels = run["stock_t"].to_numpy()
    change = np.diff(np.column_stack([start, levels]), axis=1)
    into, out, lost = (run[f"stock_{name}_t"].to_numpy() for name in ("in", "out", "lost"))
    through = np.maximum((into + out).sum(axis=1), 1.0)
    assert (np.abs(change - (into - out - lost)) <= SHARE * through[:, None]).all()
    assert (np.abs((change - into + out + lost).sum(axis=1)) <= SHARE * through).all()
    capacity = np.array([store.capacity_t for store in scenario.stores])
    assert (levels >= 0).all()
    assert (levels <= capacity[:, None]).all()
    assert (lost >= -SHARE * through[:, None]).all()
    assert np.abs(lost[[store.loss_per_h == 0 for store in scenario.stores]]).max(initial=0.0) == 0
    hours = scenario.horizon.step_h
    for s, store in enumerate(scenario.stores):
        mine = run["stream_rate"].to_numpy()[run["stream_place"].values == store.name] * hours
        gone = sum(
            run["delivered_t"].sel(delivery=d.name).to_numpy() for d in scenario.deliveries if d.store == store.name
        )
        come = sum(run["arrived_t"].sel(arrival=a.name).to_numpy() for a in scenario.arrivals if a.store == store.name)
        assert np.abs(np.maximum(mine, 0).sum(axis=0) + come - into[s]).max() <= SHARE * through[s]
        assert np.abs(-np.minimum(mine, 0).sum(axis=0) + gone - out[s]).max() <= SHARE * through[s]
    assert (run["off_spec_tph"] <= run["process_tph"] + 1e-12).all()
    result = run["process_mw"].sum("process").to_numpy()
    np.testing.assert_allclose(result, run["line_mw"].to_numpy(), rtol=SHARE, atol=SHARE)
    sun = sum(flow(run, plant.name) for plant in scenario.site.renewables)
    supply = (run["import_mw"] + sun + run["discharge_mw"]).to_numpy()
    demand = (run["line_mw"] + load_mw(scenario, run) + run["charge_mw"] + run["export_mw"]).to_numpy()
    np.testing.assert_allclose(supply, demand, rtol=SHARE, atol=SHARE)


def on_steps(scenario: Case, step_min: float) -> Case:
    """The same works on other steps, without what is counted in whole steps: off-spec product, orders, part hours."""
    data = scenario.model_dump(exclude={"market", "line", "site"}, exclude_unset=True)
    data["horizon"]["step_min"] = step_min
    data["deliveries"] = [item for item in data["deliveries"] if "amount_t" not in item]
    for process in data["processes"]:
        process["start_up"] |= {"off_spec_t": 0, "hours": round(process["start_up"]["hours"])}
        process["change_over"] = {"minutes": 60 * round(process.get("change_over", {}).get("minutes", 0) / 60)}
    return resolve(Scenario.model_validate({**data, "market": MARKET}))


TONNES = re.compile(r"(?<!per)_t$|_tph$|_tph_per_h$|^rate$|^low$|^high$|^usual$|^value$")
"""Fields of a scenario of processes that count tonnes."""


def smaller(part: Any, factor: float, counts: bool = False) -> Any:
    """A scenario's data with all tonnes times a factor."""
    if isinstance(part, dict):
        return {name: smaller(value, factor, TONNES.search(name) is not None) for name, value in part.items()}
    if isinstance(part, list | tuple):
        return [smaller(value, factor, counts) for value in part]
    return part * factor if counts and isinstance(part, float | int) and not isinstance(part, bool) else part


@settings(max_examples=25)
@given(plants())
def test_a_plant_of_a_thousandth_does_the_same(scenario: Case) -> None:
    """Proves: with all tonnes a 1,024th the baseline does the same a 1,024th as large, undisturbed and disturbed.

    Sensitivity: a tonne, or a tonne an hour, where there must be none."""
    factor = 2.0**-10
    data = scenario.model_dump(exclude={"market", "line", "site"}, exclude_unset=True)
    small = resolve(Scenario.model_validate({**smaller(data, factor), "market": MARKET}))
    for disturbed in (False, True):
        runs = [replay(item, dispatch(item), replication=1, disturbed=disturbed) for item in (scenario, small)]
        assert runs[0]["process_mode"].values.tolist() == runs[1]["process_mode"].values.tolist()
        for name in ("process_tph", "stock_t", "delivered_t", "stream_rate", "off_spec_tph"):
            np.testing.assert_allclose(runs[1][name] / factor, runs[0][name], rtol=1e-6, atol=1e-6, err_msg=name)


@settings(max_examples=30)
@given(plants(), st.integers(0, 5))
def test_nothing_vanishes_by_the_rule(scenario: Case, replication: int) -> None:
    """Proves: in = out + lost + change of level in every store and step, to 1e-9 of its throughput, under the baseline,
    undisturbed and disturbed. Sensitivity: a clipped level, or a refused arrival that counts, breaks it."""
    for disturbed in (False, True):
        closes(scenario, replay(scenario, dispatch(scenario), replication=replication, disturbed=disturbed))


def set_points(scenario: Case, data: st.DataObject) -> dict[str, list[tuple[str, float]]]:
    """Random modes and rates of each unit in each step, whatever the stores can give."""
    table = {}
    for unit, process in scenario.process_units:
        row: list[tuple[str, float]] = []
        while len(row) < scenario.horizon.n_steps:
            steps = data.draw(st.integers(1, 12))
            mode = data.draw(st.sampled_from([None, *process.all_modes]))
            if mode is None:
                row += [("", 0.0)] * steps
            else:
                rate = data.draw(st.sampled_from([mode.rates.low or 1.0, mode.rates.high]))
                row += [(mode.name, rate)] * steps
        table[unit] = row
    return table


@settings(max_examples=10)
@given(plants(), st.data(), st.booleans())
def test_events_are_at_the_same_moments_whatever_the_step(scenario: Case, data: st.DataObject, disturbed: bool) -> None:
    """Proves: with the same set-points on steps of 60 and 15 min units begin, end and break down, and stores become
    full or empty, at the same moments. Sensitivity: an event that waits for the next step, or for a poll."""
    hourly = on_steps(scenario, 60.0)
    hours = set_points(hourly, data)
    happened = []
    for step_min in (60.0, 15.0):
        works = on_steps(scenario, step_min)
        table = WorksTable(works)
        each = {unit: [row for row in rows for _ in range(round(60 / step_min))] for unit, rows in hours.items()}
        process = Works(
            table, SchedulePolicy(table, schedule(works, each)), scatter(table, 5, 1) if disturbed else None
        )
        trajectory = process.run()
        runs = sorted((run.unit, run.begin, run.end) for run in trajectory.runs)
        stops = [(at, stop_min) for unit in process.units for at, stop_min in unit.stops]
        happened.append(np.array([x for row in (*sorted(trajectory.bounds), *runs, *stops) for x in row], dtype=float))
    np.testing.assert_allclose(happened[1], happened[0], rtol=1e-9, atol=1e-6)


@settings(max_examples=30)
@given(plants(), st.data(), st.booleans())
def test_nothing_vanishes_whatever_is_planned(scenario: Case, data: st.DataObject, disturbed: bool) -> None:
    """Proves: the same where set-points ask for what stores cannot give. Sensitivity: throttling that is not passed on
    to a unit's other stores makes material of nothing."""
    text = set_points(scenario, data)
    loads = {d.name: [3.0] for d in scenario.deliveries if d.amount_t}
    run = replay(scenario, schedule(scenario, text, loads), replication=3, disturbed=disturbed)
    closes(scenario, run)


@settings(max_examples=30)
@given(plants())
def test_the_baseline_schedule_is_what_happens(scenario: Case) -> None:
    """Proves: followed, the baseline schedule gives its own rates, levels and power, and its replay by the
    rule does too. Sensitivity: a step in which a store runs empty, or a rule that looks at more than it will know."""
    listed = dispatch(scenario)
    by_rule = replay(scenario, listed)
    text = listed.assign_attrs(policy="schedule")
    followed = replay(scenario, text)
    for name in FLOWS:
        for run in (by_rule, followed):
            assert np.abs(run[name].to_numpy() - listed[name].to_numpy()).max(initial=0.0) <= 1e-7, name
    assert (by_rule["process_mode"].values == listed["process_mode"].values).all()
    missed = set(followed["violation_kind"].values.tolist())
    assert not missed & {"process", "rest", "ramp"}
