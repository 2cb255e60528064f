"""Heat that named heats lose while they wait, and what making it good draws."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.load import Draws
from emberline.models.formulations.line.named.placed import Placed
from emberline.models.kernel.arrays import Variable, constraint
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.line_reader import Heat, even_cells

Key = tuple[int, ...]
ANY = -1
"""In the index of a row: whichever slot."""


class Courses:
    """How long a heat may take up to where it is reheated: each way to combine the durations of its operations."""

    def __init__(self, heat: Heat) -> None:
        """Read the durations of a heat that is reheated."""
        self.operations = heat.operations[: (heat.reheat or 0) + 1]
        self.durations = [sorted(set(operation.minutes.values())) for operation in self.operations]
        """Of each operation [min]."""
        self.all = list(itertools.product(*(range(len(choices)) for choices in self.durations)))
        """Place of the duration of each operation."""

    def place(self, i: int, u: int) -> int:
        """Which of its durations an operation has on a unit."""
        return self.durations[i].index(self.operations[i].minutes[u])

    def on(self, units: tuple[int, ...]) -> int | None:
        """Number of the course on some units, one for each operation; None where one of them cannot take it."""
        if any(u not in operation.minutes for u, operation in zip(units, self.operations, strict=False)):
            return None
        return self.all.index(tuple(self.place(i, units[i]) for i in range(len(self.operations))))

    def minutes(self, k: int) -> list[float]:
        """Durations of a course."""
        return [choices[place] for choices, place in zip(self.durations, self.all[k], strict=True)]


def add(placed: Placed, starts: Draws) -> Draws:
    """Add pairs of slots between which heats wait; returns what making good their heat draws.

    ``pair[h, k, s, t]`` is 1 where heat h has its k-th course, first starts in slot s and is reheated from slot t on:
    a flow between the two starts, whole where they are. A heat that has begun, or can begin in one way only, needs
    none: what it draws belongs to the start of its reheating.

    Args:
        placed: the model with its starts.
        starts: what starts draw, added to.
    """
    m, problem = placed.model, placed.problem
    rate = problem.reheat_kwh_per_t_min / 1000
    works: dict[Key, list[Key]] = {}
    pairs: dict[Key, list[Key]] = {}
    energy: dict[Key, np.ndarray] = {}
    for h, heat in enumerate(problem.heats):
        r = heat.reheat
        if rate == 0 or r is None or heat.operations[r].started_min is not None:
            continue
        courses = Courses(heat)
        earlier, later = _by_slot(placed, h, 0), _by_slot(placed, h, r)
        begin_min = heat.operations[0].started_min
        if begin_min is None and len(earlier) == 1 and all(len(choices) == 1 for choices in courses.durations[:r]):
            begin_min = next(iter(earlier)) * problem.step_min
        if begin_min is not None:
            free = heat.lossless_min(0, r)
            for t, units in later.items():
                extra = rate * heat.mass_t * max(t * problem.step_min - begin_min - free, 0.0)
                for u in units:
                    cells = extra * even_cells(problem, heat.operations[r].minutes[u])
                    starts.add_energies((h, r, u), cells, runs=[(t, t)])
            continue
        uneven = [i for i in range(1, r) if len(courses.durations[i]) > 1]
        for i in (0, *uneven, r):
            for t, units in (earlier if i == 0 else later if i == r else _by_slot(placed, h, i)).items():
                for u in units:
                    works.setdefault((h, i, courses.place(i, u), ANY if 0 < i < r else t), []).append((h, i, u, t))
        least = sum(int(heat.least[i].min()) for i in range(r))
        for k, places in enumerate(courses.all):
            *before, last = courses.minutes(k)
            free = sum(before) + sum(heat.quickest[:r])
            middle_rows = [(h, i, places[i], ANY) for i in uneven]
            if any(row not in works for row in middle_rows):
                continue
            leaves = [row for s in earlier if (row := (h, 0, places[0], s)) in works]
            reaches = [row for t in later if (row := (h, r, places[r], t)) in works]
            for leave, reach in itertools.product(leaves, reaches):
                s, t = leave[-1], reach[-1]
                if t - s < least:
                    continue
                extra = rate * heat.mass_t * max((t - s) * problem.step_min - free, 0.0)
                energy[h, k, s, t] = extra * even_cells(problem, last)
                for row in (leave, reach, *middle_rows):
                    pairs.setdefault(row, []).append((h, k, s, t))
    m.PAIR = pyo.Set(initialize=list(energy), dimen=4)
    m.pair = Variable(m.PAIR, domain=pyo.NonNegativeReals)
    draws = Draws(problem, m.pair, 4)
    for (h, k, s, t), cells in energy.items():
        draws.add_energies((h, k, s), cells, runs=[(t, t)])
    m.WAITING = pyo.Set(initialize=list(works), dimen=4)
    m.WAITING_START = Members(works, dimen=4)
    m.WAITING_PAIR = Members({row: pairs.get(row, []) for row in works}, dimen=4)

    @constraint(m, m.WAITING)
    def waits(m: Any, h: int, i: int, place: int, t: int) -> Any:
        n_starts = total(m.x[h, i, u, s] for h, i, u, s in each(m.WAITING_START[h, i, place, t]))
        return total(m.pair[h, k, s, t] for h, k, s, t in each(m.WAITING_PAIR[h, i, place, t])) == n_starts

    return draws


def _by_slot(placed: Placed, h: int, i: int) -> dict[int, list[int]]:
    """Units on which an operation may start, by slot."""
    slots: dict[int, list[int]] = {}
    for u in placed.problem.heats[h].operations[i].units:
        for t in placed.of.get((h, i, u), ()):
            slots.setdefault(t, []).append(u)
    return slots
