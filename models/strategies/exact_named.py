"""Named heats over the whole horizon: the program that contains every plan of a small line and proves the best.

Pooled counts bound a plan and named heats within corridors improve one, but the two need not meet: pools ignore
transfers of single pairs of units, and no corridor contains every order of heats. For a line of a few heats, the
general formulation with open windows (``models/formulations/line/named/model.py``) is small enough to be solved
directly, with hard import limit and caps, and with cuts on the import of whole starts. The number of its terms predicts
its cost.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.named import idling, import_cuts
from emberline.models.formulations.line.named.model import Named
from emberline.models.formulations.line.named.routes import Routed
from emberline.models.heuristics.line.neighbourhoods import everywhere
from emberline.models.kernel import arrays
from emberline.models.kernel.highs import Outcome, Program
from emberline.models.kernel.templates import building
from emberline.models.problem import routes
from emberline.models.problem.line import SlotProblem
from emberline.models.search import enumeration
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import FEW_HEATS

SAME = 1e-9
"""Relative difference of the first goal below which plans count as equally good."""


def terms(problem: SlotProblem) -> int:
    """Return the number of terms in the rows of precedence and longest wait: each start with those before and after."""
    total = 0
    for heat in problem.heats:
        reach = [max(operation.last - max(operation.first, 0) + 1, 0) for operation in heat.operations]
        places = [len(operation.units) * slots for operation, slots in zip(heat.operations, reach, strict=True)]
        if problem.campaign or len(places) > 1:
            places.append(0)
        else:
            # without precedence there are only the slots in which each start occupies its unit
            total += places[0] * max(heat.operations[0].occupy.values()) if places else 0
        total += sum((here + after) ** 2 for here, after in itertools.pairwise(places))
    return total + idling.arcs(problem)


def proves(search: Search) -> bool:
    """Return whether the program decides exactly which plans are feasible and what each is worth.

    Started work lies between slots, and a cap on a grade uses the electricity mix of one plan if the site has other
    sources than the grid.
    """
    data = search.data
    grid_only = data.battery is None and data.hub is None and not data.pv.any()
    return search.problem.untouched and (grid_only or not search.aim.grades)


def suits(search: Search) -> bool:
    """Return whether the line is so small that solving it as a whole is the fastest way to its best plan."""
    top = FEW_HEATS.terms if few(search.problem) else FEW_HEATS.small_terms
    small = terms(search.problem) <= min(top, FEW_HEATS.terms_per_work * search.remaining / 2)
    return search.problem.untouched and (small or by_routes(search.problem))


def by_routes(problem: SlotProblem) -> bool:
    """Return whether few heats have so few routes that the program can have a column for each."""
    if not few(problem) or problem.states or problem.gives or not problem.untouched:
        return False
    return routes.few(problem, FEW_HEATS.route_terms)


def few(problem: SlotProblem) -> bool:
    """Return whether a line has few heats."""
    return len(problem.heats) <= FEW_HEATS.heats


def run(search: Search) -> None:
    """Solve a small line as a whole, in a share of the time."""
    is_few = few(search.problem)
    share = FEW_HEATS.shares[not by_routes(search.problem) and (is_few or search.best is None)]
    if by_routes(search.problem) and enumeration.suits(search):
        enumeration.run(search)
    if not search.over():
        solve(search, min(share * search.remaining, math.inf if is_few else FEW_HEATS.longest))
    if search.best is not None and search.over():
        with search.timed("second goal"):
            _second(search, min(FEW_HEATS.second_share * search.total_remaining, FEW_HEATS.longest))
    search.report()


def _second(search: Search, limit: float) -> None:
    """Search for the plan that is best by the second goal among those that are equally good by the first."""
    aim, value = search.aim, search.value
    assert value is not None
    with building():
        formulation = _model(search)
        top = value + aim.constant + SAME * max(abs(value + aim.constant), 1.0)
        formulation.model.first = pyo.Constraint(rule=formulation.ports.at_most(aim.first, top))
        formulation.model.goal = pyo.Objective(rule=lambda m: formulation.ports.worth(aim.second))
        program = Program(formulation.model)
    start = _start_values(formulation, program, search)
    if start is not None:
        outcome = program.run(work=max(limit, 0.1), start=start, nodes=FEW_HEATS.second_nodes, cancel=search.cancel)
        if outcome.has_solution:
            search.offer(formulation.read())


def solve(search: Search, limit: float) -> bool:
    """Solve the program, starting from the best plan; plan and bound are stored in the search.

    Args:
        search: search of a line that the program fits.
        limit: maximum work.

    Returns:
        Whether the program was solved to its end, so that nothing better exists.
    """
    aim = search.aim
    with search.timed("build"), building():
        formulation = _model(search)
        if not formulation.possible:
            search.infeasible |= search.best is None and search.problem.untouched
            return True
        formulation.model.goal = pyo.Objective(rule=lambda m: aim.pure(formulation.ports))
        program = Program(formulation.model)
    start = _start_values(formulation, program, search)
    proven = proves(search)

    def on_event(event: dict[str, Any]) -> None:
        if proven:
            search.raise_bound(event["bound"], aim.constant)

    outcome = Outcome("none", None, None, 0.0, 0)
    with search.timed("whole"):
        for begin in (start, None) if start is not None else (None,):
            outcome = program.run(
                work=max(min(limit, search.remaining), 0.1), gap=_strict(search),
                start=False if begin is None else begin, on_progress=on_event, cancel=search.phase_over,
                heuristics=_effort(search),
            )  # fmt: skip
            # HiGHS may report wrong results with a start: then it is run again without one
            if outcome.bound is not None or outcome.status == "infeasible" or search.phase_over():
                break
            program.forget()
    if outcome.has_solution:
        search.offer(formulation.read())
    if proven:
        search.raise_bound(outcome.bound, aim.constant)
        search.infeasible |= outcome.status == "infeasible" and search.best is None
    return outcome.status in ("optimal", "infeasible")


def _model(search: Search) -> Named:
    problem, data = search.problem, search.data
    kind = Routed if by_routes(problem) else Named
    formulation = kind(problem, data, everywhere(problem), firm=True, gaps=problem.untouched)
    if formulation.possible:
        import_cuts.add(formulation)
        formulation.ports.keep(formulation.model, search.aim.tops)
        if search.aim.grades:
            formulation.cap_grades(search.aim.grades, search.mixed, soft=False)
    return formulation


def _start_values(formulation: Named, program: Program, search: Search) -> np.ndarray | None:
    """Return the best plan by column, with all columns, because a start that the solver must complete may be reported
    as better than it is."""
    if search.best is None:
        return None
    formulation.begin(search.best)
    starts = [(variable, arrays.values(variable)) for variable in (formulation.model.x, formulation.model.z)]
    program.confine((variable, at, at) for variable, at in starts)
    success = program.run(work=max(search.remaining / 10, 1.0), cancel=search.phase_over).has_solution
    values = program.solution()
    program.confine((variable, np.zeros(len(at)), np.ones(len(at))) for variable, at in starts)
    program.forget()
    return values if success else None


def _effort(search: Search) -> float:
    """Return the effort for heuristics; a plan near its bound only needs a proof."""
    return 0.0 if search.told_gap is not None and search.told_gap <= FEW_HEATS.looking_gap else 0.05


def _strict(search: Search) -> float:
    """Return the gap at which the program stops: the requested one refers to what can be decided, this one to all."""
    value = search.value
    whole = 0.0 if value is None else abs(value) / max(abs(value + search.aim.constant), 1e-9)
    return FEW_HEATS.strict * search.gap * min(whole, 1.0)
