"""Named heats: each heat's start at each stage, on each unit, within its window.

``x[h, i, u, t]`` is 1 where operation i of heat h starts on unit u in slot t. Precedence and longest wait are written
on cumulated starts, for each unit reached and for each unit left, so that transfer times of every pair of units hold
exactly (disaggregated precedence of time-indexed scheduling: Christofides, Alvarez-Valdes, Tamarit, EJOR 1987). The
model tells pooled heats apart within the windows of a pooled plan, improves a plan within corridors, and with open
windows it is the general formulation for lines whose heats all differ.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models import site as site_model
from models.given import Given
from models.rens import WEIGHT
from models.site import Ports, SiteData
from models.slots import SlotProblem, spread_cells
from models.starts import Starts


@dataclass(frozen=True)
class Windows:
    """Where each operation and cast may start: first and last slot, inclusive."""

    operation: dict[tuple[int, int], tuple[int, int]]
    cast: dict[int, list[tuple[int, int]]]
    """Caster (unit) and slot of each option."""
    unit: dict[tuple[int, int], int] = field(default_factory=dict)
    """Units that are settled."""


class Named:
    """The model of named heats with its site."""

    def __init__(self, problem: SlotProblem, data: SiteData, windows: Windows, loose: Collection[int] = ()) -> None:
        """Build the model within the windows.

        Args:
            problem: the line.
            data: the site.
            windows: where starts may lie.
            loose: units that may be used twice at a time; the objective must price ``twice``.
        """
        self.problem, self.data, self.windows, self.loose = problem, data, windows, loose
        self.model = pyo.ConcreteModel()
        self.possible = True
        self._build()

    def _build(self) -> None:
        m, problem = self.model, self.problem
        keys: list[tuple[int, int, int, int]] = []
        self.of: dict[tuple[int, int, int], list[int]] = {}
        for h, heat in enumerate(problem.heats):
            for i, operation in enumerate(heat.operations):
                if operation.started_min is not None:
                    continue
                low, high = self.windows.operation[h, i]
                low, high = max(low, operation.first), min(high, operation.last)
                some = False
                for u in operation.units:
                    settled = self.windows.unit.get((h, i), u)
                    slots = [
                        t
                        for t in range(low, high + 1)
                        if u == settled and problem.free[u, t : t + operation.occupy[u]].all()
                    ]
                    some |= bool(slots)
                    self.of[h, i, u] = slots
                    keys += [(h, i, u, t) for t in slots]
                self.possible &= some
        options = [(c, u, t) for c, places in self.windows.cast.items() for u, t in places]
        waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
        self.possible &= all(self.windows.cast.get(c) for c in waiting)
        if not self.possible:
            return
        m.START = pyo.Set(initialize=keys, dimen=4)
        m.x = pyo.Var(m.START, domain=pyo.Binary)
        m.OPTION = pyo.Set(initialize=options, dimen=3)
        m.z = pyo.Var(m.OPTION, domain=pyo.Binary)
        operations = sorted({(h, i) for h, i, _, _ in keys})
        m.OPERATION = pyo.Set(initialize=operations, dimen=2)

        @m.Constraint(m.OPERATION)
        def once(m: Any, h: int, i: int) -> Any:
            return sum(m.x[h, i, u, t] for u in problem.heats[h].operations[i].units for t in self.of[h, i, u]) == 1

        m.CAST = pyo.Set(initialize=waiting)

        @m.Constraint(m.CAST)
        def cast_once(m: Any, c: int) -> Any:
            return sum(m.z[c, u, t] for u, t in self.windows.cast[c]) == 1

        self._capacity(keys, options)
        self._chain()
        self._power(keys, options)

    def _capacity(self, keys: list[tuple[int, int, int, int]], options: list[tuple[int, int, int]]) -> None:
        m, problem = self.model, self.problem
        held: dict[tuple[int, int], list[Any]] = {}
        for h, i, u, t in keys:
            for q in range(t, min(t + problem.heats[h].operations[i].occupy[u], problem.n_slots)):
                held.setdefault((u, q), []).append(m.x[h, i, u, t])
        for c, u, t in options:
            for q in range(t, min(t + problem.casts[c].hold[u], problem.n_slots)):
                held.setdefault((u, q), []).append(m.z[c, u, t])
        started = self._started()
        m.HELD = pyo.Set(initialize=list(held), dimen=2)
        m.twice = pyo.Var([key for key in held if key[0] in self.loose], domain=pyo.NonNegativeReals)

        @m.Constraint(m.HELD)
        def one_at_a_time(m: Any, u: int, q: int) -> Any:
            more = m.twice[u, q] if u in self.loose else 0.0
            return pyo.quicksum(held[u, q]) <= int(q >= started.get(u, 0.0) - 1e-9) + more

    def _started(self) -> dict[int, float]:
        """Slot until which each unit is held by what has started already."""
        problem = self.problem
        found: dict[int, float] = {}
        for heat in problem.heats:
            for operation in heat.operations:
                if operation.started_min is not None:
                    u = operation.units[0]
                    until = operation.started_min / problem.step_min + operation.occupy[u]
                    found[u] = max(found.get(u, 0.0), until)
        for cast in problem.casts:
            if cast.started_min is not None:
                u = cast.units[0]
                found[u] = max(found.get(u, 0.0), cast.started_min / problem.step_min + cast.hold[u])
        return found

    def _chain(self) -> None:
        m, problem = self.model, self.problem
        before: dict[tuple[int, int, int, int], tuple[list[Any], list[Any]]] = {}
        after: dict[tuple[int, int, int, int], tuple[list[Any], list[Any]]] = {}
        cast_of = problem.cast_of()
        for h, heat in enumerate(problem.heats):
            for i, operation in enumerate(heat.operations):
                last = i == len(heat.operations) - 1
                if last and h not in cast_of:
                    continue
                here = self._places(h, i)
                there = self._cast_places(cast_of[h][0]) if last else self._places(h, i + 1)
                least, most = heat.least[i], np.maximum(heat.most[i], heat.least[i])
                loose = int(operation.started_min is not None)
                for column, v in enumerate(there):
                    for t, _ in there[v]:
                        ready = [var for row, u in enumerate(here) for s, var in here[u] if s + least[row, column] <= t]
                        before[h, i, v, t] = ([var for s, var in there[v] if s <= t], ready)
                for row, u in enumerate(here):
                    for t, _ in here[u]:
                        gone = [
                            var
                            for column, v in enumerate(there)
                            for s, var in there[v]
                            if s <= t + most[row, column] + loose
                        ]
                        after[h, i, u, t] = ([var for s, var in here[u] if s <= t], gone)
        m.BEFORE = pyo.Set(initialize=list(before), dimen=4)
        m.AFTER = pyo.Set(initialize=list(after), dimen=4)

        @m.Constraint(m.BEFORE)
        def precedence(m: Any, h: int, i: int, v: int, t: int) -> Any:
            gone, ready = before[h, i, v, t]
            return _kept(sum(gone) - sum(ready))

        @m.Constraint(m.AFTER)
        def longest_wait(m: Any, h: int, i: int, u: int, t: int) -> Any:
            here, gone = after[h, i, u, t]
            return _kept(sum(here) - sum(gone))

    def _places(self, h: int, i: int) -> dict[int, list[tuple[int, Any]]]:
        """Slot and variable of each possible start, by unit in the order of the operation's units."""
        operation = self.problem.heats[h].operations[i]
        if operation.started_min is not None:
            slot = int(np.ceil(operation.started_min / self.problem.step_min - 1e-9))
            return {operation.units[0]: [(slot, 1)]}
        return {u: [(t, self.model.x[h, i, u, t]) for t in self.of[h, i, u]] for u in operation.units}

    def _cast_places(self, c: int) -> dict[int, list[tuple[int, Any]]]:
        cast = self.problem.casts[c]
        if cast.started_min is not None:
            return {cast.units[0]: [(int(np.floor(cast.started_min / self.problem.step_min + 1e-9)), 1)]}
        places: dict[int, list[tuple[int, Any]]] = {u: [] for u in cast.units}
        for u, t in self.windows.cast[c]:
            places[u].append((t, self.model.z[c, u, t]))
        return places

    def _power(self, keys: list[tuple[int, int, int, int]], options: list[tuple[int, int, int]]) -> None:
        m, problem = self.model, self.problem
        per = problem.cells_per_slot
        terms: list[list[tuple[Any, float]]] = [[] for _ in range(problem.n_cells)]
        given = Given(problem)

        def put(var: Any, first: int, cells: np.ndarray) -> None:
            for k, energy in enumerate(cells.tolist()):
                if energy and first + k < problem.n_cells:
                    terms[first + k].append((var, energy))

        for h, i, u, t in keys:
            operation = problem.heats[h].operations[i]
            put(m.x[h, i, u, t], t * per, operation.cells[u])
            given.put(m.x[h, i, u, t], operation.stage, t * per, operation.cells[u])
        for var, t, minutes, extra in self._reheating():
            put(var, *spread_cells(problem, t, minutes, extra))
        for c, u, t in options:
            put(m.z[c, u, t], t * per, problem.casts[c].cells[u])
            given.put(m.z[c, u, t], len(problem.stage_units) - 1, t * per, problem.casts[c].cells[u])
        started = problem.fixed_cells + problem.under_way
        m.C = pyo.RangeSet(0, problem.n_cells - 1)
        m.line = pyo.Var(m.C, domain=pyo.NonNegativeReals)

        @m.Constraint(m.C)
        def line_energy(m: Any, c: int) -> Any:
            return m.line[c] == pyo.quicksum(factor * var for var, factor in terms[c]) + float(started[c])

        m.site = pyo.Block()
        self.ports: Ports = site_model.add(
            m.site, self.data, lambda c: m.line[c], lambda t: sum(m.line[t * per + k] for k in range(per)), soft=True,
            line_gives=given.at,
        )  # fmt: skip

    def _reheating(self) -> list[tuple[Any, int, float, float]]:
        """What makes good the heat lost while waiting: variable, slot, minutes it is spread over, MWh.

        ``pair[h, s, t]`` is 1 where heat h first starts in slot s and is reheated from slot t on: a flow between the
        two starts, whole where they are. A heat that has begun needs none.
        """
        m, problem = self.model, self.problem
        rate = problem.reheat_kwh_per_t_min / 1000
        found: list[tuple[Any, int, float, float]] = []
        pairs: dict[tuple[int, int, int], float] = {}
        ways: dict[int, tuple[dict[int, list[Any]], dict[int, list[Any]]]] = {}
        for h, heat in enumerate(problem.heats):
            r = heat.reheat
            if rate == 0 or r is None or heat.operations[r].started_min is not None:
                continue
            free = heat.lossless_min(0, r)
            begun, reached = self._by_slot(h, 0), self._by_slot(h, r)
            minutes = float(np.mean(list(heat.operations[r].minutes.values())))
            known = heat.operations[0].started_min
            if known is None and len(begun) == 1:
                known = next(iter(begun)) * problem.step_min
            if known is not None:
                for t, starts in reached.items():
                    extra = rate * heat.mass_t * max(t * problem.step_min - known - free, 0.0)
                    found += [(var, t, minutes, extra) for var in starts if extra]
                continue
            least = sum(int(heat.least[k].min()) for k in range(r))
            ways[h] = begun, reached
            for s in begun:
                for t in reached:
                    if t - s >= least:
                        pairs[h, s, t] = rate * heat.mass_t * max((t - s) * problem.step_min - free, 0.0)
        m.PAIR = pyo.Set(initialize=list(pairs), dimen=3)
        m.pair = pyo.Var(m.PAIR, domain=pyo.NonNegativeReals)
        m.LEAVES = pyo.Set(initialize=[(h, s) for h, (begun, _) in ways.items() for s in begun], dimen=2)
        m.REACHES = pyo.Set(initialize=[(h, t) for h, (_, reached) in ways.items() for t in reached], dimen=2)

        @m.Constraint(m.LEAVES)
        def leaves(m: Any, h: int, s: int) -> Any:
            begun, reached = ways[h]
            return sum(m.pair[h, s, t] for t in reached if (h, s, t) in pairs) == sum(begun[s])

        @m.Constraint(m.REACHES)
        def reaches(m: Any, h: int, t: int) -> Any:
            begun, reached = ways[h]
            return sum(m.pair[h, s, t] for s in begun if (h, s, t) in pairs) == sum(reached[t])

        for (h, s, t), extra in pairs.items():
            operation = problem.heats[h].operations[problem.heats[h].reheat or 0]
            if extra:
                found.append((m.pair[h, s, t], t, float(np.mean(list(operation.minutes.values()))), extra))
        return found

    def _by_slot(self, h: int, i: int) -> dict[int, list[Any]]:
        """Variables of an operation's start by slot."""
        slots: dict[int, list[Any]] = {}
        for u in self.problem.heats[h].operations[i].units:
            for t in self.of.get((h, i, u), ()):
                slots.setdefault(t, []).append(self.model.x[h, i, u, t])
        return slots

    def begin(self, starts: Starts) -> None:
        """Set the variables to a plan, as a start."""
        m, _problem = self.model, self.problem
        for h, i, u, t in m.START:
            m.x[h, i, u, t].set_value(int(starts.unit[h][i] == u and starts.slot[h][i] == t))
        for h, s, t in m.PAIR:
            own = starts.slot[h]
            m.pair[h, s, t].set_value(int(own[0] == s and own[self.problem.heats[h].reheat or 0] == t))
        for c, u, t in m.OPTION:
            m.z[c, u, t].set_value(int(starts.cast_unit[c] == u and starts.cast_slot[c] == t))

    def surroundings(self, around: int, kept: Starts | None) -> Iterator[tuple[Any, float, float]]:
        """Bounds around what the relaxation holds: starts stay open near those with weight, and where a plan has them.

        Args:
            around: slots around each start with weight.
            kept: a plan that stays possible.

        Yields:
            Variable, lower and upper bound.
        """
        m = self.model
        near: set[tuple[int, ...]] = set()
        for h, i, u, t in m.START:
            if (m.x[h, i, u, t].value or 0.0) > WEIGHT:
                near.update((h, i, t + d) for d in range(-around, around + 1))
        for h, i, u, t in m.START:
            own = kept is not None and kept.unit[h][i] == u and kept.slot[h][i] == t
            yield m.x[h, i, u, t], 0.0, float(own or (h, i, t) in near)
        casts: set[tuple[int, ...]] = set()
        for c, u, t in m.OPTION:
            if (m.z[c, u, t].value or 0.0) > WEIGHT:
                casts.update((c, u, t + d) for d in range(-around, around + 1))
        for c, u, t in m.OPTION:
            own = kept is not None and kept.cast_unit[c] == u and kept.cast_slot[c] == t
            yield m.z[c, u, t], 0.0, float(own or (c, u, t) in casts)

    @property
    def twice(self) -> Any:
        """Slots in which a unit is used more than once."""
        return pyo.quicksum(self.model.twice.values())

    def read(self) -> Starts:
        """The plan that the variables hold; it may use units twice where the model is loose."""
        m, problem = self.model, self.problem
        on = {(h, i): (u, t) for h, i, u, t in m.START if m.x[h, i, u, t].value > 0.5}
        casts = {c: (u, t) for c, u, t in m.OPTION if m.z[c, u, t].value > 0.5}
        units, slots = [], []
        for h, heat in enumerate(problem.heats):
            places = []
            for i, operation in enumerate(heat.operations):
                if operation.started_min is not None:
                    places.append((operation.units[0], int(np.floor(operation.started_min / problem.step_min))))
                else:
                    places.append(on[h, i])
            units.append(tuple(u for u, _ in places))
            slots.append(tuple(t for _, t in places))
        for c, cast in enumerate(problem.casts):
            if cast.started_min is not None:
                casts[c] = (cast.units[0], int(np.floor(cast.started_min / problem.step_min)))
        return Starts(
            tuple(units),
            tuple(slots),
            tuple(casts[c][0] for c in range(len(problem.casts))),
            tuple(casts[c][1] for c in range(len(problem.casts))),
        )


def _kept(expression: Any) -> Any:
    """expression ≤ 0, as Pyomo wants it where nothing is left to decide."""
    if isinstance(expression, int | float):
        return pyo.Constraint.Feasible if expression <= 0 else pyo.Constraint.Infeasible
    return expression <= 0
