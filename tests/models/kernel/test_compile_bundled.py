"""Every model that planning a bundled scenario makes: templates against rules, compiler against Pyomo's interface."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.contrib.solver.solvers.highs import Highs
from pyomo.core.expr import resolve_template
from same_arrays import upright

from emberline import models, twin
from emberline.models.kernel.arrays import Rows
from emberline.models.kernel.compile import compiled
from emberline.models.kernel.highs import Program
from emberline.models.kernel.standard_form import Compiled
from emberline.scenarios import load

FAMILIES = ("melt-shop-small", "melt-shop-site", "cement-week", "steam-cracker-utilities", "works-hub-year")
"""A scenario of each family of models: the others differ in their figures."""
SHORTER = {"works-hub-year": ["horizon.days=10"]}
"""A year's rules are those of ten days."""
SEARCH_S = 1.5
"""Of the processor, so that the same models are made on a busy machine; the first one is waited for."""
MAX_SIZE = 25_000
"""Coefficients up to which sums are written out, and Pyomo's own interface solves a relaxation, in seconds; the
smallest model of a scenario is compared however large."""


def search_models(name: str, monkeypatch: pytest.MonkeyPatch) -> list[pyo.ConcreteModel]:
    """The models of a scenario's search, one for each set of constraints."""
    table: dict[tuple[Any, ...], pyo.ConcreteModel] = {}
    begin = Program.__init__

    def noted(self: Program, model: pyo.ConcreteModel | Compiled) -> None:
        begin(self, model)
        if isinstance(model, Compiled):
            return  # arrays from the start
        table.setdefault(tuple(part.name for part in model.component_objects(pyo.Constraint, active=True)), model)

    monkeypatch.setattr(Program, "__init__", noted)
    scenario = load(name, ["goal.effort=15", *SHORTER.get(name, [])])
    envelope = twin.envelope(scenario)
    listed = twin.dispatch(scenario, envelope)
    began = time.process_time()

    def enough() -> bool:
        return time.process_time() - began > SEARCH_S and bool(table)

    models.optimize(scenario, envelope, listed if listed.attrs["complete"] else None, cancel=enough)
    monkeypatch.undo()
    return list(table.values())


def expand(model: pyo.ConcreteModel) -> None:
    """Make each constraint from its rule called with its own index, and write every sum out."""
    for component in list(model.component_objects(pyo.Constraint, active=True)):
        if isinstance(component, Rows):
            for index in component.index_set():
                component[index]
            component.template = None
    for kind in (pyo.Constraint, pyo.Objective):
        for data in model.component_data_objects(kind, active=True):
            if not isinstance(data.parent_component(), Rows):
                data.set_value(resolve_template(data.expr))


@pytest.mark.parametrize("name", FAMILIES)
def test_models_of_bundled_scenarios(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: templates say what the rules say, to the last coefficient, and the optimum of the relaxation is that of
    Pyomo's own interface to 1e-6. Sensitivity: a template that differs from its rule at one index.
    """
    result = search_models(name, monkeypatch)
    assert result
    forms = [compiled(model) for model in result]
    sizes = [len(form.values) for form in forms]
    for model, form, size in zip(result, forms, sizes, strict=True):
        if size > MAX_SIZE and size > min(sizes):
            continue
        expand(model)
        for one, other in zip(upright(form), upright(compiled(model)), strict=True):
            assert one.shape == other.shape
            assert np.allclose(one, other, rtol=1e-9, atol=1e-9)
        mine = Program(model).run(work=120, relax=True, ipm=True, crossover=False).objective
        pyo.TransformationFactory("core.relax_integer_vars").apply_to(model)
        how = {"solver": "ipm", "run_crossover": "off", "presolve_rule_off": 1 << 15, "threads": 1}
        theirs = Highs(load_solutions=False, raise_exception_on_nonoptimal_result=False, solver_options=how)
        assert mine == pytest.approx(theirs.solve(model, time_limit=120).incumbent_objective, rel=1e-6, abs=1e-6)
