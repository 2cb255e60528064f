"""The whole problem of a scenario as one Pyomo model, to inspect, to extend, and to solve with any Pyomo solver."""

from __future__ import annotations

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.formulations import whole_site
from emberline.models.formulations.line.named.model import Named
from emberline.models.formulations.site import objective
from emberline.models.kernel.templates import by_index
from emberline.models.problem import line_reader, plant, site
from emberline.models.problem.line import SlotProblem, Windows
from emberline.scenarios import Case


def whole_model(scenario: Case, envelope: xr.Dataset, baseline: xr.Dataset) -> pyo.ConcreteModel:
    """Return the model of a scenario without windows and heuristics; its objective ``goal`` is the whole goal.

    Heats start on the scenario's steps, each by name: ``x[heat, operation, unit, slot]`` and ``z[cast, unit, slot]`` by
    their numbers. The draw of units between works above their lowest power is left out. ``site`` contains the balances
    and assets, ``plant`` the processes.

    Args:
        scenario: scenario with its goal and caps.
        envelope: table ``ENVELOPE``.
        baseline: table ``SCHEDULE``, to which caps on extra cost refer.
    """
    data = site.read(scenario, envelope)
    aim = objective.of(scenario, envelope, data, baseline)
    with by_index():
        if scenario.heats:
            problem = line_reader.from_scenario(scenario, envelope)
            named = Named(problem, data, _open(problem), firm=True)
            model = named.model
            named.ports.keep(model, aim.tops)
            model.goal = pyo.Objective(expr=named.ports.worth(aim.first))
            return model
        works = plant.read(scenario, envelope) if scenario.processes else None
        return whole_site.build(data, aim, plant=works, program=lambda model: None).model


def _open(problem: SlotProblem) -> Windows:
    """Return windows that leave every start open."""
    casts = {
        c: [(u, t) for u in cast.units for t in np.flatnonzero(problem.start_slots(cast, u)).tolist()]
        for c, cast in enumerate(problem.casts)
    }
    return Windows({key: (0, problem.n_slots) for key, _ in problem.works() if key[0] >= 0}, casts)
