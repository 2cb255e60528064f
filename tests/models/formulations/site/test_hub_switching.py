"""Switching, ramps and part load on sites that are solved by hand.

The engine makes 10 MW at 40 %: 75 €/MWh with gas at 30. Grid power at 200 is dearer, at 5 cheaper. Base load: 10 MW.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import pytest
from hubs import ELECTRODE, ENGINE, ENVELOPE, GAS, amounts, best, hub, plan
from hypothesis import given, settings
from hypothesis import strategies as st

from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.whole_site import build
from emberline.models.problem import site as sites
from emberline.scenarios import Case

BOILER = {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "heat", "heat_mw": 10, "efficiency": 0.9}
ON = {"on": True, "load": 0}


def engine(*price: float, **how: Any) -> Case:
    step = how.pop("step_min", 60.0)
    return hub(GAS, {**ENGINE, **how}, price=list(price), base=10.0, step_min=step)


def need(*rate: float) -> dict[str, object]:
    return {"kind": "load", "name": "need", "carrier": "heat", "rate": list(rate)}


def whole(scenario: Case) -> bool:
    """Whether the model has whole numbers."""
    data = sites.read(scenario, ENVELOPE)
    return build(data, aims.read(scenario, data, {}, 0.0)).program.whole


def test_below_least_load_a_boiler_is_off() -> None:
    """Proves: 3 MW lie below half of 10 MW: power at 100 makes the heat: 300. Sensitivity: without least load 100."""
    scenario = hub(GAS, {**BOILER, "min_load": 0.5}, ELECTRODE, need(3.0), price=[100.0])
    assert best(scenario) == pytest.approx(300)


def test_least_load_with_the_rest_from_another() -> None:
    """Proves: 3 MW are made by neither more nor less than needed; at 5.5 MW the boiler runs: 5.5/0.9 × 30 = 183.33."""
    scenario = hub(GAS, {**BOILER, "min_load": 0.5}, ELECTRODE, need(5.5), price=[100.0])
    assert best(scenario) == pytest.approx(5.5 / 0.9 * 30)


def test_each_start_is_paid() -> None:
    """Proves: on, off, on with a least load costs two starts: 2 × 50 + 10/0.9 × 30. Sensitivity: one start: 50 less."""
    scenario = hub(GAS, {**BOILER, "min_load": 0.2, "start_cost": 50}, need(5.0, 0.0, 5.0), price=[100.0] * 3)
    assert best(scenario) == pytest.approx(100 + 10 / 0.9 * 30)


def test_idling_is_cheaper_than_a_second_start() -> None:
    """Proves: with 10 €/h on and 50 € a start it idles: 50 + 3 × 10 + 333.33. Sensitivity: stopped: 50 + 50 + 20."""
    machine = {**BOILER, "start_cost": 50, "running_cost_per_h": 10}
    result = plan(hub(GAS, machine, need(5.0, 0.0, 5.0), price=[100.0] * 3))
    assert result.attrs["objective"] == pytest.approx(80 + 10 / 0.9 * 30)
    assert result["asset_on"].sel(machine="boiler").values.tolist() == [1, 1, 1]


def test_least_run_makes_a_short_peak_not_worth_a_start() -> None:
    """Proves: three hours at full load cost 2250, the grid at 200, 5, 5 costs 2100. Sensitivity: free to stop: 850."""
    assert best(engine(200, 5, 5, min_load=1, min_up_h=3)) == pytest.approx(2100)
    assert best(engine(200, 5, 5, min_load=1)) == pytest.approx(850)


def test_least_rest_keeps_it_running_through_a_valley() -> None:
    """Proves: off for one hour is not allowed, so on throughout: 2250. Sensitivity: free to restart: 1550."""
    how = {"min_load": 1, "state": {"on": True}}
    assert best(engine(200, 5, 200, min_down_h=2, **how)) == pytest.approx(2250)
    assert best(engine(200, 5, 200, **how)) == pytest.approx(1550)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_least_run_is_in_hours_not_steps(step: float) -> None:
    """Proves: at quarters of an hour three hours are twelve steps: 2100 still. Sensitivity: three quarters: 850."""
    assert best(engine(200, 5, 5, min_load=1, min_up_h=3, step_min=step)) == pytest.approx(2100)


def test_what_is_left_of_the_least_run_carries_over() -> None:
    """Proves: on for 1 of 3 h, it stays on for two more at a price of 5: 1500 + 50. Sensitivity: forgotten: 150."""
    how = {"min_load": 1, "min_up_h": 3}
    assert best(engine(5, 5, 5, state={"on": True, "since_h": 1}, **how)) == pytest.approx(1550)
    assert best(engine(5, 5, 5, state={"on": True, "since_h": 3}, **how)) == pytest.approx(150)


def test_what_is_left_of_the_least_rest_carries_over() -> None:
    """Proves: off for 1 of 3 h, it may start in the third hour only: 2 × 2000 + 750. Sensitivity: forgotten: 2250."""
    how = {"min_load": 1, "min_down_h": 3}
    assert best(engine(200, 200, 200, state={"on": False, "since_h": 1}, **how)) == pytest.approx(4750)


def test_a_machine_that_runs_already_needs_no_start() -> None:
    """Proves: 750 with it on, 850 with it off and a start of 100. Sensitivity: state ignored: both the same."""
    assert best(engine(200, start_cost=100, state={"on": True})) == pytest.approx(750)
    assert best(engine(200, start_cost=100)) == pytest.approx(850)


def test_stopping_costs() -> None:
    """Proves: off at once: 50 for the grid and 30 for the stop. Sensitivity: stop not counted: 50."""
    assert best(engine(5, stop_cost=30, min_load=1, state={"on": True})) == pytest.approx(80)


def test_start_fuel_comes_from_the_fuel_s_balance() -> None:
    """Proves: 2 MWh more gas in the hour of the start: 750 + 60. With a supply of 25 MW there is none left for it: the
    load falls to 23 × 0.4 = 9.2 MW: 23 × 30 + 60 + 0.8 × 200 = 910.

    Sensitivity: start fuel as money only gives 810 in both.
    """
    start = {"start_fuel": {"carrier": "gas", "amount": 2}}
    assert best(engine(200, **start)) == pytest.approx(810)
    limited = hub({**GAS, "rate_limit": 25.0}, {**ENGINE, **start}, price=[200.0], base=10.0)
    assert best(limited) == pytest.approx(910)
    assert amounts(plan(limited), "engine", "start_fuel") == [-2.0]


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_start_fuel_and_running_cost_do_not_depend_on_the_step(step: float) -> None:
    """Proves: one start of 2 MWh and two hours at 20 €/h: 1500 + 60 + 40. Sensitivity: by step 120 more."""
    scenario = engine(200, 200, start_fuel={"carrier": "gas", "amount": 2}, running_cost_per_h=20, step_min=step)
    assert best(scenario) == pytest.approx(1600)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_ramp_up_per_hour(step: float) -> None:
    """Proves: from 0 at 25 % an hour the mean loads are 12.5, 37.5, 62.5, 87.5 %: 20 MWh at 75, 20 at 200: 5500.

    Sensitivity: a ramp by step reaches full load after five quarters: 3625 at 15 min; a first step without its half
    makes the optimum depend on the step: 4875 by hour, 5344 by quarter.
    """
    assert best(engine(200, 200, 200, 200, ramp_up_per_h=0.25, state=ON, step_min=step)) == pytest.approx(5500)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_ramp_down_per_hour(step: float) -> None:
    """Proves: from full load at 50 % an hour 75, 25, 0 % remain: 10 × 75 + 20 × 5 = 850. Sensitivity: at once: 150."""
    state = {"on": True, "load": 1}
    assert best(engine(5, 5, 5, ramp_down_per_h=0.5, state=state, step_min=step)) == pytest.approx(850)


@pytest.mark.parametrize("step", [60.0, 15.0])
def test_a_start_begins_at_least_load_and_rises_from_there(step: float) -> None:
    """Proves: least load 40 %, ramp 20 %/h: mean loads 50, 70, 90 %: 21 MWh at 75 and 9 at 200: 3375.

    Sensitivity: a start to any load gives 2250; one to the least load for a whole step 40, 60, 80 % by hour.
    """
    assert best(engine(200, 200, 200, min_load=0.4, ramp_up_per_h=0.2, step_min=step)) == pytest.approx(3375)


def test_a_start_may_be_allowed_to_reach_more() -> None:
    """Proves: start_load 80 % and half of a ramp of 20 %/h: 90, then 100 %: 19 × 75 + 1 × 200 = 1625."""
    how = {"min_load": 0.4, "ramp_up_per_h": 0.2, "start_load": 0.8}
    assert best(engine(200, 200, **how)) == pytest.approx(1625)


def test_a_stop_comes_from_a_load_that_allows_it() -> None:
    """Proves: stop_load 40 %: after the dear hour it runs one more at 40 %, then stops: 750 + (300 + 30) + 50 = 1130.

    Sensitivity: stopped from full load 850.
    """
    how = {"min_load": 0.4, "stop_load": 0.4, "state": {"on": True}}
    assert best(engine(200, 5, 5, **how)) == pytest.approx(1130)


def test_a_stop_at_the_very_start_needs_a_load_that_allows_it() -> None:
    """Proves: at full load it cannot stop at once with a stop_load of 40 %: one hour at 40 % (300 + 30), then 50 from
    the grid: 380. Sensitivity: stopped at once 100."""
    how = {"min_load": 0.4, "stop_load": 0.4, "state": {"on": True, "load": 1}}
    assert best(engine(5, 5, **how)) == pytest.approx(380)
    assert best(engine(5, 5, **{**how, "state": {"on": True, "load": 0.4}})) == pytest.approx(100)


def test_part_load_that_bends_upward_needs_no_whole_numbers() -> None:
    """Proves: efficiency 50 % at half and 40 % at full load: 10 and 25 MWh; at 7.5 MW 17.5: 525, by a linear program.

    Sensitivity: one straight line through full load gives 562.5.
    """
    points = [{"load": 0.5, "electric": 0.5}, {"load": 1, "electric": 0.4}]
    curved = {**ENGINE, "electric_efficiency": None, "by_load": points}
    scenario = hub(GAS, curved, price=[1000.0], base=7.5)
    assert best(scenario) == pytest.approx(525)
    assert not whole(scenario)


def test_part_load_that_bends_downward_fills_in_order() -> None:
    """Proves: 25 % at half and 40 % at full load: 20 and 25 MWh fuel; at 7.5 MW 22.5: 675.

    Sensitivity: segments filled in any order take 15 MWh: 450.
    """
    points = [{"load": 0.5, "electric": 0.25}, {"load": 1, "electric": 0.4}]
    curved = {**ENGINE, "electric_efficiency": None, "by_load": points}
    scenario = hub(GAS, curved, price=[1000.0], base=7.5)
    assert best(scenario) == pytest.approx(675)
    assert whole(scenario)


def test_part_load_bent_upward_on_a_fuel_that_is_in_the_way_keeps_its_order() -> None:
    """Proves: by-product gas of 20 MWh must go, the flare takes it at 50 €: it may not burn more than it says. At
    7.5 MW it burns 17.5, the flare takes 2.5: 125.

    Sensitivity: segments out of order burn 20: 0.
    """
    points = [{"load": 0.5, "electric": 0.5}, {"load": 1, "electric": 0.4}]
    curved = {**ENGINE, "electric_efficiency": None, "by_load": points}
    gas = {"kind": "source", "name": "ovens", "carrier": "gas", "rate": 20.0}
    flare = {"kind": "flare", "name": "flare", "carrier": "gas", "cost_per_unit": 50.0}
    assert best(hub(gas, curved, flare, price=[1000.0], base=7.5)) == pytest.approx(125)


def test_part_load_with_least_load_and_heat() -> None:
    """Proves: half load 30 % and full load 40 %, heat 50 % and 40 %: on at 50 % for 5 MW: fuel 16.67, heat 8.33.

    Sensitivity: idle consumption left out makes 5 MW of 12.5 MWh.
    """
    points = [{"load": 0.5, "electric": 0.3, "heat": 0.5}, {"load": 1, "electric": 0.4, "heat": 0.4}]
    curved = {**ENGINE, "electric_efficiency": None, "by_load": points, "min_load": 0.5, "heat": "heat"}
    result = plan(hub(GAS, curved, price=[1000.0], base=5.0, carriers="gas", more=[{"name": "heat", "dump": True}]))
    assert result.attrs["objective"] == pytest.approx(5 / 0.3 * 30)
    assert amounts(result, "engine", "outputs.0") == [pytest.approx(25 / 3, abs=1e-5)]


def test_part_load_of_three_points_between_them() -> None:
    """Proves: on between 50, 75 and 100 % with fuel 16, 20, 25: at 8.75 MW 22.5: 675. Sensitivity: straight 682.5."""
    points = [{"load": 0.5, "electric": 5 / 16}, {"load": 0.75, "electric": 7.5 / 20}, {"load": 1, "electric": 0.4}]
    curved = {**ENGINE, "electric_efficiency": None, "by_load": points, "min_load": 0.5}
    assert best(hub(GAS, curved, price=[1000.0], base=8.75)) == pytest.approx(675)


def cheapest(price: list[float], up: int, down: int, start: float, stop: float, on: bool, since: int) -> float:
    """The optimum of one engine with full load or half load, found by trying every switching."""
    least = math.inf
    for pattern in itertools.product([False, True], repeat=len(price)):
        whole_run = [on] * since + list(pattern)
        runs = [(state, len(list(group))) for state, group in itertools.groupby(whole_run)]
        # the last run may go on beyond the horizon
        if any(length < (up if state else down) for state, length in runs[:-1]):
            continue
        cost, before = 0.0, on
        for now, power in zip(pattern, price, strict=True):
            cost += min(750, 375 + 5 * power) if now else 10 * power
            cost += start if now and not before else stop if before and not now else 0.0
            before = now
        least = min(least, cost)
    return least


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([5.0, 60.0, 74.0, 90.0, 150.0]), min_size=3, max_size=7), st.integers(1, 4),
    st.integers(1, 4), st.sampled_from([0.0, 150.0, 900.0]), st.sampled_from([0.0, 80.0]), st.booleans(),
    st.integers(1, 4),
)  # fmt: skip
def test_commitment_against_every_switching(
    price: list[float], up: int, down: int, start: float, stop: float, on: bool, since: int
) -> None:
    """Proves: least run and rest, state at the start, costs of start and stop and least load give the optimum that
    trying every switching finds. Sensitivity: any of the inequalities off by one slot."""
    how = {"min_load": 0.5, "min_up_h": up, "min_down_h": down, "start_cost": start, "stop_cost": stop}
    scenario = engine(*price, **how, state={"on": on, "since_h": since})
    assert best(scenario) == pytest.approx(cheapest(price, up, down, start, stop, on, since))


PAIR = [
    {"kind": "converter", "name": "coal", "carrier": "electricity", "capacity": 10000.0, "min_load": 0.3,
     "cost_per_unit": 20},
    {"kind": "converter", "name": "gas", "carrier": "electricity", "capacity": 1000.0, "min_load": 0.1,
     "cost_per_unit": 70},
]  # fmt: skip


def test_commitment_of_two_plants_by_least_load() -> None:
    """Proves: the example of PyPSA's documentation: 15 GWh of coal at 20, and gas at 70 for the 800 MW below coal's
    least load: 356 000. Sensitivity: least load ignored: 316 000."""
    scenario = hub(*PAIR, price=[1e4] * 4, base=[4000.0, 6000.0, 5000.0, 800.0], grid={"import_limit_mw": 0})
    assert best(scenario) == pytest.approx(356_000)


def test_commitment_of_two_plants_by_least_run() -> None:
    """Proves: gas on for 800 MW must run three hours, and coal needs all of the last: 20 × 11.8 GWh + 70 × 1 GWh =
    306 000 (PyPSA's example of minimum up time). Sensitivity: least run ignored: 296 000."""
    pair = [PAIR[0], {**PAIR[1], "min_up_h": 3}]
    scenario = hub(*pair, price=[1e4] * 4, base=[4000.0, 800.0, 5000.0, 3000.0], grid={"import_limit_mw": 0})
    assert best(scenario) == pytest.approx(306_000)


def test_full_load_or_nothing_with_flows_by_load() -> None:
    """Proves: an engine that runs at full load only takes what it takes there, 2.5 MWh of gas for each of 10 MWh, for
    two dear hours of four. Sensitivity: flows by load need two loads, and there is one."""
    engine = {
        "kind": "converter", "name": "engine", "carrier": "electricity", "capacity": 10.0, "min_load": 1.0,
        "inputs": [{"carrier": "gas", "by_load": [{"load": 0.5, "per_unit": 3.0}, {"load": 1.0, "per_unit": 2.5}]}],
    }  # fmt: skip
    result = best(hub(GAS, engine, price=[50.0, 100.0, 100.0, 50.0], base=10.0))
    assert result == pytest.approx(2 * 10 * 50 + 2 * 10 * 2.5 * 30)
