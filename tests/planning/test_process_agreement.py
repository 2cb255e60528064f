"""Twin and model say the same of a plan of processes: replayed undisturbed, no violation, equal energy and carbon."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from enumerated import random_works, works

from emberline import models, twin
from emberline.scenarios import Case, load
from emberline.scenarios.flows.process_flows import emitted_kg

EXACT = 1e-6
"""Schedule and undisturbed replay are the same piecewise constant flows: they differ by rounding only."""
BY_STEP = (
    "line_mw", "process_mw", "process_tph", "off_spec_tph", "stream_rate", "stock_t", "stock_in_t", "stock_out_t",
    "stock_lost_t", "delivered_t", "arrived_t", "line_rate", "import_mw",
)  # fmt: skip


STOPPED: dict[str, Any] = {
    "name": "kiln", "rate": {"low": 40.0, "high": 60.0}, "kwh_per_t": 30.0, "must_run": True, "ramp_tph_per_h": 5.0,
    "outputs": [{"store": "clinker"}, {"carrier": "gas", "per_t": 0.2}],
    "planned_stop": {"hours": 3.0, "earliest": "4 h"}, "state": {"mode": "kiln", "rate_tph": 50.0},
    "start_up": {"hours": 1.25, "heat_gj": 90.0, "energy_mwh": 2.0, "off_spec_t": 30.0},
    "heat": {"gj_per_t": 3.4, "fuels": [{"carrier": "coal", "share": 0.7, "least": 0.2},
                                        {"carrier": "rdf", "share": 0.3, "most": 0.6}]},
    "emissions": [{"source": "calcination", "kg_per_t": 500.0},
                  {"source": "waste", "kg_per_t": 9.0, "biogenic": True}],
}  # fmt: skip
BENT: dict[str, Any] = {
    "name": "crusher", "count": 2, "rate": {"low": 0.0, "high": 60.0}, "outputs": [{"store": "stone", "per_t": 0.9}],
    "power_by_rate": [{"rate_tph": r, "power_mw": mw} for r, mw in ((0.0, 0.2), (30.0, 1.0), (60.0, 3.0))],
    "min_run_h": 1.0, "start_up": {"off_spec_t": 12.0}, "daily_energy_mwh": 28.0,
}  # fmt: skip


def hot_works(process: dict[str, Any], step_min: float, **how: Any) -> Case:
    """A works of one process with fuels, hot gas to a turbine, and prices that fall below zero."""
    n = round(12 * 60 / step_min)
    hour = np.arange(n) * step_min / 60
    result = process["outputs"][0]["store"]
    trucks = {"name": "trucks", "store": result, "rate": 20.0}
    ship = {"name": "ship", "store": result, "amount_t": 150.0, "loading_tph": 60.0, "release": "2 h"}
    return works(
        [process],
        [{"name": result, "capacity_t": 2000.0, "level_t": 600.0, "end_level_t": 500.0}],
        price=np.round(30 + 50 * np.sin(hour), 2).tolist(), intensity=np.round(300 + 100 * np.cos(hour), 1).tolist(),
        step_min=step_min, deliveries=[trucks, ship],
        site={
            "grid": {"metered_interval_min": 15}, "base_load_mw": 2.0,
            "carriers": [{"name": "coal"}, {"name": "rdf"}, {"name": "gas", "waste": True}],
            "assets": [
                {"kind": "supply", "name": "yard", "carrier": "coal", "price_per_unit": 14,
                 "fossil_kg_per_unit": 340.0},
                {"kind": "supply", "name": "hall", "carrier": "rdf", "price_per_unit": 5, "fossil_kg_per_unit": 150.0,
                 "horizon_limit": 200.0},
                {"kind": "turbine", "name": "orc", "input": "gas", "electric_mw": 2.0, "mwh_per_unit": 0.2},
            ],
        },
        **how,
    )  # fmt: skip


def agreed(scenario: Case) -> xr.Dataset | None:
    """The plan, after its replay said the same of it; None where there is no plan."""
    plan = models.optimize(scenario, twin.envelope(scenario), twin.dispatch(scenario))
    if not plan.attrs["found"]:
        return None
    run = twin.replay(scenario, plan)
    kinds = [
        (str(kind), str(unit), float(amount))
        for kind, unit, amount in zip(
            run["violation_kind"].values, run["violation_unit"].values, run["violation_amount"].values, strict=True
        )
    ]
    assert kinds == []
    for name in BY_STEP:
        if name in plan:
            text, process = plan[name].values, run[name].values
            scale = max(float(np.abs(text).max(initial=0.0)), 1.0)
            np.testing.assert_allclose(process, text, rtol=0, atol=EXACT * 10 * scale, err_msg=name)
    for mine, its in ((energy(scenario, plan), energy(scenario, run)), (carbon(scenario, plan), carbon(scenario, run))):
        assert its == pytest.approx(mine, rel=EXACT, abs=EXACT)
    return plan


def energy(scenario: Case, flows: xr.Dataset) -> float:
    return float(flows["import_mw"].sum()) * scenario.horizon.step_h


def carbon(scenario: Case, flows: xr.Dataset) -> float:
    grid = float(flows["import_mw"].values @ scenario.inputs["carbon_intensity_kg_per_mwh"].values)
    return grid * scenario.horizon.step_h + float(emitted_kg(scenario, flows).sum())


@pytest.mark.parametrize("block", range(0, 60, 6))
def test_a_plan_of_random_works_is_what_the_twin_does(block: int) -> None:
    """Proves: start-ups, change-overs, off-spec product, ramps, losses, outages and orders are the same in both
    engines.

    Sensitivity: energy of a start-up by whole steps, off-spec product at another pace, a loss at the end of the
    step."""
    rows = [agreed(works(**random_works(seed))) for seed in range(block, block + 6)]
    assert any(plan is not None for plan in rows)


@pytest.mark.parametrize("seed", range(300, 312))
def test_a_plan_of_several_units_is_what_the_twin_does(seed: int) -> None:
    """Proves: what counts are divided into is what each unit can do, least runs and rests kept."""
    rng = np.random.default_rng(seed)
    agreed(works(**random_works(seed, (int(rng.integers(2, 4)), int(rng.integers(1, 4)), int(rng.integers(8, 16))))))


@pytest.mark.parametrize("step_min", [15.0, 30.0, 60.0])
@pytest.mark.parametrize("process", [STOPPED, BENT], ids=["planned stop", "bent power"])
def test_heat_stops_and_bent_power_are_what_the_twin_does(process: dict[str, Any], step_min: float) -> None:
    """Proves: fuels by share and by start-up heat, hot gas, a planned stop, power that bends at negative prices, a
    day's energy, and rates down to zero agree on every step.

    Sensitivity: power filled from its dear end, heat of a start-up in the free mix, off-spec product beyond the
    rate."""
    plan = agreed(hot_works(process, step_min))
    assert plan is not None
    assert float(plan["process_mw"].sum()) > 0


SMALL = str(Path(__file__).with_name("cement-small.yaml"))


@pytest.mark.parametrize("goal", ["carbon", "cost", "cost_with_carbon_price"])
def test_a_plan_of_a_cement_works_is_what_the_twin_does(goal: str) -> None:
    """Proves: fuels, waste heat to a turbine, the grid and two days of mills and a kiln agree, whatever is
    minimized."""
    assert agreed(load(SMALL, [f"goal.minimize={goal}", "goal.gap=5 %", "goal.effort=8"])) is not None
