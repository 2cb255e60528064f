"""Counts by unit, matched exactly: transfer times of every pair of units without naming a single heat.

``Y[g, i, u, t]`` is how many heats of group g have started their operation i on unit u by slot t. Which heat goes
where is left open: a start at (v, t) can follow a start at (u, s) when s ≤ t − least(u, v), and by Hall's theorem
every start finds one of its own exactly when, for all slots R_u,

    Σ_v starts on v that need no source later than R  ≤  Σ_u Y_u(R_u).

Of these sets only those that no other dominates are written (``models.hall``): for two units with a short and a long
transfer three rows per slot. Longest waits are kept in total only, so that the model is a relaxation and its optimum
bounds every plan; where its solution can be matched with the longest waits as well, it is a plan, and an optimal one.
Casts are binaries by caster and start slot, as in ``models.pooled``.

The formulation is for lines without heat loss while waiting and without heats in progress.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr.numeric_expr import LinearExpression

from models import site as site_model
from models.hall import Demand, patterns
from models.site import Ports, SiteData
from models.slots import Operation, SlotProblem

Row = list[tuple[Any, float]]
Units = Literal["each", "shortest", "longest"]
"""Every unit by itself, or units that are alike together with the shortest (longest) lags between them."""


@dataclass(frozen=True)
class Corridor:
    """Slots around a plan that a search may use."""

    slot: tuple[tuple[int, ...], ...]
    """By heat and operation."""
    cast_slot: tuple[int, ...]
    width: int


def suits(problem: SlotProblem) -> bool:
    """Whether the formulation tells the truth of a line: no heat loss, nothing under way."""
    waits = problem.reheat_kwh_per_t_min > 0 and any(heat.reheat is not None for heat in problem.heats)
    begun = any(operation.started_min is not None for heat in problem.heats for operation in heat.operations)
    return not waits and not begun and all(cast.started_min is None for cast in problem.casts)


class Matched:
    """The model of counts by unit with its site.

    Raises:
        ValueError: the line has heat loss or heats in progress.
    """

    def __init__(
        self,
        problem: SlotProblem,
        data: SiteData,
        *,
        units: Units = "each",
        corridor: Corridor | None = None,
    ) -> None:
        """Build the model.

        Args:
            problem: the line.
            data: the site.
            units: ``each`` is exact; ``shortest`` is smaller and bounds, ``longest`` is smaller and shows where a plan
                lies; these two leave longest waits out.
            corridor: restricts the model to the surroundings of a plan, then it bounds nothing.
        """
        if not suits(problem):
            raise ValueError("counts by unit know neither heat loss nor heats in progress")
        self.problem, self.data, self.n, self.units = problem, data, problem.n_slots, units
        groups: dict[tuple, list[int]] = {}
        for h, heat in enumerate(problem.heats):
            if heat.operations:
                groups.setdefault(heat.kind, []).append(h)
        self.groups = list(groups.values())
        self.classes = {
            (g, i): self._classes(g, i) for g in range(len(self.groups)) for i in range(len(self.operations(g)))
        }
        self.model = pyo.ConcreteModel()
        self.possible = True
        """Whether every cast has a place."""
        self._starts(corridor)
        self._casts(corridor)
        if not self.possible:
            return
        self._capacity()
        self._chain()
        self.ports = self._power()

    def operations(self, g: int) -> tuple[Operation, ...]:
        """Operations of a group's heats, which are alike."""
        return self.problem.heats[self.groups[g][0]].operations

    def _classes(self, g: int, i: int) -> list[tuple[int, ...]]:
        """Units of an operation that are counted together, each class under its first unit's name."""
        operation = self.operations(g)[i]
        if self.units == "each":
            return [(u,) for u in operation.units]
        alike: dict[tuple, list[int]] = {}
        others = [o for heat in self.problem.heats for o in heat.operations if o.stage == operation.stage]
        for u in operation.units:
            key = [self.problem.free[u].tobytes()]
            for other in others:
                key.append((other.occupy[u], other.cells[u].tobytes()) if u in other.units else b"")
            alike.setdefault(tuple(key), []).append(u)
        return [tuple(units) for units in alike.values()]

    def _lag(self, table: np.ndarray, which: str, units: tuple[int, ...], own: list[tuple[int, ...]]) -> list[int]:
        """Lags of a column or table by class of sources."""
        shortest = (which == "least") == (self.units != "longest")
        rows = [[units.index(u) for u in members] for members in own]
        return [int(table[r].min() if shortest else table[r].max()) for r in rows]

    def _starts(self, corridor: Corridor | None) -> None:
        m, n, free = self.model, self.n, self.problem.free
        index: list[tuple[int, int, int, int]] = []
        grow: list[tuple[int, int, int, int]] = []
        still: list[tuple[int, int, int, int]] = []
        counted: list[tuple[int, int]] = []
        for g in range(len(self.groups)):
            for i, operation in enumerate(self.operations(g)):
                counted.append((g, i))
                for u, *_ in self.classes[g, i]:
                    for t in range(n):
                        index.append((g, i, u, t))
                        held = free[u, t : t + operation.occupy[u]]
                        open_ = operation.first <= t <= operation.last and held.all()
                        (grow if open_ else still).append((g, i, u, t))
        m.INDEX = pyo.Set(initialize=index, dimen=4)
        m.Y = pyo.Var(m.INDEX, bounds=lambda m, g, i, u, t: (0, len(self.groups[g])), domain=pyo.Integers)
        self.leading = self._leading()
        for g, i, u, t in index:
            if self.operations(g)[i].stage != self.leading:
                m.Y[g, i, u, t].domain = pyo.Reals
        m.GROW = pyo.Set(initialize=[key for key in grow if key[3]], dimen=4)
        m.STILL = pyo.Set(initialize=[key for key in still if key[3]], dimen=4)

        @m.Constraint(m.GROW)
        def grows(m: Any, g: int, i: int, u: int, t: int) -> Any:
            return m.Y[g, i, u, t] >= m.Y[g, i, u, t - 1]

        @m.Constraint(m.STILL)
        def stays(m: Any, g: int, i: int, u: int, t: int) -> Any:
            return m.Y[g, i, u, t] == m.Y[g, i, u, t - 1]

        for g, i, u, _ in (key for key in still if key[3] == 0):
            m.Y[g, i, u, 0].fix(0)
        m.COUNTED = pyo.Set(initialize=counted, dimen=2)

        @m.Constraint(m.COUNTED)
        def every_heat(m: Any, g: int, i: int) -> Any:
            return self._total(g, i, n - 1) == len(self.groups[g])

        near: dict[tuple[int, int, int], tuple[int, int]] = {}
        if corridor is not None:
            for g, group in enumerate(self.groups):
                for i in range(len(self.operations(g))):
                    slots = [corridor.slot[h][i] for h in group]
                    for t in range(n):
                        near[g, i, t] = (
                            sum(s <= t - corridor.width for s in slots),
                            sum(s <= t + corridor.width for s in slots),
                        )
        m.NEAR = pyo.Set(initialize=list(near), dimen=3)

        @m.Constraint(m.NEAR)
        def near_plan(m: Any, g: int, i: int, t: int) -> Any:
            low, high = near[g, i, t]
            return pyo.inequality(low, self._total(g, i, t), high)

    def _leading(self) -> int:
        energy = [0.0] * len(self.problem.stage_units)
        for heat in self.problem.heats:
            for operation in heat.operations:
                energy[operation.stage] += max(float(cells.sum()) for cells in operation.cells.values())
        return int(np.argmax(energy))

    def _total(self, g: int, i: int, t: int) -> Any:
        return pyo.quicksum(self.model.Y[g, i, u, t] for u, *_ in self.classes[g, i])

    def _casts(self, corridor: Corridor | None) -> None:
        m, problem = self.model, self.problem
        options = []
        for c, cast in enumerate(problem.casts):
            for column, u in enumerate(cast.units):
                low, high = cast.first[u], cast.last[u]
                for h in cast.heats:
                    if problem.heats[h].operations:
                        low = max(low, int(problem.heats[h].least[-1][:, column].min()))
                if corridor is not None:
                    at, width = corridor.cast_slot[c], 2 * corridor.width
                    low, high = max(low, at - width), min(high, at + width)
                options += [
                    (c, column, t)
                    for t in range(max(low, 0), high + 1)
                    if problem.free[u, t : min(t + cast.hold[u], self.n)].all()
                ]
        m.OPTION = pyo.Set(initialize=options, dimen=3)
        m.z = pyo.Var(m.OPTION, domain=pyo.Binary)
        of: dict[int, list[tuple[int, int, int]]] = {c: [] for c in range(len(problem.casts))}
        held: dict[tuple[int, int], list[tuple[int, int, int]]] = {}
        for c, column, t in options:
            of[c].append((c, column, t))
            u = problem.casts[c].units[column]
            for q in range(t, min(t + problem.casts[c].hold[u], self.n)):
                held.setdefault((u, q), []).append((c, column, t))
        self.possible = all(of.values())
        if not self.possible:
            return
        m.CAST = pyo.Set(initialize=list(of))
        m.HELD = pyo.Set(initialize=list(held), dimen=2)

        @m.Constraint(m.CAST)
        def cast_once(m: Any, c: int) -> Any:
            return pyo.quicksum(m.z[key] for key in of[c]) == 1

        @m.Constraint(m.HELD)
        def one_cast(m: Any, u: int, q: int) -> Any:
            return pyo.quicksum(m.z[key] for key in held[u, q]) <= 1

    def _capacity(self) -> None:
        m = self.model
        users: dict[int, list[tuple[int, int]]] = {}
        size: dict[int, int] = {}
        for g in range(len(self.groups)):
            for i in range(len(self.operations(g))):
                for u, *others in self.classes[g, i]:
                    users.setdefault(u, []).append((g, i))
                    size[u] = 1 + len(others)
        m.USED = pyo.Set(initialize=[(u, t) for u in users for t in range(self.n)], dimen=2)

        @m.Constraint(m.USED)
        def one_at_a_time(m: Any, u: int, t: int) -> Any:
            row: Row = []
            for g, i in users[u]:
                since = t - self.operations(g)[i].occupy[u]
                row.append((m.Y[g, i, u, t], 1.0))
                if since >= 0:
                    row.append((m.Y[g, i, u, since], -1.0))
            return _linear(row) <= size[u]

    # ---- chain: every start is matched with one of its heat's stage before -----------------------------------

    def _chain(self) -> None:
        m = self.model
        m.taken = pyo.VarList(domain=pyo.NonNegativeReals)
        m.in_time, m.not_too_late, m.taking = pyo.ConstraintList(), pyo.ConstraintList(), pyo.ConstraintList()
        for g in range(len(self.groups)):
            operations = self.operations(g)
            for i in range(len(operations)):
                if i + 1 < len(operations):
                    demands = [self._next(g, i, members) for members in self.classes[g, i + 1]]
                elif self.problem.campaign and self.problem.casts:
                    demands = self._fed(g)
                else:
                    continue
                self._match(g, i, [members[0] for members in self.classes[g, i]], demands)

    def _next(self, g: int, i: int, members: tuple[int, ...]) -> Demand:
        heat = self.problem.heats[self.groups[g][0]]
        units, own = heat.operations[i].units, self.classes[g, i]
        columns = [heat.operations[i + 1].units.index(u) for u in members]
        tables = heat.least[i][:, columns], np.maximum(heat.most[i], heat.least[i])[:, columns]
        least, most = self._lag(tables[0], "least", units, own), self._lag(tables[1], "most", units, own)
        lag = min(least)
        return Demand(
            tuple(x - lag for x in least),
            lambda t: self._count((g, i + 1, members[0]), t + lag),
            max(max(most) - lag, 0),
            lag,
        )

    def _fed(self, g: int) -> list[Demand]:
        """What the casts take of a group: an option of a cast sets a deadline for each of its heats."""
        m, problem, n = self.model, self.problem, self.n
        cast_of = problem.cast_of()
        terms: dict[tuple[int, ...], dict[int, list[Any]]] = {}
        spans: dict[tuple[int, ...], int] = {}
        by_cast: dict[int, list[tuple[int, int]]] = {}
        for c, column, t in m.OPTION:
            by_cast.setdefault(c, []).append((column, t))
        for h in self.groups[g]:
            heat, (c, _) = problem.heats[h], cast_of[h]
            for column, t in by_cast.get(c, ()):
                units, own = heat.operations[-1].units, self.classes[g, len(heat.operations) - 1]
                least = self._lag(heat.least[-1][:, column], "least", units, own)
                most = self._lag(np.maximum(heat.most[-1], heat.least[-1])[:, column], "most", units, own)
                lag = min(least)
                kind = tuple(x - lag for x in least)
                if t < lag:
                    m.z[c, column, t].fix(0)
                    continue
                spans[kind] = max(spans.get(kind, 0), max(most) - lag)
                terms.setdefault(kind, {}).setdefault(t - lag, []).append(m.z[c, column, t])
        found = []
        for kind, by_slot in terms.items():
            counts: list[Any] = []
            for t in range(n):
                now = m.taken.add()
                now.setub(len(self.groups[g]))
                before = counts[-1] if counts else 0
                m.taking.add(now - before - pyo.quicksum(by_slot.get(t, ())) == 0)
                counts.append(now)
            found.append(
                Demand(kind, lambda t, counts=counts: 0 if t < 0 else counts[min(t, n - 1)], spans[kind])  # type: ignore[misc]
            )
        return found

    def _count(self, key: tuple[int, int, int], t: int) -> Any:
        return 0 if t < 0 else self.model.Y[(*key, min(t, self.n - 1))]

    def _match(self, g: int, i: int, units: list[int], demands: list[Demand]) -> None:
        m, n = self.model, self.n
        for reach, deadline in patterns([demand.earlier for demand in demands]):
            for t in range(-max(demand.ahead for demand in demands), n + max(0, -min(deadline))):
                row: Row = [(demand.count(t + d), 1.0) for demand, d in zip(demands, deadline, strict=True)]
                if all(isinstance(count, int) for count, _ in row):
                    continue
                row += [(self._count((g, i, u), t + r), -1.0) for u, r in zip(units, reach, strict=True)]
                m.in_time.add(_linear(row) <= 0)
        if self.units != "each":
            return  # pooled units only show the way or bound: without the rows that seldom bind they do so much sooner
        for t in range(n):
            if all(t + demand.most >= n - 1 for demand in demands):
                break
            row = [(demand.count(t + demand.most), 1.0) for demand in demands]
            m.not_too_late.add(_linear([*row, *((self.model.Y[g, i, u, t], -1.0) for u in units)]) >= 0)

    # ---- power and site --------------------------------------------------------------------------------------

    def _power(self) -> Ports:
        m, problem = self.model, self.problem
        per, terms = problem.cells_per_slot, [[] for _ in range(problem.n_cells)]  # type: ignore[var-annotated]
        for g in range(len(self.groups)):
            for i, operation in enumerate(self.operations(g)):
                for u, *_ in self.classes[g, i]:
                    steps = np.append(operation.cells[u], np.zeros(per))
                    steps[per:] -= operation.cells[u]
                    for t in range(self.n):
                        for k, factor in enumerate(steps[: problem.n_cells - t * per].tolist()):
                            if factor:
                                terms[t * per + k].append((m.Y[g, i, u, t], factor))
        for c, column, t in m.OPTION:
            cells = problem.casts[c].cells[problem.casts[c].units[column]]
            for k, energy in enumerate(cells[: problem.n_cells - t * per].tolist()):
                if energy:
                    terms[t * per + k].append((m.z[c, column, t], energy))
        if self.data.plain and not np.isfinite(self.data.limit_mwh()):
            return self._priced(terms)
        m.C = pyo.RangeSet(0, problem.n_cells - 1)
        m.line = pyo.Var(m.C, domain=pyo.NonNegativeReals)

        @m.Constraint(m.C)
        def line_energy(m: Any, c: int) -> Any:
            return m.line[c] == _linear(terms[c]) + float(problem.fixed_cells[c])

        m.site = pyo.Block()
        return site_model.add(
            m.site, self.data, lambda c: m.line[c], lambda t: sum(m.line[t * per + k] for k in range(per))
        )

    def _priced(self, terms: list[Row]) -> Ports:
        """Where nothing is to decide on the site, worth lies on the starts themselves: the smallest model."""
        data, per = self.data, self.problem.cells_per_slot
        rest = self.problem.on_slots(self.problem.fixed_cells) + data.base - data.pv

        def worth(weight: np.ndarray) -> Any:
            sums: dict[int, list[Any]] = {}
            for c, row in enumerate(terms):
                for var, factor in row:
                    entry = sums.setdefault(id(var), [var, 0.0])
                    entry[1] += factor * float(weight[c // per])
            return _linear([(var, factor) for var, factor in sums.values() if factor]) + float(weight @ rest)

        return Ports(carbon=worth(data.carbon), cost=worth(data.price), full_cost=worth(data.full_price))


def _linear(row: Row) -> Any:
    """A linear expression in one piece, which Pyomo builds and compiles fast."""
    constant, coefficients, variables = 0.0, [], []
    for var, factor in row:
        if isinstance(var, int | float):
            constant += var * factor
        else:
            coefficients.append(factor)
            variables.append(var)
    return LinearExpression(constant=constant, linear_coefs=coefficients, linear_vars=variables)
