"""Heat that named heats lose while they wait, and what making it good draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyomo.environ as pyo

from emberline.models.formulations.line.load import Drawn
from emberline.models.kernel.arrays import Variable, constraint
from emberline.models.kernel.indexed_sets import Members
from emberline.models.kernel.templates import each, total
from emberline.models.problem.line_reader import spread_cells

if TYPE_CHECKING:
    from emberline.models.formulations.line.named.model import Named


def add(made: Named, starts: Drawn) -> Drawn:
    """Add pairs of slots between which heats wait; returns what making good their heat draws.

    ``pair[h, s, t]`` is 1 where heat h first starts in slot s and is reheated from slot t on: a flow between the
    two starts, whole where they are. A heat that has begun needs none: what it draws belongs to its own start.

    Args:
        made: the model, its starts made.
        starts: what starts draw, added to.
    """
    m, problem = made.model, made.problem
    rate = problem.reheat_kwh_per_t_min / 1000
    pairs: dict[tuple[int, int, int], float] = {}
    begins: dict[tuple[int, int], list[tuple[int, int]]] = {}
    reached: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for h, heat in enumerate(problem.heats):
        r = heat.reheat
        if rate == 0 or r is None or heat.operations[r].started_min is not None:
            continue
        free = heat.lossless_min(0, r)
        begun, later = _by_slot(made, h, 0), _by_slot(made, h, r)
        known = heat.operations[0].started_min
        if known is None and len(begun) == 1:
            known = next(iter(begun)) * problem.step_min
        if known is not None:
            for t, units in later.items():
                extra = rate * heat.mass_t * max(t * problem.step_min - known - free, 0.0)
                for _, u in units:
                    starts.put((h, r, u), _reheated(made, h, extra), runs=[(t, t)])
            continue
        least = sum(int(heat.least[k].min()) for k in range(r))
        begins |= {(h, s): units for s, units in begun.items()}
        reached |= {(h, t): units for t, units in later.items()}
        for s in begun:
            for t in later:
                if t - s >= least:
                    pairs[h, s, t] = rate * heat.mass_t * max((t - s) * problem.step_min - free, 0.0)
    m.PAIR = pyo.Set(initialize=list(pairs), dimen=3)
    m.pair = Variable(m.PAIR, domain=pyo.NonNegativeReals)
    onward: dict[tuple[int, int], list[int]] = {key: [] for key in begins}
    back: dict[tuple[int, int], list[int]] = {key: [] for key in reached}
    drawn = Drawn(problem, m.pair, 3)
    for (h, s, t), extra in pairs.items():
        onward[h, s].append(t)
        back[h, t].append(s)
        drawn.put((h, s), _reheated(made, h, extra), runs=[(t, t)])
    m.LEAVES, m.REACHES = pyo.Set(initialize=list(begins), dimen=2), pyo.Set(initialize=list(reached), dimen=2)
    m.BEGUN, m.REACHED = (
        Members(begins, dimen=2),
        Members(reached, dimen=2),
    )
    m.ONWARD, m.BACK = Members(onward, dimen=1), Members(back, dimen=1)

    @constraint(m, m.LEAVES)
    def leaves(m: Any, h: int, s: int) -> Any:
        return total(m.pair[h, s, t] for t in each(m.ONWARD[h, s])) == total(
            m.x[h, i, u, s] for i, u in each(m.BEGUN[h, s])
        )

    @constraint(m, m.REACHES)
    def reaches(m: Any, h: int, t: int) -> Any:
        return total(m.pair[h, s, t] for s in each(m.BACK[h, t])) == total(
            m.x[h, i, u, t] for i, u in each(m.REACHED[h, t])
        )

    return drawn


def _reheated(made: Named, h: int, energy: float) -> np.ndarray:
    """Energy by cell from the start of a heat's reheating on [MWh]."""
    heat = made.problem.heats[h]
    minutes = float(np.mean(list(heat.operations[heat.reheat or 0].minutes.values())))
    return spread_cells(made.problem, 0, minutes, energy)[1]


def _by_slot(made: Named, h: int, i: int) -> dict[int, list[tuple[int, int]]]:
    """Operation and units on which it may start, by slot."""
    slots: dict[int, list[tuple[int, int]]] = {}
    for u in made.problem.heats[h].operations[i].units:
        for t in made.of.get((h, i, u), ()):
            slots.setdefault(t, []).append((i, u))
    return slots
