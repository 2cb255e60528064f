"""A first plan: averaged heats counted near their relaxation, and disaggregated."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.heuristics.line.disaggregation import name_heats
from emberline.models.heuristics.line.rens import read, surroundings
from emberline.models.kernel.arrays import Series
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem.aggregation import leading_stage
from emberline.models.problem.assignment import Starts
from emberline.models.problem.averaging import averaged, differences
from emberline.models.problem.line import Counted
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort


def first_plan(search: Search, rounding: float | None) -> bool:
    """A pooled plan disaggregated into heats. True where one came out that is better than what there was.

    Args:
        search: takes the plan.
        rounding: how the lags of averaged heats are rounded; None: count heats as they are, which takes longer.
    """
    began = time.perf_counter()
    problem, guide = search.problem, search.planning
    lead = leading_stage(problem)
    mean = rounding is not None
    with building():
        line = averaged(problem, lead, rounding) if rounding is not None else problem
        formulation = Pooled(line, guide.data, bounding=not mean, whole_total=not mean)
        if not formulation.possible:
            return False
        cast_cost: Any = 0.0
        if mean:
            more = differences(problem, line, lead, guide.aim.both_weights(guide.data))
            m = formulation.model
            m.more = Series(m.OPTION, values=np.array([more[c, problem.casts[c].units[k], t] for c, k, t in m.OPTION]))
            cast_cost = total(m.more[c, k, t] * m.z[c, k, t] for c, k, t in each(m.OPTION))
        formulation.model.goal = pyo.Objective(rule=lambda m: guide.aim.expression(formulation.ports) + cast_cost)
        program = Program(formulation.model)
    search.clock("build", began)
    began = time.perf_counter()
    relaxed = program.run(
        work=max(search.remaining, 0.5),
        relax=True,
        ipm=not mean or problem.n_slots > LINE.long_slots,
        cancel=search.phase_over,
    )
    if not relaxed.has_solution:
        search.clock("plan", began)
        return False
    places = [list(surroundings(formulation, slack, around)) for slack, around in LINE.surroundings]
    objectives: list[float] = []
    plans: list[tuple[Counted, Starts | None]] = []
    # furnaces and casters lie as the pooled plan has them; where that leads nowhere, no unit is sure
    everything = set(range(len(problem.units)))
    fed = everything.difference(problem.stage_units[lead], problem.stage_units[-1] if problem.campaign else ())
    for place in places:
        began = time.perf_counter()
        program.confine(place)
        limit = max(search.remaining * LINE.pooled_share, 0.5)
        patience = Patience(search.phase_over)
        outcome = program.run(work=limit, gap=search.gap / 2, on_progress=patience.tell, cancel=patience.over)
        search.clock("plan", began)
        # wider places often hold the same plan
        if outcome.objective is not None and all(
            abs(outcome.objective - one) > LINE.pooled_same * abs(one) for one in objectives
        ):
            objectives.append(outcome.objective)
            counted = read(formulation, problem)
            named, draft = name_heats(search, counted, fed, hurried=True)
            if named:
                return True
            plans.append((counted, draft))
        if search.remaining <= 0.1 or search.phase_over():
            return False
    for counted, draft in plans:
        if draft is not None and name_heats(search, counted, fed, draft)[0]:
            return True
    return any(name_heats(search, counted, everything)[0] for counted, _ in plans)


class Patience:
    """Ends a search for a pooled plan that has found one and no better one for a while: it is only a guide."""

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over
        self._best: float | None = None
        self._since = 0.0

    def tell(self, event: dict[str, Any]) -> None:
        """Hear of the search's progress."""
        if event["incumbent"] is not None and event["incumbent"] != self._best:
            self._best, self._since = event["incumbent"], effort.now()

    def over(self) -> bool:
        """Whether to end it."""
        return self._over() or (self._best is not None and effort.now() - self._since > LINE.pooled_stall)
