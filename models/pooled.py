"""Pooled starts: heats that are alike are counted, not named.

``Y[s, k, c, t]`` is how many heats of pool k have started at stage s, on units of class c, by slot t: non-decreasing.
Identical units are pooled: Σ Y(t) − Y(t−p) ≤ units available. At the leading stage, which draws most, each group of
heats that are alike in every respect is a pool with whole starts; at the other stages all groups that hold a unit for
the same time with the same power share one. Precedence and longest wait tie counts to those of the leading stage,
Y'(t) ≤ Y(t−least) and Y'(t) ≥ Y(t−most). A cast is one binary for each caster and start slot; it takes its heats at
their offsets. (Cumulative form of the resource-task network: Castro, Sun, Harjunkoski, IECR 2013.)

With the shortest lags between any two units the model is a relaxation, and so the optimum of its relaxation bounds
every plan. Made of heats that are averaged (``models/average.py``) it is small and says where a plan lies.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models import hull
from models import site as site_model
from models.given import Given
from models.site import Ports, SiteData
from models.slots import Heat, SlotProblem, spread_cells

LONGEST_QUEUE_MIN = 180
"""Longest wait before reheating that a pooled plan reckons with."""


@dataclass(frozen=True)
class Reach:
    """Earliest and latest start slot of each of a heat's operations, by all that is known beforehand."""

    first: list[int]
    last: list[int]


