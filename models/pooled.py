"""Pooled starts: heats that are alike are counted, not named.

``Y[s, k, c, t]`` is how many heats of pool k have started at stage s, on units of class c, by slot t: non-decreasing.
Identical units are pooled: Σ Y(t) − Y(t−p) ≤ units available. At the leading stage, which draws most, each group of
heats that are alike in every respect is a pool with whole starts; at the other stages all groups that hold a unit for
the same time with the same power share one. Precedence and longest wait tie counts to those of the leading stage,
Y'(t) ≤ Y(t−least) and Y'(t) ≥ Y(t−most). A cast is one binary for each caster and start slot; it takes its heats at
their offsets. (Cumulative form of the resource-task network: Castro, Sun, Harjunkoski, IECR 2013.)

With the shortest lags the model is a relaxation, and so its bound holds; with the longest lags its starts suit any
choice of units.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models import site as site_model
from models.site import Ports, SiteData
from models.slots import Heat, SlotProblem, spread_cells

SOON = 6
"""Slots within which a plan reckons that a waiting heat is reheated."""


@dataclass(frozen=True)
class Reach:
    """Earliest and latest start slot of each of a heat's operations, by all that is known beforehand."""

    first: list[int]
    last: list[int]


@dataclass(frozen=True)
class Choice:
    """How the pooled model is made."""

    tight: bool
    """Longest lags (starts that suit any choice of units) instead of the shortest (a bound)."""
    bounding: bool = False
    """Price what a plan only estimates by what it costs at least."""
    draws: bool = False
    """Draw the energy of reheating while heats wait, under the import limit too, instead of only pricing it."""
    whole: bool = False
    """Whole starts at every stage instead of the leading one alone."""
    reserve_mw: float = 0.0
    """Kept free under the import limit for reheating and for what pools do not see."""


