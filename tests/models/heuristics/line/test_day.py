"""Moves of the search for a day."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from shops import cast, melt_shop, scenario

from emberline import models
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.heuristics.line.neighbourhoods import exchange
from emberline.models.kernel.highs import Program
from emberline.models.problem import assignment, line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.constants import direct_kg
from emberline.models.search.incumbent import Search
from emberline.scenarios import Case
from emberline.twin import dispatch, envelope


def search(built: Case) -> Search:
    table = envelope(built)
    data = sites.read(built, table)
    aim = aims.read(built, data, {}, direct_kg(built, table))
    return Search(
        problem=line_reader.from_scenario(built, table), data=data, aim=aim, limit=30.0, gap=0.0,
        on_progress=lambda event: None, cancel=lambda: False, dispatching=Dispatcher,
    )  # fmt: skip


def two_casts() -> Case:
    """A heavy and a light cast of two heats each; the first hours' electricity is clean."""
    line = melt_shop()
    line["grades"] = [
        {"name": "G", "mass_t": 100.0, "duration_min": {"melting": 45, "ladle": 30, "casting": 45}},
        {
            "name": "light",
            "mass_t": 100.0,
            "duration_min": {"melting": 45, "ladle": 30, "casting": 45},
            "energy_kwh_per_t": {"melting": 100.0},
        },
    ]
    orders = [{"name": "L", "heats": [{"grade": "light", "count": 2}]}, cast("H", 2)]
    built = scenario(
        line, orders, horizon={"length_h": 10.0}, goal={"gap": 0.0, "caps": {"extra_cost_share": None}}
    )  # fmt: skip
    name = "carbon_intensity_kg_per_mwh"
    clean_first = np.repeat([100.0, 600.0], [10, 30])
    return built.with_inputs(built.inputs.assign({name: built.inputs[name].copy(data=clean_first)}))


def test_casts_change_places() -> None:
    """Proves: from the baseline's order, light cast first, the exchange finds the heavy one first, where it is
    clean. Sensitivity: heats that stay behind when their cast moves; casts left where they are.
    """
    built = two_casts()
    table = envelope(built)
    result = search(built)
    starts = assignment.from_schedule(result.problem, dispatch(built, table))
    assert starts is not None
    assert starts.cast_slot[0] < starts.cast_slot[1]
    result.offer(starts)
    before = result.value
    assert exchange(result)
    assert result.best is not None
    assert result.value is not None
    assert before is not None
    assert result.best.cast_slot[1] < result.best.cast_slot[0]
    assert result.value < before
    assert assignment.mistakes(result.problem, result.best) == []
    assert result.value >= models.optimize(built, table).attrs["objective"] - 1e-6


def test_time_of_earlier_linear_programs_does_not_count() -> None:
    """Proves: a program that has been solved for long is still solved within a short limit.

    Sensitivity: HiGHS's own clock, which runs on from one linear program to the next.
    """
    model: Any = pyo.ConcreteModel()
    n = 60
    weight = np.random.Generator(np.random.Philox(key=1)).uniform(1, 9, (n, n))
    model.x = pyo.Var(range(n), bounds=(0, 1))
    model.row = pyo.Constraint(
        range(n), rule=lambda m, i: sum(float(w) * m.x[j] for j, w in enumerate(weight[i])) <= 50.0
    )
    model.goal = pyo.Objective(expr=-sum(model.x.values()))
    program = Program(model)
    began, spent = time.perf_counter(), 0.0
    while spent < 2.0 and time.perf_counter() - began < 60:
        program.forget()
        spent += program.run(work=10.0).seconds
    program.forget()
    outcome = program.run(work=1.5)
    assert outcome.status == "optimal", outcome
    assert outcome.objective == pytest.approx(pyo.value(model.goal))
