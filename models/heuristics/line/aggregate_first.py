"""First plan: averaged heats are counted near their relaxation, then disaggregated into places of single heats."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.heuristics.line.neighbourhoods import name_heats
from emberline.models.kernel.arrays import WEIGHT, Series, limits, support, values
from emberline.models.kernel.highs import Neighbourhood, Program
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem.aggregation import averaged, differences, leading_stage
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import Counted, SlotProblem, grouped
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort


def read(formulation: Pooled, problem: SlotProblem) -> Counted:
    """Disaggregate the heats of each group: the earliest start goes to the heat that is needed first.

    Args:
        formulation: the solved model.
        problem: the line with its actual heats.
    """
    m = formulation.model
    placed = grouped((c, (t, problem.casts[c].units[column])) for c, column, t in support(m.z))
    cast: dict[int, tuple[int, int]] = {}
    for first, places in placed.items():
        by_due = sorted(formulation.casting.batches[first], key=lambda c: (max(problem.casts[c].last.values()), c))
        cast.update({c: (u, t) for c, (t, u) in zip(by_due, sorted(places), strict=True)})
    cast_of = problem.cast_of()

    def need(h: int) -> tuple[float, float, int]:
        heat = problem.heats[h]
        i = formulation.operation_at(heat, formulation.lead)
        assert i is not None
        if h not in cast_of:
            return (formulation.windows[h].last[i], 0.0, h)
        c, position = cast_of[h]
        if c not in cast:
            return (-1.0, position, h)
        u, t = cast[c]
        cast_min = t * problem.step_min + float(problem.casts[c].offsets[u][position])
        last = len(heat.operations) - 1
        remaining = heat.lossless_min(i, last) + min(heat.operations[last].minutes.values())
        return (cast_min - remaining, 0.0, h)

    lead: dict[int, int] = {}
    for heats, counts in _lead_counts(formulation):
        slots: list[int] = []
        for t, (before, now) in enumerate(pairwise([0, *counts])):
            slots += [t] * (now - before)
        lead.update(zip(sorted(heats, key=need), slots, strict=True))
    return Counted(lead, cast)


def _lead_counts(formulation: Pooled) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the heats that share a count at the leading stage, and the number that has started there by each slot."""
    m, lead = formulation.model, formulation.lead
    if formulation.whole_total:
        heats = [h for pool in formulation.pools[lead] for g in pool for h in formulation.groups[g]]
        yield heats, np.rint(values(m.started)).astype(int).tolist()
        return
    by_key = dict(zip(m.INDEX, np.nan_to_num(values(m.Y), nan=0.0).tolist(), strict=True))
    for k, pool in enumerate(formulation.pools[lead]):
        counts = [round(sum(by_key[lead, k, c, t] for c in formulation.able[lead, k])) for t in range(formulation.n)]
        yield [h for g in pool for h in formulation.groups[g]], counts


def surroundings(formulation: Pooled, slack: int, around: int) -> Iterator[Neighbourhood]:
    """Yield bounds on a model's variables around its relaxation.

    Relaxation-enforced neighbourhood search: counts are rounded both ways and may deviate from these values by some
    slack; casts stay open where they have weight (Berthold, "RENS", Mathematical Programming Computation 2014).

    Args:
        formulation: model with its relaxation solved.
        slack: amount by which counts may deviate from the rounded values.
        around: slots around each cast start with weight that stay open.
    """
    m = formulation.model
    near = {(c, column, t + d) for c, column, t in support(m.z, WEIGHT) for d in range(-around, around + 1)}
    yield m.z, np.zeros(len(m.z)), np.array([key in near for key in m.OPTION], dtype=float)
    counts = m.started if formulation.whole_total else m.Y
    value = np.nan_to_num(values(counts), nan=0.0)
    low, high, _ = limits(counts)
    least, most = np.floor(value + WEIGHT) - slack, np.ceil(value - WEIGHT) + slack
    leading = (
        np.ones(len(value), dtype=bool)
        if formulation.whole_total
        else np.array([key[0] == formulation.lead for key in m.INDEX])
    )
    yield counts, np.where(leading, np.maximum(least, low), low), np.where(leading, np.minimum(most, high), high)


def first_plan(search: Search, rounding: float | None) -> bool:
    """Disaggregate a pooled plan into heats; return whether this gave a better plan.

    Args:
        search: search that receives the plan.
        rounding: rounding of the lags of averaged heats; None: count the actual heats, which takes longer.
    """
    problem, guide = search.problem, search.planning
    lead = leading_stage(problem)
    mean = rounding is not None
    with search.timed("build"), building():
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
    with search.timed("plan"):
        fast = not mean or problem.n_slots > LINE.long_slots
        relaxed = program.run(work=max(search.remaining, 0.5), relax=True, ipm=fast, cancel=search.phase_over)
    if not relaxed.has_solution:
        return False
    places = [list(surroundings(formulation, slack, around)) for slack, around in LINE.surroundings]
    objectives: list[float] = []
    plans: list[tuple[Counted, Starts | None]] = []
    # furnaces and casters stay as in the pooled plan; if this fails, any unit may be used twice at first
    everything = set(range(len(problem.units)))
    fed = everything.difference(problem.stage_units[lead], problem.stage_units[-1] if problem.campaign else ())
    for place in places:
        with search.timed("plan"):
            program.confine(place)
            limit = max(search.remaining * LINE.pooled_share, 0.5)
            patience = Patience(search.phase_over)
            outcome = program.run(work=limit, gap=search.gap / 2, on_progress=patience.on_event, cancel=patience.over)
        # wider places often contain the same plan
        if outcome.objective is not None and all(
            abs(outcome.objective - objective) > LINE.pooled_same * abs(objective) for objective in objectives
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
    """Stopping rule for a pooled plan, which is only a guide: stop if it has not improved for a while."""

    def __init__(self, over: Callable[[], bool]) -> None:
        self._over = over
        self._best: float | None = None
        self._since = 0.0

    def on_event(self, event: dict[str, Any]) -> None:
        """Record the progress of the search."""
        if event["incumbent"] is not None and event["incumbent"] != self._best:
            self._best, self._since = event["incumbent"], effort.now()

    def over(self) -> bool:
        """Return whether to stop the search."""
        return self._over() or (self._best is not None and effort.now() - self._since > LINE.pooled_stall)