class Pooled:
    """The pooled model of a line with its site, and what it is made of."""

    def __init__(self, problem: SlotProblem, data: SiteData, *, bounding: bool, whole_total: bool = False) -> None:
        """Build the model.

        Args:
            problem: the line.
            data: the site.
            bounding: leave out what only a plan must keep.
            whole_total: ask for whole starts of the leading stage in total only, not of each pool.
        """
        self.problem, self.data, self.bounding, self.whole_total = problem, data, bounding, whole_total
        self.n = problem.n_slots
        self.lead = leading_stage(problem)
        self.stages = list(range(len(problem.stage_units) - problem.campaign))
        self.windows = {h: self._windows(heat) for h, heat in enumerate(problem.heats)}
        self.groups = self._groups()
        self.pools = {s: self._pools(s) for s in (self.stages or [self.lead])}
        self.possible = all(
            lo <= hi for window in self.windows.values() for lo, hi in zip(window.first, window.last, strict=True)
        )
        self.model = pyo.ConcreteModel()
        self._build()

    # ---- lags and windows -------------------------------------------------------------------------------------

    def least(self, heat: Heat, i: int, j: int) -> int:
        """Least slots from operation i to operation j of a heat."""
        return sum(int(heat.least[k].min()) for k in range(i, j))

    def most(self, heat: Heat, i: int, j: int) -> int:
        """Most slots from operation i to operation j of a heat."""
        return sum(int(np.maximum(heat.most[k], heat.least[k]).max()) for k in range(i, j))

    def to_cast(self, heat: Heat, i: int, column: int) -> tuple[int, int]:
        """Least and most slots from operation i to the start of the heat's cast on one caster."""
        last = len(heat.operations) - 1
        least, most = heat.least[last][:, column], heat.most[last][:, column]
        low = int(least.min())
        high = max(int(most.max()), low)
        return self.least(heat, i, last) + low, self.most(heat, i, last) + high

    def _windows(self, heat: Heat) -> Reach:
        first = [operation.first for operation in heat.operations]
        last = [operation.last for operation in heat.operations]
        step = self.problem.step_min
        for i, operation in enumerate(heat.operations):
            if operation.started_min is not None:
                slot = operation.started_min / step
                first[i] = last[i] = math.floor(slot) if self.bounding else math.ceil(slot)
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
                key = tuple((u, operation.occupy[u], operation.cells[u].tobytes()) for u in operation.units)
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

    def _cells(self, stage: int, pool: list[int], u: int) -> np.ndarray:
        heat = self._heat_of(pool[0])
        i = self.operation_at(heat, stage)
        assert i is not None
        return heat.operations[i].cells[u]

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
        m.Y = pyo.Var(
            m.INDEX,
            bounds=lambda m, s, k, c, t: bounds[s, k, t] if single[s, k] else (0, bounds[s, k, t][1]),
            domain=lambda m, s, k, c, t: pyo.Integers if s == self.lead and not self.whole_total else pyo.Reals,
        )
        m.SEVERAL = pyo.Set(initialize=[key for key in bounds if not single[key[:2]]], dimen=3)

        @m.Constraint(m.SEVERAL)
        def by_window(m: Any, s: int, k: int, t: int) -> Any:
            low, high = bounds[s, k, t]
            return pyo.inequality(low, self.total(s, k, t), high)

        m.GROW = pyo.Set(initialize=[key for key in m.INDEX if key[3]], dimen=4)

        @m.Constraint(m.GROW)
        def grows(m: Any, s: int, k: int, c: int, t: int) -> Any:
            return m.Y[s, k, c, t] >= m.Y[s, k, c, t - 1]

        if self.whole_total:
            pools = range(len(self.pools[self.lead]))
            m.started = pyo.Var(m.T, domain=pyo.Integers, bounds=(0, len(problem.heats)))

            @m.Constraint(m.T)
            def in_total(m: Any, t: int) -> Any:
                return m.started[t] == sum(self.total(self.lead, k, t) for k in pools)

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

    def _batches(self) -> dict[int, list[int]]:
        """Casts that are alike but for their latest start, by the first of them; each alone where a plan is read."""
        found: dict[tuple, list[int]] = {}
        for c, cast in enumerate(self.problem.casts):
            if cast.started_min is None:
                alike = tuple(
                    (u, cast.first[u], cast.hold[u], cast.cells[u].tobytes(), cast.offsets[u].tobytes())
                    for u in cast.units
                )
                reach = tuple(self.windows[h].first[-1] for h in cast.heats if self.problem.heats[h].operations)
                kinds = tuple(self.problem.heats[h].kind for h in cast.heats)
                found.setdefault((alike, kinds, reach) if self.bounding else (c,), []).append(c)
        return {casts[0]: casts for casts in found.values()}

    def _places(self, c: int) -> list[tuple[int, int]]:
        """Where a cast may start: caster, by its place among the cast's units, and slot."""
        problem, cast = self.problem, self.problem.casts[c]
        places = []
        for column, u in enumerate(cast.units):
            low, high = cast.first[u], cast.last[u]
            for h in cast.heats:
                heat = problem.heats[h]
                if heat.operations:
                    least, most = self.to_cast(heat, len(heat.operations) - 1, column)
                    low = max(low, self.windows[h].first[-1] + least)
                    high = min(high, self.windows[h].last[-1] + most)
            for t in range(max(low, 0), high + 1):
                if problem.free[u, t : min(t + cast.hold[u], self.n)].all():
                    places.append((column, t))
        return places

    def _casts(self) -> None:
        m, problem = self.model, self.problem
        self.batches = self._batches()
        places = {c: self._places(c) for casts in self.batches.values() for c in casts}
        self.options = {first: sorted({p for c in casts for p in places[c]}) for first, casts in self.batches.items()}
        options = [(c, column, t) for c, own in self.options.items() for column, t in own]
        m.OPTION = pyo.Set(initialize=options, dimen=3)
        m.z = pyo.Var(m.OPTION, domain=pyo.Binary)
        if not all(places.values()):
            self.possible = False
            return
        m.CAST = pyo.Set(initialize=list(self.batches))

        @m.Constraint(m.CAST)
        def once(m: Any, c: int) -> Any:
            return sum(m.z[c, column, t] for column, t in self.options[c]) == len(self.batches[c])

        # what must have begun by when; that they may all begin from the same slot on makes it enough
        m.MUST_CAST = pyo.Set(
            initialize=[
                (first, k + 1, last)
                for first, casts in self.batches.items()
                for k, last in enumerate(sorted(max(t for _, t in places[c]) for c in casts)[:-1])
            ],
            dimen=3,
        )

        @m.Constraint(m.MUST_CAST)
        def in_window(m: Any, c: int, count: int, last: int) -> Any:
            return pyo.quicksum(m.z[c, column, t] for column, t in self.options[c] if t <= last) >= count

        for u in sorted({u for cast in problem.casts for u in cast.units}):
            taken = np.zeros(self.n, dtype=bool)
            for cast in problem.casts:
                if cast.started_min is not None and cast.units[0] == u:
                    taken[: max(math.ceil(cast.started_min / problem.step_min + cast.hold[u] - 1e-9), 0)] = True
            own = [key for key in options if problem.casts[key[0]].units[key[1]] == u]
            self.course(f"held_{u}", {key: np.ones(problem.casts[key[0]].hold[u]) for key in own}, self.n, 1, ~taken)

    def course(
        self, name: str, profiles: dict[tuple[int, int, int], np.ndarray], size: int, per: int, top: np.ndarray | None
    ) -> Any:
        """What the casts' starts add up to over time: a variable that changes by the changes of their profiles.

        A profile is level for hours, so this takes a handful of coefficients a start where a sum takes one a slot.

        Args:
            name: of the variable in the model.
            profiles: by cast, caster and slot: what a start there adds, from that slot on.
            size: length of the course.
            per: places of a profile in a slot.
            top: most that the course may be in each place; None for no limit.
        """
        m = self.model
        changes: list[list[tuple[Any, float]]] = [[] for _ in range(size)]
        for key, profile in profiles.items():
            steps = np.diff(profile, prepend=0.0, append=0.0)
            for k in np.flatnonzero(np.abs(steps) > 1e-12).tolist():
                if key[2] * per + k < size:
                    changes[key[2] * per + k].append((m.z[key], float(steps[k])))
        limits = [None] * size if top is None else [float(v) for v in top.tolist()]
        course = pyo.Var(range(size), bounds=lambda m, t: (0, limits[t]))
        m.add_component(name, course)

        def rule(m: Any, t: int) -> Any:
            before = course[t - 1] if t else 0
            return course[t] == before + pyo.quicksum(factor * var for var, factor in changes[t])

        m.add_component(f"{name}_changes", pyo.Constraint(range(size), rule=rule))
        return course

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
        # the chain hands on what the last stage before the casters must have done
        fed = [(s, k) for s, k in self.able if s == self.stages[-1]]
        for s, k in fed:
            for g in self.pools[s][k]:
                for h in self.groups[g]:
                    heat, (c, _) = problem.heats[h], cast_of[h]
                    i = self.operation_at(heat, s)
                    assert i is not None
                    if problem.casts[c].started_min is not None:
                        ahead[s, k] += 1
                        continue
                    for column, t in self.options.get(c, ()):
                        low, high = self.to_cast(heat, i, column)
                        must.setdefault((s, k, max(t - low, 0)), []).append((c, column, t))
                        may.setdefault((s, k, max(t - high, 0)), []).append((c, column, t))
        m.FED = pyo.Set(initialize=[(*key, t) for key in fed for t in range(n)], dimen=3)
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
        given = Given(problem)
        for (s, k), classes in self.able.items():
            for c in classes:
                cells = self._cells(s, self.pools[s][k], self.classes[s][c][0])
                counts = [m.Y[s, k, c, t] for t in range(self.n)]
                for t, var, change in _spread(counts, cells, per):
                    given.put(var, s, t * per, change)
                    for j, factor in enumerate(change.tolist()[: problem.n_cells - t * per]):
                        if factor:
                            terms[t * per + j].append((var, factor))
        drawn = {
            (c, column, t): problem.casts[c].cells[problem.casts[c].units[column]] for c, column, t in m.OPTION
        }  # fmt: skip
        casting = self.course("casting", drawn, problem.n_cells, per, None)
        given.casting(casting)
        for first, cells, var in self._reheating():
            for k, energy in enumerate(cells.tolist()):
                if energy and first + k < problem.n_cells:
                    terms[first + k].append((var, energy))
        started = problem.fixed_cells + problem.under_way
        m.line = pyo.Var(m.C, domain=pyo.NonNegativeReals)
        idle = sum(states.most_mw for states in problem.states.values()) if self.bounding else 0.0
        if idle:
            # a bound lets units draw anything when idle: what serves best, so nothing unless a price is negative
            m.idle = pyo.Var(m.C, bounds=(0, idle * problem.cell_min / 60))

        @m.Constraint(m.C)
        def line_energy(m: Any, c: int) -> Any:
            drawn = casting[c] + pyo.quicksum(factor * var for var, factor in terms[c]) + float(started[c])
            return m.line[c] == (drawn + m.idle[c] if idle else drawn)

        m.site = pyo.Block()
        self.ports: Ports = site_model.add(
            m.site,
            self.data,
            lambda c: m.line[c],
            lambda t: sum(m.line[t * per + k] for k in range(per)),
            exclusive=not self.bounding,
            line_gives=given.at,
        )
        hull.add(self, started)

    def _reheating(self) -> list[tuple[int, np.ndarray, Any]]:
        """What makes good the heat lost in queues: first cell, energy by cell [MWh] and the variable they belong to.

        ``pair[r, l]`` counts heats that are ready for the reheating stage in slot r, on the quickest way, and begin
        there in slot l; l − r slots of waiting go into the reheating of slot l, exactly where heats are alike. Where
        masses or units' durations differ the lightest heat and the slowest unit count, so that a bound holds.
        """
        m, problem, n = self.model, self.problem, self.n
        rate = problem.reheat_kwh_per_t_min / 1000
        place = {g: k for k, pool in enumerate(self.pools[self.lead]) for g in pool}
        queues = [(s, k) for s, k in self.able if all(self._queues(g, s) for g in self.pools[s][k])]
        self.sure_mwh: dict[tuple[int, int], float] = {}
        lossy = [heat for heat in problem.heats if heat.reheat is not None and rate]
        self.reheating_exact = not lossy
        if rate == 0 or not queues:
            return []
        ready: list[tuple[int, int]] = []
        always: dict[tuple[int, int], float] = {}
        span, short, mass = 0, 0.0, math.inf
        for s, k in queues:
            least_wait = math.inf
            for g in self.pools[s][k]:
                heat = self._heat_of(g)
                i, j = self.operation_at(heat, self.lead), self.operation_at(heat, s)
                assert i is not None
                assert j is not None
                lag = self.least(heat, i, j)
                ready.append((place[g], lag))
                rest = lag * problem.step_min - heat.lossless_min(i, j, slowest=True)
                least_wait, short = min(least_wait, max(rest, 0.0)), max(short, -rest)
                span, mass = max(span, self.most(heat, i, j) - lag), min(mass, heat.mass_t)
            always[s, k] = least_wait
        always = self.sure_mwh = {key: rate * mass * wait for key, wait in always.items()}
        self.reheating_exact = (
            short <= 0
            and len({heat.mass_t for heat in lossy}) == 1
            and sum(len(self.groups[g]) for s, k in queues for g in self.pools[s][k]) == len(lossy)
            and all(heat.operations[0].stage == self.lead for heat in lossy)
            and all(len(set(o.minutes.values())) == 1 for heat in lossy for o in heat.operations[: heat.reheat])
        )
        if not self.bounding:
            span = min(span, math.ceil(LONGEST_QUEUE_MIN / problem.step_min))

        def arrived(t: int) -> Any:
            return sum(self.total(self.lead, k, t - lag) for k, lag in ready)

        def begun(t: int) -> Any:
            return sum(self.total(s, k, t) for s, k in queues)

        m.PAIR = pyo.Set(initialize=[(r, t) for r in range(n) for t in range(r, min(r + span, n - 1) + 1)], dimen=2)
        m.pair = pyo.Var(m.PAIR, domain=pyo.NonNegativeReals)

        @m.Constraint(m.T)
        def arrives(m: Any, r: int) -> Any:
            return sum(m.pair[r, t] for t in range(r, min(r + span, n - 1) + 1)) == arrived(r) - arrived(r - 1)

        @m.Constraint(m.T)
        def begins(m: Any, t: int) -> Any:
            return sum(m.pair[r, t] for r in range(max(t - span, 0), t + 1)) == begun(t) - begun(t - 1)

        m.QUEUE = pyo.Set(initialize=[(s, k, t) for s, k in queues for t in range(n)], dimen=3)
        m.owed = pyo.Var(m.QUEUE, domain=pyo.NonNegativeReals)

        @m.Constraint(m.T)
        def owes(m: Any, t: int) -> Any:
            lost = sum(
                rate * mass * max((t - r) * problem.step_min - short, 0.0) * m.pair[r, t]
                for r in range(max(t - span, 0), t)
            )
            return sum(m.owed[s, k, t] for s, k in queues) == lost

        @m.Constraint(m.QUEUE)
        def owes_at_most(m: Any, s: int, k: int, t: int) -> Any:
            most = rate * mass * span * problem.step_min
            return m.owed[s, k, t] <= most * (self.total(s, k, t) - self.total(s, k, t - 1))

        found = []
        for s, k in queues:
            operation = self._operation(s, self.pools[s][k])
            minutes = max(operation.minutes.values())
            for t in range(n):
                first, cells = spread_cells(problem, t, minutes, 1.0)
                found.append((first, cells, m.owed[s, k, t]))
                for c in self.able[s, k]:
                    sure = cells * always[s, k]
                    found.append((first, sure, m.Y[s, k, c, t]))
                    if t:
                        found.append((first, -sure, m.Y[s, k, c, t - 1]))
        return found

    def full_cells(self, stage: int, pool: int, units: int) -> np.ndarray:
        """Energy by cell of an operation of a pool on a class of units, with reheating that no plan avoids [MWh]."""
        operation = self._operation(stage, self.pools[stage][pool])
        u = self.classes[stage][units][0]
        cells = operation.cells[u]
        sure = self.sure_mwh.get((stage, pool), 0.0)
        if sure:
            _, more = spread_cells(self.problem, 0, max(operation.minutes.values()), sure)
            size = max(len(more), len(cells))
            cells = np.pad(cells, (0, size - len(cells))) + np.pad(more, (0, size - len(more)))
        return cells

    def _queues(self, g: int, stage: int) -> bool:
        """Whether a stage reheats the heats of a group, which have the leading stage before them."""
        heat = self._heat_of(g)
        i = self.operation_at(heat, self.lead)
        j = self.operation_at(heat, stage)
        return i is not None and j is not None and j == heat.reheat and i < j


def _spread(counts: list[Any], cells: np.ndarray, per: int) -> Iterator[tuple[int, Any, np.ndarray]]:
    """What counted starts draw, on differences of the count, so that constant power telescopes.

    A start at t draws cells[k] in cell t·per+k; the count's coefficient is that less a start one slot later.

    Yields:
        Slot, count and its energy by cell from the slot on [MWh].
    """
    change = np.pad(cells, (0, per)) - np.pad(cells, (per, 0))
    for t, var in enumerate(counts):
        yield t, var, change


def leading_stage(problem: SlotProblem) -> int:
    """The stage that draws most energy, the campaign stage left out."""
    energy = [0.0] * len(problem.stage_units)
    for heat in problem.heats:
        for operation in heat.operations:
            energy[operation.stage] += max((float(cells.sum()) for cells in operation.cells.values()), default=0.0)
    stages = len(problem.stage_units) - problem.campaign
    return max(range(stages), key=lambda s: energy[s], default=0)
