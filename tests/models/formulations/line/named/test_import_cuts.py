"""Cuts of whole starts under sun and peaks: valid for every plan, and what small lines need to be proven."""

from __future__ import annotations

from collections.abc import Sequence

import pyomo.core as pyo
import pytest
from cast_shops import search
from sited_shops import best_plan, features, random_shop

from emberline.models.formulations.line.named import import_cuts
from emberline.models.kernel.highs import Program
from emberline.models.search.incumbent import Search
from emberline.models.strategies import exact_named, line
from emberline.scenarios import Case, Scenario, resolve

START = "2026-03-10T00:00+00:00"


def sunny_shop() -> Case:
    """Three heats on two furnaces under eight hours of sun of all kinds, with a charge on the day's peak."""
    sun, price = [0.93, 0.37, 0.53, 0.77, 0.35, 0.96, 0.79, 0.46], [88, 103, 100, 116, 104, 40, 113, 32]

    def hourly(values: Sequence[float]) -> dict[str, object]:
        return {"values": values, "start": START, "interval_min": 60}

    furnaces = [{"name": "F1", "power_mw": 12}, {"name": "F2", "power_mw": 30}]
    return resolve(
        Scenario.model_validate(
            {
                "name": "sunny",
                "horizon": {"start": START, "length_h": 8, "step_min": 10},
                "line": {
                    "stages": [{"name": "melting", "units": furnaces}],
                    "grades": [{"name": "A", "mass_t": 50, "duration_min": {"F1": 50, "F2": 20}}],
                },
                "orders": [{"name": f"O{i}", "heats": [{"grade": "A"}], "release": f"{10 * i} min"} for i in range(3)],
                "site": {
                    "grid": {"metered_interval_min": 60, "export_limit_mw": 2},
                    "pv": {"peak_mw": 12, "capacity_factor": hourly(sun)},
                },
                "market": {
                    "price_per_mwh": hourly(price),
                    "carbon_intensity_kg_per_mwh": 100,
                    "tariff": {"demand": [{"name": "peak", "rates": [{"per_mw": 2000}], "assessed": "daily"}]},
                },
                "goal": {"minimize": "cost", "caps": {"extra_cost_share": None}},
            }
        )
    )


def relaxed(every: Search) -> float:
    """Bound of the program's relaxation."""
    formulation = exact_named._model(every)
    formulation.model.goal = pyo.Objective(rule=lambda m: every.aim.pure(formulation.ports))
    bound = Program(formulation.model).run(work=60.0, relax=True).bound
    assert bound is not None
    return bound


@pytest.mark.parametrize("seed", [4, 8, 12, 17])
def test_no_cut_cuts_off_the_best_plan(seed: int) -> None:
    """Proves: with PV, battery, export, demand charges and negative prices the program with its cuts ends at the best
    of all plans, tried one by one. Sensitivity: a battery that is not counted as import, a peak's floor."""
    scenario = random_shop(seed)
    assert features(scenario)["demand charge"] or features(scenario)["PV"], "there is nothing to cut"
    whole = search(scenario)
    assert exact_named.solve(whole, 600.0)
    truth = best_plan(scenario)
    if truth is None:
        assert whole.infeasible
        return
    assert whole.value == pytest.approx(truth, rel=1e-6, abs=1e-4)
    assert whole.bound == pytest.approx(truth, rel=1e-5, abs=1e-3)


def test_the_relaxation_sees_what_whole_starts_import(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: under sun and a demand charge the relaxation with cuts lies a fifth nearer to the optimum; without them
    parts of all heats share the sun. Sensitivity: the cuts of slots or of peaks left out."""
    every = search(sunny_shop())
    with_cuts = relaxed(every)
    assert exact_named.solve(every, 600.0)
    assert every.value is not None
    with monkeypatch.context() as patch:
        patch.setattr(import_cuts, "add", lambda formulation: None)
        without = relaxed(every)
    best = every.value + every.aim.constant
    assert without < with_cuts <= best + 1e-6
    assert best - with_cuts < 0.8 * (best - without)


def test_few_heats_are_solved_whole_before_all_else() -> None:
    """Proves: a line of few heats with PV and a demand charge is proven by one program, however fine its steps.

    Sensitivity: it is left to pooled counts, whose bound no branching closes."""
    every = search(sunny_shop())
    every.gap = 1e-4
    every.limit = 600.0
    assert line.pursue(every) == "heats by name"
    assert every.reached