class Pooled:
    """The pooled model of a line with its site, and what it is made of."""

    def __init__(self, problem: SlotProblem, data: SiteData, choice: Choice, weight: np.ndarray) -> None:
        """Build the model; ``weight`` [per MWh of each slot] prices the reheating of heats that wait."""
        self.problem, self.data, self.choice = problem, data, choice
        self.n = problem.n_slots
        self.weight = weight
        self.lead = leading_stage(problem)
        self.stages = list(range(len(problem.stage_units) - problem.campaign))
        self.windows = {h: self._windows(heat) for h, heat in enumerate(problem.heats)}
        self.groups = self._groups()
        self.pools = {s: self._pools(s) for s in self.stages}
        self.possible = all(
            lo <= hi for window in self.windows.values() for lo, hi in zip(window.first, window.last, strict=True)
        )
        self.model = pyo.ConcreteModel()
        self._build()

    # ---- lags and windows -------------------------------------------------------------------------------------

    def _pick(self, table: np.ndarray, which: str) -> int:
        longest = (which == "least") == self.choice.tight
        return int(table.max() if longest else table.min())

    def least(self, heat: Heat, i: int, j: int) -> int:
        """Least slots from operation i to operation j of a heat."""
        return sum(self._pick(heat.least[k], "least") for k in range(i, j))

    def most(self, heat: Heat, i: int, j: int) -> int:
        """Most slots from operation i to operation j of a heat."""
        return sum(max(self._pick(heat.most[k], "most"), self._pick(heat.least[k], "least")) for k in range(i, j))

    def to_cast(self, heat: Heat, i: int, column: int) -> tuple[int, int]:
        """Least and most slots from operation i to the start of the heat's cast on one caster."""
        last = len(heat.operations) - 1
        least, most = heat.least[last][:, column], heat.most[last][:, column]
        tight = self.choice.tight
        low = int(least.max() if tight else least.min())
        high = max(int(most.min() if tight else most.max()), low)
        return self.least(heat, i, last) + low, self.most(heat, i, last) + high

    def _windows(self, heat: Heat) -> Reach:
        first = [operation.first for operation in heat.operations]
        last = [operation.last for operation in heat.operations]
        step = self.problem.step_min
        for i, operation in enumerate(heat.operations):
            if operation.started_min is not None:
                slot = operation.started_min / step
                rounded = math.ceil(slot) if self.choice.tight else math.floor(slot)
                first[i] = last[i] = rounded
        for i in range(1, len(first)):
            first[i] = max(first[i], first[i - 1] + self.least(heat, i - 1, i))
            last[i] = min(last[i], last[i - 1] + self.most(heat, i - 1, i))
        for i in range(len(first) - 2, -1, -1):
            if heat.operations[i].started_min is None:
                last[i] = min(last[i], last[i + 1] - self.least(heat, i, i + 1))
                first[i] = max(first[i], first[i + 1] - self.most(heat, i, i + 1))
        return Reach(first, last)

    def operation_at(self, heat: Heat, stage: int) -> int | None:
        """Place of a stage in a heat's route, if it still has to start there."""
        for i, operation in enumerate(heat.operations):
            if operation.stage == stage and operation.started_min is None:
                return i
        return None

    def _groups(self) -> list[list[int]]:
        """Heats that are alike in every respect and have something left to start."""
        found: dict[tuple, list[int]] = {}
        for h, heat in enumerate(self.problem.heats):
            if any(operation.started_min is None for operation in heat.operations):
                found.setdefault(heat.kind, []).append(h)
        return list(found.values())

    def _pools(self, stage: int) -> list[list[int]]:
        """Groups that share a count at a stage."""
        found: dict[tuple, list[int]] = {}
        for g, group in enumerate(self.groups):
            heat = self.problem.heats[group[0]]
            i = self.operation_at(heat, stage)
            if i is None:
                continue
            operation = heat.operations[i]
            key: tuple = (g,)
            if stage != self.lead:
                key = tuple((u, operation.occupy[u], self.cells(heat, i, u).tobytes()) for u in operation.units)
            found.setdefault(key, []).append(g)
        return list(found.values())

    def _classes(self, stage: int) -> list[tuple[int, ...]]:
        """Units of a stage by likeness: alike for every pool in time, power and who may run there."""
        likeness: dict[tuple, list[int]] = {}
        for u in self.problem.stage_units[stage]:
            key = []
            for pool in self.pools[stage]:
                operation = self._operation(stage, pool)
                able = u in operation.units
                key.append((operation.occupy[u], self._cells(stage, pool, u).tobytes()) if able else ())
            likeness.setdefault(tuple(key), []).append(u)
        return [tuple(units) for units in likeness.values()]

    def _heat_of(self, g: int) -> Heat:
        return self.problem.heats[self.groups[g][0]]

    def cells(self, heat: Heat, i: int, u: int) -> np.ndarray:
        """Energy by cell of an operation with the reheating that no plan avoids [MWh]."""
        operation = heat.operations[i]
        if i != heat.reheat or heat.waits_min == 0 or self.problem.reheat_kwh_per_t_min == 0:
            return operation.cells[u]
        extra = self.problem.reheat_kwh_per_t_min * heat.waits_min * heat.mass_t / 1000
        _, more = spread_cells(self.problem, 0, operation.minutes[u], extra)
        cells = np.zeros(max(len(more), len(operation.cells[u])))
        cells[: len(operation.cells[u])] += operation.cells[u]
        cells[: len(more)] += more
        return cells

    def _cells(self, stage: int, pool: list[int], u: int) -> np.ndarray:
        heat = self._heat_of(pool[0])
        i = self.operation_at(heat, stage)
        assert i is not None
        return self.cells(heat, i, u)

    def _operation(self, stage: int, pool: list[int]) -> Any:
        heat = self._heat_of(pool[0])
        i = self.operation_at(heat, stage)
        assert i is not None
        return heat.operations[i]

    # ---- the model --------------------------------------------------------------------------------------------

    def _build(self) -> None:
        m, problem, n = self.model, self.problem, self.n
        m.T = pyo.RangeSet(0, n - 1)
        self.classes = {s: self._classes(s) for s in self.stages}
        self.able: dict[tuple[int, int], list[int]] = {}
        bounds: dict[tuple[int, int, int], tuple[int, int]] = {}
        size: dict[tuple[int, int], int] = {}
        for s in self.stages:
            for k, pool in enumerate(self.pools[s]):
                operation = self._operation(s, pool)
                self.able[s, k] = [c for c, units in enumerate(self.classes[s]) if units[0] in operation.units]
                reach = []
                for g in pool:
                    for h in self.groups[g]:
                        i = self.operation_at(problem.heats[h], s)
                        assert i is not None
                        reach.append((self.windows[h].first[i], self.windows[h].last[i]))
                size[s, k] = len(reach)
                first = np.sort([low for low, _ in reach])
                last = np.sort([high for _, high in reach])
                slots = np.arange(n)
                may = np.searchsorted(first, slots, side="right")
                must = np.minimum(np.searchsorted(last, slots, side="right"), may)
                for t in range(n):
                    bounds[s, k, t] = (int(must[t]), int(may[t]))
        m.POOL = pyo.Set(initialize=list(self.able), dimen=2)
        m.INDEX = pyo.Set(
            initialize=[(s, k, c, t) for (s, k), cs in self.able.items() for c in cs for t in range(n)], dimen=4
        )
        single = {key: len(cs) == 1 for key, cs in self.able.items()}
        whole = self.choice.whole
        m.Y = pyo.Var(
            m.INDEX,
            bounds=lambda m, s, k, c, t: bounds[s, k, t] if single[s, k] else (0, bounds[s, k, t][1]),
            domain=lambda m, s, k, c, t: pyo.Integers if whole or s == self.lead else pyo.Reals,
        )
        m.MUST = pyo.Set(initialize=[key for key, (low, _) in bounds.items() if low and not single[key[:2]]], dimen=3)

        @m.Constraint(m.MUST)
        def by_window(m: Any, s: int, k: int, t: int) -> Any:
            return self.total(s, k, t) >= bounds[s, k, t][0]

        m.GROW = pyo.Set(initialize=[key for key in m.INDEX if key[3]], dimen=4)

        @m.Constraint(m.GROW)
        def grows(m: Any, s: int, k: int, c: int, t: int) -> Any:
            return m.Y[s, k, c, t] >= m.Y[s, k, c, t - 1]

        self._capacity()
        self._casts()
        if not self.possible:
            return
        self._chain()
        if problem.campaign:
            self._feed(size)
        self._power()

    def total(self, s: int, k: int, t: int) -> Any:
        """How many of a pool have started by a slot; 0 before the horizon."""
        if t < 0:
            return 0
        return sum(self.model.Y[s, k, c, min(t, self.n - 1)] for c in self.able[s, k])

    def _active(self, s: int, k: int, c: int, t: int, slots: int) -> Any:
        y = self.model.Y
        return y[s, k, c, t] - (y[s, k, c, t - slots] if t >= slots else 0)

    def _capacity(self) -> None:
        m, problem = self.model, self.problem
        users: dict[tuple[int, int], list[int]] = {}
        for (s, k), classes in self.able.items():
            for c in classes:
                users.setdefault((s, c), []).append(k)
        busy = self._busy()
        m.SHARED = pyo.Set(initialize=[(s, c, t) for s, c in users for t in range(self.n)], dimen=3)

        @m.Constraint(m.SHARED)
        def capacity(m: Any, s: int, c: int, t: int) -> Any:
            units = self.classes[s][c]
            free = sum(int(problem.free[u, t] and not busy[u, t]) for u in units)
            occupy = {k: self._operation(s, self.pools[s][k]).occupy[units[0]] for k in users[s, c]}
            return sum(self._active(s, k, c, t, occupy[k]) for k in users[s, c]) <= free

    def _busy(self) -> np.ndarray:
        """Slots in which what has started already holds its unit, shape (n_units, n_slots)."""
        problem = self.problem
        busy = np.zeros_like(problem.free)
        for heat in problem.heats:
            for operation in heat.operations:
                if operation.started_min is not None:
                    u = operation.units[0]
                    until = operation.started_min + operation.occupy[u] * problem.step_min
                    busy[u, : max(math.ceil(until / problem.step_min - 1e-9), 0)] = True
        return busy

    def _casts(self) -> None:
        m, problem = self.model, self.problem
        options = []
        for c, cast in enumerate(problem.casts):
            if cast.started_min is not None:
                continue
            for column, u in enumerate(cast.units):
                low, high = cast.first[u], cast.last[u]
                for h in cast.heats:
                    heat = problem.heats[h]
                    if heat.operations:
                        least, most = self.to_cast(heat, len(heat.operations) - 1, column)
                        low = max(low, self.windows[h].first[-1] + least)
                        high = min(high, self.windows[h].last[-1] + most)
                for t in range(max(low, 0), high + 1):
                    begin, end = t, min(t + cast.hold[u], self.n)
                    if problem.free[u, begin:end].all():
                        options.append((c, column, t))
        m.OPTION = pyo.Set(initialize=options, dimen=3)
        m.z = pyo.Var(m.OPTION, domain=pyo.Binary)
        self.options: dict[int, list[tuple[int, int]]] = {c: [] for c, _, _ in options}
        for c, column, t in options:
            self.options[c].append((column, t))
        waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
        if any(not self.options.get(c) for c in waiting):
            self.possible = False
            return
        m.CAST = pyo.Set(initialize=waiting)

        @m.Constraint(m.CAST)
        def once(m: Any, c: int) -> Any:
            return sum(m.z[c, column, t] for column, t in self.options[c]) == 1

        held: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for c, column, t in options:
            u = problem.casts[c].units[column]
            for q in range(t, min(t + problem.casts[c].hold[u], self.n)):
                held.setdefault((u, q), []).append((c, column, t))
        taken = np.zeros_like(problem.free)
        for cast in problem.casts:
            if cast.started_min is not None:
                u = cast.units[0]
                until = cast.started_min / problem.step_min + cast.hold[u]
                taken[u, : max(math.ceil(until - 1e-9), 0)] = True
        m.HELD = pyo.Set(initialize=list(held), dimen=2)

        @m.Constraint(m.HELD)
        def one_cast(m: Any, u: int, q: int) -> Any:
            return sum(m.z[key] for key in held[u, q]) <= int(not taken[u, q])

    def _chain(self) -> None:
        """Tie the counts of every stage to those of the leading one, and consecutive others in sum."""
        m, n, lead = self.model, self.n, self.lead
        place = {g: k for k, pool in enumerate(self.pools[lead]) for g in pool}
        early: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        """Pools whose groups all pass the leading stage: its count, least and most slots (negative: before it)."""
        for s, k in self.able:
            pool = self.pools[s][k]
            if s == lead or any(g not in place for g in pool):
                continue
            early[s, k] = []
            for g in pool:
                heat = self._heat_of(g)
                i, j = self.operation_at(heat, lead), self.operation_at(heat, s)
                assert i is not None
                assert j is not None
                if i < j:
                    early[s, k].append((place[g], self.least(heat, i, j), self.most(heat, i, j)))
                else:
                    early[s, k].append((place[g], -self.most(heat, j, i), -self.least(heat, j, i)))
        m.TIED = pyo.Set(initialize=[(*key, t) for key in early for t in range(n)], dimen=3)

        @m.Constraint(m.TIED)
        def precedence(m: Any, s: int, k: int, t: int) -> Any:
            return self.total(s, k, t) <= sum(self.total(lead, q, t - least) for q, least, _ in early[s, k])

        m.LATE = pyo.Set(
            initialize=[
                (*key, t) for key, rows in early.items() for t in range(max(min(high for _, _, high in rows), 0), n)
            ],
            dimen=3,
        )

        @m.Constraint(m.LATE)
        def longest_wait(m: Any, s: int, k: int, t: int) -> Any:
            return self.total(s, k, t) >= sum(self.total(lead, q, t - most) for q, _, most in early[s, k])

        between = {}
        for s, r in zip(self.stages, self.stages[1:], strict=False):
            groups = [{g for pool in self.pools[stage] for g in pool} for stage in (s, r)]
            if lead in (s, r) or groups[0] != groups[1] or not groups[0]:
                continue
            lags = []
            for g in groups[0]:
                i, j = (self.operation_at(self._heat_of(g), stage) for stage in (s, r))
                assert i is not None
                assert j is not None
                lags.append(self.least(self._heat_of(g), i, j))
            between[s, r] = min(lags)
        m.BETWEEN = pyo.Set(initialize=[(*key, t) for key in between for t in range(n)], dimen=3)

        @m.Constraint(m.BETWEEN)
        def in_sum(m: Any, s: int, r: int, t: int) -> Any:
            after = sum(self.total(r, k, t) for k in range(len(self.pools[r])))
            return after <= sum(self.total(s, k, t - between[s, r]) for k in range(len(self.pools[s])))

    def _feed(self, size: dict[tuple[int, int], int]) -> None:
        """What the casts take: by a slot so many must, and at most so many may, have started at each stage."""
        m, problem, n = self.model, self.problem, self.n
        must: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
        may: dict[tuple[int, int, int], list[tuple[int, int, int]]] = {}
        ahead = dict.fromkeys(self.able, 0)
        cast_of = problem.cast_of()
        for s, k in self.able:
            for g in self.pools[s][k]:
                for h in self.groups[g]:
                    heat, (c, _) = problem.heats[h], cast_of[h]
                    i = self.operation_at(heat, s)
                    assert i is not None
                    if problem.casts[c].started_min is not None:
                        ahead[s, k] += 1
                        continue
                    for column, t in self.options[c]:
                        low, high = self.to_cast(heat, i, column)
                        must.setdefault((s, k, max(t - low, 0)), []).append((c, column, t))
                        may.setdefault((s, k, max(t - high, 0)), []).append((c, column, t))
        m.FED = pyo.Set(initialize=[(*key, t) for key in self.able for t in range(n)], dimen=3)
        m.due = pyo.Var(m.FED, bounds=lambda m, s, k, t: (0, size[s, k]))

        @m.Constraint(m.FED)
        def due_by(m: Any, s: int, k: int, t: int) -> Any:
            before = m.due[s, k, t - 1] if t else 0
            return m.due[s, k, t] == before + sum(m.z[key] for key in must.get((s, k, t), ()))

        @m.Constraint(m.FED)
        def in_time(m: Any, s: int, k: int, t: int) -> Any:
            return self.total(s, k, t) >= m.due[s, k, t]

        m.open = pyo.Var(m.FED, bounds=lambda m, s, k, t: (0, size[s, k]))

        @m.Constraint(m.FED)
        def open_by(m: Any, s: int, k: int, t: int) -> Any:
            before = m.open[s, k, t - 1] if t else ahead[s, k]
            return m.open[s, k, t] == before + sum(m.z[key] for key in may.get((s, k, t), ()))

        @m.Constraint(m.FED)
        def not_too_early(m: Any, s: int, k: int, t: int) -> Any:
            return self.total(s, k, t) <= m.open[s, k, t]

    def _power(self) -> None:
        """Energy of the line by cell, and the site."""
        m, problem = self.model, self.problem
        per = problem.cells_per_slot
        m.C = pyo.RangeSet(0, problem.n_cells - 1)
        terms: list[list[tuple[Any, float]]] = [[] for _ in range(problem.n_cells)]
        for (s, k), classes in self.able.items():
            for c in classes:
                cells = self._cells(s, self.pools[s][k], self.classes[s][c][0])
                _spread(terms, [m.Y[s, k, c, t] for t in range(self.n)], cells, per)
        for c, column, t in m.OPTION:
            cast = problem.casts[c]
            for k, energy in enumerate(cast.cells[cast.units[column]].tolist()):
                if energy and t * per + k < problem.n_cells:
                    terms[t * per + k].append((m.z[c, column, t], energy))
        waiting: dict[int, Any] = {}
        if self.choice.draws:
            # a plan reckons that what waits is reheated soon: its energy is drawn as the heat is lost
            for mwh, _, count in self._queues():
                for t in range(self.n):
                    for k in range(per):
                        waiting[t * per + k] = waiting.get(t * per + k, 0) + mwh / per * count[t]
        started = problem.fixed_cells + under_way(problem)
        m.line = pyo.Var(m.C, domain=pyo.NonNegativeReals)

        @m.Constraint(m.C)
        def line_energy(m: Any, c: int) -> Any:
            drawn = pyo.quicksum(factor * var for var, factor in terms[c])
            return m.line[c] == drawn + waiting.get(c, 0.0) + float(started[c])

        m.site = pyo.Block()
        self.ports: Ports = site_model.add(
            m.site,
            self.data,
            lambda c: m.line[c],
            lambda t: sum(m.line[t * per + k] for k in range(per)),
            exclusive=not self.choice.bounding,
            reserve_mwh=self.choice.reserve_mw * self.data.meter_min / 60,
        )
        self.extra = self._reheating()
        self._hull(started)

    def _queues(self) -> Iterator[tuple[float, int, list[Any]]]:
        """Heats that wait before they are reheated: MWh for one slot of waiting, slots until reheating, count by slot.

        Lags are rounded up for a bound, so that there the queue is never counted too long.
        """
        problem = self.problem
        rate = problem.reheat_kwh_per_t_min / 1000 * problem.step_min
        if rate == 0:
            return
        place = {g: k for k, pool in enumerate(self.pools[self.lead]) for g in pool}
        for s, k in self.able:
            pool = self.pools[s][k]
            heats = [self._heat_of(g) for g in pool]
            ways = [(self.operation_at(heat, self.lead), self.operation_at(heat, s)) for heat in heats]
            if any(i is None or j is None or j != heat.reheat for (i, j), heat in zip(ways, heats, strict=True)):
                continue
            spans = [(heat, i or 0, j or 0) for heat, (i, j) in zip(heats, ways, strict=True)]
            ahead = max(self.most(*span) for span in spans)
            ahead += max(max(heat.operations[j].occupy.values()) for heat, _, j in spans)
            lags = [
                sum(int(heat.least[q].max()) for q in range(i, j)) if self.choice.bounding else self.least(heat, i, j)
                for heat, i, j in spans
            ]
            count = [
                sum(self.total(self.lead, place[g], t - lag) for g, lag in zip(pool, lags, strict=True))
                - self.total(s, k, t)
                for t in range(self.n)
            ]
            yield rate * min(heat.mass_t for heat in heats), ahead, count

    def _reheating(self) -> Any:
        """Worth of making good the heat lost in queues: at least, for a bound, else as the next slots have it.

        A heat that waits at t is reheated at the latest when its longest wait is over, so the smallest weight until
        then bounds what the energy is worth. Beside a battery a MWh may be worth less than its weight: left out there.
        """
        if self.choice.draws or (self.choice.bounding and not self.data.plain):
            return 0.0
        found: Any = 0.0
        for mwh, ahead, count in self._queues():
            for t in range(self.n):
                coming = self.weight[t : t + ahead + 1]
                worth = max(float(coming.min() if self.choice.bounding else coming[:SOON].mean()), 0.0)
                if worth:
                    found += mwh * worth * count[t]
        return found

    def _hull(self, started: np.ndarray) -> None:
        """Integer hull of the limit row: how many leading units and casters may draw full power at once.

        85 u + 7 v ≤ 182 with at most two of each is u + v ≤ 3 for whole numbers: the facets of the hull cut off what
        the row leaves between them.
        """
        m, problem, data = self.model, self.problem, self.data
        if not np.isfinite(data.limit_mwh()) or not problem.campaign or not self.possible or not data.plain:
            return
        to_mw = 60 / problem.cell_min
        if abs(data.meter_min - problem.cell_min) > 1e-9 or problem.cells_per_slot != 1:
            return
        leads = [(k, self.able[self.lead, k]) for k in range(len(self.pools[self.lead]))]
        pools = self.pools[self.lead]
        full = min(
            (
                float(self._cells(self.lead, pools[k], self.classes[self.lead][c][0]).max())
                for k, cs in leads
                for c in cs
            ),
            default=0.0,
        )
        casting = min((float(cells.max()) for cast in problem.casts for cells in cast.cells.values()), default=0.0)
        if full <= 0 or casting <= 0:
            return
        n_lead, n_cast = len(problem.stage_units[self.lead]), len(problem.stage_units[-1])
        facets: dict[int, list[tuple[float, float, float]]] = {}
        reserve = self.choice.reserve_mw
        for t in range(self.n):
            room = data.limit_mwh() * to_mw - reserve - (data.base[t] - data.pv[t]) * to_mw - started[t] * to_mw
            facets[t] = _facets(full * to_mw, casting * to_mw, n_lead, n_cast, room)
        m.FACET = pyo.Set(initialize=[(t, k) for t, rows in facets.items() for k in range(len(rows))], dimen=2)
        drawn: dict[int, list[tuple[int, int, int]]] = {}
        for c, column, t in m.OPTION:
            cast = problem.casts[c]
            for k, energy in enumerate(cast.cells[cast.units[column]].tolist()):
                if energy >= casting - 1e-9 and t + k < self.n:
                    drawn.setdefault(t + k, []).append((c, column, t))

        @m.Constraint(m.FACET)
        def hull(m: Any, t: int, k: int) -> Any:
            a, b, top = facets[t][k]
            u: Any = 0
            for q, classes in leads:
                for c in classes:
                    cells = self._cells(self.lead, pools[q], self.classes[self.lead][c][0])
                    u += _count_full(m.Y, (self.lead, q, c), t, cells >= full - 1e-9)
            return a * u + b * sum(m.z[key] for key in drawn.get(t, ())) <= top


