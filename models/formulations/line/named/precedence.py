"""Rows between named starts: precedence, longest wait, and the heat that is lost while waiting.

Precedence and longest wait are written on cumulative starts, for each unit of the next and of the previous operation.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.load import Draws
from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import Series, Variable, constraint
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.line import Heat, SlotProblem, Windows, even_cells, grouped


@dataclass(frozen=True)
class Placed:
    """A model with its starts: ``x[h, i, u, t]`` over ``START``, casts ``z[c, u, t]`` over ``OPTION``."""

    model: pyo.ConcreteModel
    problem: SlotProblem
    windows: Windows
    of: Mapping[tuple[int, int, int], list[int]]
    """Slots in which an operation of a heat may start on a unit."""


Key = tuple[int, ...]
Listed = dict[Key, list[Key]]
"""Terms by row: an index of a variable, and its weight."""


def add(placed: Placed) -> bool:
    """Add precedence and longest wait between named starts; return False if started work makes them infeasible."""
    m, problem = placed.model, placed.problem
    before: dict[Key, tuple[list[Key], list[Key]]] = {}
    after: dict[Key, tuple[list[Key], list[Key]]] = {}
    cast_of = problem.cast_of()
    for h, heat in enumerate(problem.heats):
        for i in range(len(heat.operations)):
            last = i == len(heat.operations) - 1
            if last and h not in cast_of:
                continue
            here = _places(placed, h, i)
            there = _cast_places(placed, cast_of[h][0]) if last else _places(placed, h, i + 1)
            deadline.look()
            least, most = heat.least[i], heat.most[i]
            for column, v in enumerate(there):
                for t, _ in there[v]:
                    ready = [key for row, u in enumerate(here) for s, key in here[u] if s + least[row, column] <= t]
                    before[h, i, v, t] = ([key for s, key in there[v] if s <= t], ready)
            for row, u in enumerate(here):
                for t, _ in here[u]:
                    gone = [key for column, v in enumerate(there) for s, key in there[v] if s <= t + most[row, column]]
                    after[h, i, u, t] = ([key for s, key in here[u] if s <= t], gone)
    m.precedence, m.longest_wait = pyo.Block(), pyo.Block()
    possible = _tied(placed, m.precedence, before)
    return _tied(placed, m.longest_wait, after) and possible


def _tied(placed: Placed, block: pyo.Block, rows: dict[Key, tuple[list[Key], list[Key]]]) -> bool:
    """Add rows that allow no more starts of one list than of another; started work has no key."""
    x: Listed = {}
    z: Listed = {}
    top = {}
    possible = True
    for row, (first, second) in rows.items():
        terms = [(*key, 1) for key in first if key] + [(*key, -1) for key in second if key]
        balance = second.count(()) - first.count(())
        if terms:
            x[row] = [term for term in terms if len(term) == 5]
            z[row] = [term for term in terms if len(term) == 4]
            top[row] = balance
        possible &= bool(terms) or balance >= 0
    at_most(block, placed.model, list(top), x, z, top)
    return possible


def _places(placed: Placed, h: int, i: int) -> dict[int, list[tuple[int, Key]]]:
    """Return slot and key of each possible start, by unit in the order of the operation's units."""
    operation = placed.problem.heats[h].operations[i]
    if operation.started_min is not None:
        return {operation.units[0]: [(operation.first, ())]}
    return {u: [(t, (h, i, u, t)) for t in placed.of[h, i, u]] for u in operation.units}


def _cast_places(placed: Placed, c: int) -> dict[int, list[tuple[int, Key]]]:
    cast = placed.problem.casts[c]
    if cast.started_min is not None:
        return {cast.units[0]: [(cast.first[cast.units[0]], ())]}
    places: dict[int, list[tuple[int, Key]]] = {u: [] for u in cast.units}
    for u, t in placed.windows.cast[c]:
        places[u].append((t, (c, u, t)))
    return places


def at_most(
    block: pyo.Block,
    m: pyo.ConcreteModel,
    rows: list[Key],
    x: Listed,
    z: Listed,
    top: Mapping[Any, int],
    more: pyo.Var | None = None,
) -> None:
    """Add rows that limit weighted starts of heats and casts.

    Args:
        block: block to fill.
        m: model with the starts.
        rows: index of the rows.
        x: keys of heats' starts by row, each with its weight.
        z: keys of casts' starts, likewise.
        top: limit of each row.
        more: amount by which a row may exceed its limit, by row.
    """
    block.ROW = pyo.Set(initialize=rows, dimen=len(rows[0]) if rows else None)
    block.HEAT = Members({row: x.get(row, ()) for row in rows}, dimen=5)
    block.CAST = Members({row: z.get(row, ()) for row in rows}, dimen=4)
    block.top = Series(block.ROW, values=np.array([top[row] for row in rows]))

    @constraint(block, block.ROW)
    def row_limit(b: Any, *row: int) -> Any:
        heats = total(w * m.x[h, i, u, t] for h, i, u, t, w in each(b.HEAT[row]))
        casts = total(w * m.z[c, u, t] for c, u, t, w in each(b.CAST[row]))
        return heats + casts <= (b.top[row] if more is None else b.top[row] + more[row])


WaitKey = tuple[int, ...]
ANY = -1
"""Any slot, in the index of a row."""


class Courses:
    """Courses of a heat up to its reheating: all combinations of the durations of its operations."""

    def __init__(self, heat: Heat) -> None:
        """Read the durations of a heat that is reheated."""
        self.operations = heat.operations[: (heat.reheat or 0) + 1]
        self.durations = [sorted(set(operation.minutes.values())) for operation in self.operations]
        """Durations of each operation [min]."""
        self.all = list(itertools.product(*(range(len(choices)) for choices in self.durations)))
        """Index of the duration of each operation, by course."""

    def place(self, i: int, u: int) -> int:
        """Return the index of an operation's duration on a unit among its durations."""
        return self.durations[i].index(self.operations[i].minutes[u])

    def on(self, units: tuple[int, ...]) -> int | None:
        """Return the number of the course on some units, one for each operation; None if one of them is unsuitable."""
        if any(u not in operation.minutes for u, operation in zip(units, self.operations, strict=False)):
            return None
        return self.all.index(tuple(self.place(i, units[i]) for i in range(len(self.operations))))

    def minutes(self, k: int) -> list[float]:
        """Return the durations of a course."""
        return [choices[place] for choices, place in zip(self.durations, self.all[k], strict=True)]


def add_reheating(placed: Placed, starts: Draws) -> Draws:
    """Add pairs of slots between which heats wait; return the draw that replaces their heat loss.

    ``pair[h, k, s, t]`` is 1 if heat h has its k-th course, first starts in slot s and is reheated from slot t on: a
    flow between the two starts, integer if they are. A heat that has started, or can start in one way only, needs none:
    its draw belongs to the start of its reheating.

    Args:
        placed: the model with its starts.
        starts: draws of starts, which are extended.
    """
    m, problem = placed.model, placed.problem
    rate = problem.reheat_kwh_per_t_min / 1000
    works: dict[WaitKey, list[WaitKey]] = {}
    pairs: dict[WaitKey, list[WaitKey]] = {}
    energy: dict[WaitKey, np.ndarray] = {}
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
    """Return the units on which an operation may start, by slot."""
    units = placed.problem.heats[h].operations[i].units
    return grouped((t, u) for u in units for t in placed.of.get((h, i, u), ()))
