"""Draw of units with energy states in the gaps between named works.

Each gap is spent in the state that takes the least energy for it (``scenarios/energy_states/record.py``), so that its
draw follows from its two ends. ``gap[u, d, l, t]`` is 1 if a work on unit u ends in slot t, at the d-th possible minute
within a slot, and the next one begins l slots later: a path from work to work, from the horizon's start to its end. It
is integer if the starts are. (ILP-SPACES: Benedikt, Módos, Hanzálek, 2020.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.load import Draws
from emberline.models.formulations.line.named.precedence import Placed
from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import Series, Variable, constraint
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.line import CLOSE_MIN, SlotProblem, energy_cells, runs
from emberline.scenarios.energy_states.record import gap_pieces

Key = tuple[int, ...]
BEGIN = -1
"""Placeholder for the minute within a slot if a gap begins with the horizon."""


def arcs(problem: SlotProblem) -> int:
    """Return the number of terms of the gaps of all units: each with all gaps that end later, and its draw by slot."""
    n, terms = problem.n_slots, 0
    for u in problem.states:
        lengths = {work.minutes[u] % problem.step_min for _, work in problem.works() if u in work.units}
        terms += (len(lengths) * n + 1) * n // 2 * (n // 3)
    return terms


class _Gaps:
    """Possible gaps of a unit."""

    def __init__(self, placed: Placed, u: int) -> None:
        """Collect the possible beginnings and ends of works on the unit."""
        self.problem, self.u = placed.problem, u
        self.begins: dict[int, list[Key]] = {}
        self.ends: dict[tuple[int, int], list[Key]] = {}
        """Works by the slot in which they end and the place in ``minutes`` of the minute within it."""
        self.minutes: list[float] = []
        for (h, i, unit), slots in placed.of.items():
            if unit == u:
                for t in slots:
                    self._add_work((h, i, u, t), t, self.problem.heats[h].operations[i].minutes[u])
        for c, unit, t in placed.model.OPTION:
            if unit == u:
                self._add_work((c, u, t), t, self.problem.casts[c].minutes[u])

    def _add_work(self, work: Key, t: int, minutes: float) -> None:
        step = self.problem.step_min
        whole = math.floor((minutes + CLOSE_MIN) / step)
        remaining = max(minutes - whole * step, 0.0)
        place = next(
            (k for k, minute in enumerate(self.minutes) if abs(minute - remaining) < CLOSE_MIN), len(self.minutes)
        )
        if place == len(self.minutes):
            self.minutes.append(remaining)
        self.begins.setdefault(t, []).append(work)
        self.ends.setdefault((t + whole, place), []).append(work)

    def lasting(self) -> Iterator[tuple[tuple[int, int], list[int]]]:
        """Yield slot and minute at which a gap may begin, and slots at which it may end, with the horizon's end."""
        n = self.problem.n_slots
        yield (0, BEGIN), [*sorted(self.begins), n]
        for (t, place), _ in self.ends.items():
            if t < n:
                first = t + (self.minutes[place] > CLOSE_MIN)
                yield (t, place), [*(s for s in sorted(self.begins) if s >= first), n]

    def cells(self, place: int, slots: int, *, last: bool) -> np.ndarray:
        """Return the energy by cell of a gap, from the slot in which it begins [MWh]."""
        states = self.problem.states[self.u]
        start = states.start_index if place == BEGIN else states.ready_index
        end = states.end_index if last else states.ready_index
        begin = 0.0 if place == BEGIN else self.minutes[place]
        ends, power = list[float](), list[float]()
        for first, over, mw in gap_pieces(states, (begin, slots * self.problem.step_min), start, end, to_work=not last):
            ends += [first, over]
            power += [0.0, mw]
        return energy_cells(np.array(ends), np.array(power), self.problem.cell_min) if ends else np.zeros(0)


def add(placed: Placed) -> list[Draws]:
    """Add the gaps of all units with energy states, and return their draws.

    Args:
        placed: model with its starts; no work on its line has started.
    """
    m, problem, n = placed.model, placed.problem, placed.problem.n_slots
    if not problem.states:
        return []
    rows: dict[Key, float] = {}
    heats: dict[Key, list[Key]] = {}
    casts: dict[Key, list[Key]] = {}
    gaps: dict[Key, list[Key]] = {}
    slots_of: dict[tuple[int, int, int, bool], list[int]] = {}
    units = {u: _Gaps(placed, u) for u in problem.states}

    def add_row(row: Key, works: list[Key], top: float) -> None:
        """Add a row of gaps minus works."""
        rows[row] = top
        gaps[row] = []
        heats[row] = [work for work in works if len(work) == 4]
        casts[row] = [work for work in works if len(work) == 3]

    for u, unit in units.items():
        add_row((u, 0, 0, BEGIN), [], 1.0)
        for (t, place), works in unit.ends.items():
            if t < n:
                add_row((u, 0, t, place), works, 0.0)
        for t, works in unit.begins.items():
            add_row((u, 1, t, 0), works, 0.0)
        for (t, place), reach in unit.lasting():
            deadline.look()
            for s in reach:
                gaps[u, 0, t, place].append((u, place, s - t, t))
                if s < n:
                    gaps[u, 1, s, 0].append((u, place, s - t, t))
                slots_of.setdefault((u, place, s - t, s == n), []).append(t)
    m.GAP = pyo.Set(
        initialize=[gap for (_, way, *_), row_gaps in gaps.items() if way == 0 for gap in row_gaps], dimen=4
    )
    m.gap = Variable(m.GAP, domain=pyo.NonNegativeReals)
    m.idling = block = pyo.Block()
    block.ROW = pyo.Set(initialize=list(rows), dimen=4)
    block.HEAT = Members(heats, dimen=4)
    block.CAST = Members(casts, dimen=3)
    block.GAP = Members(gaps, dimen=4)
    block.top = Series(block.ROW, values=np.array(list(rows.values())))

    @constraint(block, block.ROW)
    def path(b: Any, u: int, way: int, t: int, place: int) -> Any:
        row = u, way, t, place
        works = total(m.x[h, i, v, s] for h, i, v, s in each(b.HEAT[row]))
        works += total(m.z[c, v, s] for c, v, s in each(b.CAST[row]))
        return total(m.gap[v, d, slots, s] for v, d, slots, s in each(b.GAP[row])) == works + b.top[row]

    draws = Draws(problem, m.gap, 4)
    for (u, place, slots, last), begins in slots_of.items():
        cells = units[u].cells(place, slots, last=last)
        draws.add_energies((u, place, slots), cells[: slots * problem.cells_per_slot], runs=runs(sorted(begins)))
    return [draws]