def _count_full(y: Any, key: tuple[int, int, int], t: int, full: np.ndarray) -> Any:
    """Operations of a count that are in a slot of full power at t."""
    found: Any = 0
    for k, on in enumerate(full.tolist()):
        if on and t - k >= 0:
            found += y[(*key, t - k)] - (y[(*key, t - k - 1)] if t - k >= 1 else 0)
    return found


def _facets(p: float, q: float, n_p: int, n_q: int, room: float) -> list[tuple[float, float, float]]:
    """Facets a·u + b·v ≤ c of the hull of whole (u, v) with p·u + q·v ≤ room, u ≤ n_p, v ≤ n_q; boxes left out."""
    points = [(u, min(n_q, math.floor((room - p * u) / q + 1e-9))) for u in range(n_p + 1) if p * u <= room + 1e-9]
    if not points or points[-1] == (n_p, n_q):
        return []
    if points[-1][0] < n_p:
        points.append((points[-1][0], 0))
    hull: list[tuple[int, int]] = []
    for point in points:  # upper hull from left to right
        while len(hull) >= 2 and _turn(hull[-2], hull[-1], point) >= 0:
            hull.pop()
        hull.append(point)
    rows = []
    for (u1, v1), (u2, v2) in itertools.pairwise(hull):
        a, b = v1 - v2, u2 - u1
        if a > 0 or b == 0:
            rows.append((float(a), float(b), float(a * u1 + b * v1)))
    if hull[-1][0] < n_p:
        rows.append((1.0, 0.0, float(hull[-1][0])))
    return rows


def _turn(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int]) -> int:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _spread(terms: list[list[tuple[Any, float]]], y: list[Any], cells: np.ndarray, per: int) -> None:
    """Add the energy of counted starts to the cells: on differences of the count, so constant power telescopes."""
    length = len(cells)
    for t, var in enumerate(y):
        # a start at t draws cells[k] in cell t·per+k; the count's coefficient is that less a start one slot later
        for k in range(length + per):
            here = cells[k] if k < length else 0.0
            shifted = cells[k - per] if k >= per else 0.0
            factor = float(here - shifted)
            if factor and t * per + k < len(terms):
                terms[t * per + k].append((var, factor))


def under_way(problem: SlotProblem) -> np.ndarray:
    """Energy by cell of operations and casts that have started already [MWh], shape (n_cells,)."""
    found = np.zeros(problem.n_cells)
    started: list[tuple[float, np.ndarray]] = []
    for heat in problem.heats:
        for operation in heat.operations:
            if operation.started_min is not None:
                started.append((operation.started_min, operation.cells[operation.units[0]]))
    for cast in problem.casts:
        if cast.started_min is not None:
            started.append((cast.started_min, cast.cells[cast.units[0]]))
    for begin, cells in started:
        # the curve is known on cells after its start: lay its integral over the horizon's cells
        at = begin + np.arange(len(cells) + 1) * problem.cell_min
        total = np.concatenate([[0.0], np.cumsum(cells)])
        edges = np.arange(problem.n_cells + 1) * problem.cell_min
        found += np.diff(np.interp(edges, at, total))
    return found


def leading_stage(problem: SlotProblem) -> int:
    """The stage that draws most energy, the campaign stage left out."""
    energy = [0.0] * len(problem.stage_units)
    for heat in problem.heats:
        for operation in heat.operations:
            energy[operation.stage] += max((float(cells.sum()) for cells in operation.cells.values()), default=0.0)
    stages = len(problem.stage_units) - problem.campaign
    return max(range(stages), key=lambda s: energy[s])


def objective(found: Pooled, build: Callable[[Ports], Any]) -> None:
    """Set the objective from what the site offers and what reheating costs at least."""
    found.model.goal = pyo.Objective(expr=build(found.ports) + found.extra)


@dataclass(frozen=True)
class Counted:
    """A pooled solution: leading starts told apart first in, first out, and the casts."""

    lead: dict[int, tuple[int, tuple[int, ...]]]
    """By heat: slot of its leading operation and the units alike that may take it."""
    cast: dict[int, tuple[int, int]]
    """By cast: caster and slot."""


def read(found: Pooled) -> Counted:
    """Tell the heats of each group apart: the earliest start feeds the earliest cast."""
    m, problem = found.model, found.problem
    cast = {c: (problem.casts[c].units[column], t) for c, column, t in m.OPTION if (m.z[c, column, t].value or 0) > 0.5}
    cast_of = problem.cast_of()
    lead: dict[int, tuple[int, tuple[int, ...]]] = {}
    for k, pool in enumerate(found.pools[found.lead]):
        group = found.groups[pool[0]]
        starts: list[tuple[int, tuple[int, ...]]] = []
        for c in found.able[found.lead, k]:
            before = 0
            for t in range(found.n):
                now = round(m.Y[found.lead, k, c, t].value or 0)
                starts += [(t, found.classes[found.lead][c])] * (now - before)
                before = now

        def need(h: int) -> tuple[float, float, int]:
            heat = problem.heats[h]
            i = found.operation_at(heat, found.lead)
            assert i is not None
            if h not in cast_of:
                return (found.windows[h].last[i], 0.0, h)
            c, position = cast_of[h]
            if c not in cast:
                return (-1.0, position, h)
            u, t = cast[c]
            return (t * problem.step_min + float(problem.casts[c].offsets[u][position]), 0.0, h)

        for h, start in zip(sorted(group, key=need), sorted(starts), strict=True):
            lead[h] = start
    return Counted(lead, cast)


def follow(found: Pooled, slack: int, around: int) -> bool:
    """Restrict a relaxed model to the neighbourhood of what its variables hold.

    Relaxation-enforced neighbourhood search: counts are rounded both ways and may leave that by some room; casts stay
    open where they have weight (Berthold, "RENS", Mathematical Programming Computation 2014).

    Args:
        found: the model, its relaxation solved.
        slack: how far counts may leave the rounded values.
        around: slots around each cast start with weight that stay open.

    Returns:
        Whether every cast still has a place.
    """
    m = found.model
    near: set[tuple[int, int, int]] = set()
    for c, column, t in m.OPTION:
        if (m.z[c, column, t].value or 0.0) > 1e-5:
            near.update((c, column, t + d) for d in range(-around, around + 1))
    for key in m.OPTION:
        if key not in near:
            m.z[key].setub(0)
    for key in m.INDEX:
        if key[0] != found.lead:
            continue
        y = m.Y[key]
        low, high = math.floor((y.value or 0.0) + 1e-5) - slack, math.ceil((y.value or 0.0) - 1e-5) + slack
        y.setlb(max(low, y.lb))
        y.setub(min(high, y.ub))
    return {c for c, _, _ in near} >= set(found.options)
