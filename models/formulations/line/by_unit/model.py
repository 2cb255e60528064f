"""Counts by unit with exact matching: transfer times of every pair of units without naming single heats.

``Y[g, i, u, t]`` is the number of heats of group g that have started operation i on unit u by slot t. Individual heats
are not assigned: a start at (v, t) can follow a start at (u, s) if s ≤ t − least(u, v), and by Hall's theorem every
start has a predecessor of its own if and only if, for all slots R_u,

    Σ_v starts on v that need no source later than R  ≤  Σ_u Y_u(R_u).

Only the sets that no other set dominates are written (``models.formulations.line.by_unit.succession_cuts``): for two
units with a short and a long transfer, three rows per slot. Longest waits are kept in total only, so that the model is
a relaxation and its optimum bounds every plan; if its solution can also be matched with the longest waits, it is an
optimal plan. Casts are binaries by caster and start slot, as in ``models.formulations.line.pooled.model``.

Matching converts counts to a plan, last stage first (``read``). The formulation is for lines without heat loss while
waiting and without heats in progress.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line import load
from emberline.models.formulations.line.by_unit import succession_cuts
from emberline.models.formulations.line.by_unit.succession_cuts import Groups, Units, matching
from emberline.models.formulations.line.load import Draws
from emberline.models.formulations.site import balance as site_model
from emberline.models.formulations.site.balance import Ports
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, fixed, hold, limit, support, values
from emberline.models.kernel.banded_rows import Terms, banded
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.aggregation import leading_stage
from emberline.models.problem.assignment import Starts
from emberline.models.problem.line import SlotProblem, runs
from emberline.models.problem.site import SiteData

Key = tuple[int, ...]


@dataclass(frozen=True)
class Corridor:
    """Slots around a plan that a search may use."""

    slot: tuple[tuple[int, ...], ...]
    """Start slots by heat and operation."""
    cast_slot: tuple[int, ...]
    width: int


def suits(problem: SlotProblem) -> bool:
    """Return whether the formulation is exact for a line: no heat loss, no work in progress."""
    waits = problem.reheat_kwh_per_t_min > 0 and any(heat.reheat is not None for heat in problem.heats)
    return not waits and problem.untouched


class Matched(Groups):
    """Model of counts by unit with its site.

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
            units: ``each`` is exact; ``shortest`` is smaller and gives a bound, ``longest`` is smaller and shows where
                a plan lies; the latter two ignore longest waits.
            corridor: restricts the model to the surroundings of a plan; it then gives no bound.
        """
        if not suits(problem):
            raise ValueError("counts by unit support neither heat loss nor heats in progress")
        super().__init__(problem, units)
        self.data = data
        self.model = pyo.ConcreteModel()
        self.possible = True
        """Whether every cast has a place."""
        self._starts(corridor)
        self._casts(corridor)
        if not self.possible:
            return
        self._capacity()
        succession_cuts.add(self.model, self, self.options)
        self.ports = self._power()

    def _starts(self, corridor: Corridor | None) -> None:
        m, n = self.model, self.n
        slots = np.arange(n)
        counted = [(g, i, u) for (g, i), classes in self.classes.items() for u, *_ in classes]
        may = {(g, i, u): self.problem.start_slots(self.operations(g)[i], u) for g, i, u in counted}
        m.INDEX = pyo.Set(initialize=[(*key, t) for key in counted for t in range(n)], dimen=4)
        m.Y = Variable(m.INDEX, bounds=(0, None))
        limit(m.Y, upper=np.repeat([float(len(self.groups[g])) for g, _, _ in counted], n))
        self.leading = leading_stage(self.problem)
        m.Y.ask_whole(np.repeat([self.operations(g)[i].stage == self.leading for g, i, _ in counted], n))
        never = np.array([not may[key][0] for key in counted], dtype=bool)
        m.Y.fix_some((never[:, None] & (slots == 0)).ravel(), 0.0)
        grow, still = (
            [(*key, t) for key in counted for t in (1 + np.flatnonzero(may[key][1:] == which)).tolist()]
            for which in (True, False)
        )
        m.GROW, m.STILL = pyo.Set(initialize=grow, dimen=4), pyo.Set(initialize=still, dimen=4)
        m.grows = Rows(m.GROW, rule=lambda m, g, i, u, t: m.Y[g, i, u, t] >= m.Y[g, i, u, t - 1])
        m.stays = Rows(m.STILL, rule=lambda m, g, i, u, t: m.Y[g, i, u, t] == m.Y[g, i, u, t - 1])
        m.COUNTED = pyo.Set(initialize=list(self.classes), dimen=2)
        members = {key: [u for u, *_ in classes] for key, classes in self.classes.items()}
        m.ON = Members(members, dimen=1)
        m.heats = Series(m.COUNTED, values=np.array([len(self.groups[g]) for g, _ in self.classes]))

        @constraint(m, m.COUNTED)
        def every_heat(m: Any, g: int, i: int) -> Any:
            return total(m.Y[g, i, u, n - 1] for u in each(m.ON[g, i])) == m.heats[g, i]

        if corridor is not None:
            self._near(corridor)

    def _near(self, corridor: Corridor) -> None:
        """Keep the counts between those of a plan some slots earlier and some slots later."""
        m, slots = self.model, np.arange(self.n)
        low: list[np.ndarray] = [np.zeros(0)]
        high: list[np.ndarray] = [np.zeros(0)]
        for g, i in self.classes:
            starts = np.sort([corridor.slot[h][i] for h in self.groups[g]])
            low.append(np.searchsorted(starts, slots - corridor.width, side="right"))
            high.append(np.searchsorted(starts, slots + corridor.width, side="right"))
        m.T = pyo.RangeSet(0, self.n - 1)
        m.low, m.high = (Series(m.COUNTED, m.T, values=np.concatenate(parts)) for parts in (low, high))

        @constraint(m, m.COUNTED, m.T)
        def near_plan(m: Any, g: int, i: int, t: int) -> Any:
            return pyo.inequality(m.low[g, i, t], total(m.Y[g, i, u, t] for u in each(m.ON[g, i])), m.high[g, i, t])

    def _casts(self, corridor: Corridor | None) -> None:
        m, problem = self.model, self.problem
        self.options: dict[tuple[int, int], list[int]] = {}
        """Slots in which a cast may start on a caster."""
        for c, cast in enumerate(problem.casts):
            for column, u in enumerate(cast.units):
                low, high = 0, self.n
                for h in cast.heats:
                    if problem.heats[h].operations:
                        low = max(low, int(problem.heats[h].least[-1][:, column].min()))
                if corridor is not None:
                    at, width = corridor.cast_slot[c], 2 * corridor.width
                    low, high = max(low, at - width), min(high, at + width)
                open_ = np.flatnonzero(problem.start_slots(cast, u))
                self.options[c, column] = open_[(open_ >= low) & (open_ <= high)].tolist()
        m.OPTION = pyo.Set(initialize=[(*key, t) for key, slots in self.options.items() for t in slots], dimen=3)
        m.z = Variable(m.OPTION, domain=pyo.Binary)
        places: dict[int, list[tuple[int, int]]] = {c: [] for c in range(len(problem.casts))}
        for (c, column), slots in self.options.items():
            places[c] += [(column, t) for t in slots]
        self.possible = all(places.values())
        if not self.possible:
            return
        m.CAST = pyo.Set(initialize=list(places), dimen=1)
        m.PLACE = Members(places, dimen=2)
        m.cast_once = Rows(m.CAST, rule=lambda m, c: total(m.z[c, column, t] for column, t in each(m.PLACE[c])) == 1)
        holds = Terms(self.n, 3)
        for (c, column), slots in self.options.items():
            u = problem.casts[c].units[column]
            for lag in range(problem.casts[c].occupy[u]):
                holds.lagged((u,), (c, column), lag, 1, runs(slots))

        @banded(m, {row: range(self.n) for row in holds.of}, (m.z, holds), empty=False)
        def one_cast(m: Any, casting: Any, u: int, t: int) -> Any:
            return casting <= 1

    def _capacity(self) -> None:
        m, uses = self.model, Terms(self.n, 4)
        size: dict[int, int] = {}
        for (g, i), classes in self.classes.items():
            for u, *others in classes:
                size[u] = 1 + len(others)
                uses.lagged((u,), (g, i, u), 0, 1)
                uses.lagged((u,), (g, i, u), self.operations(g)[i].occupy[u], -1)
        m.UNIT = pyo.Set(initialize=list(size), dimen=1)
        m.size = Series(m.UNIT, values=np.array(list(size.values())))

        @banded(m, {row: range(self.n) for row in uses.of}, (m.Y, uses))
        def one_at_a_time(m: Any, used: Any, u: int, t: int) -> Any:
            return used <= m.size[u]

    # ---- power and site --------------------------------------------------------------------------------------

    def _power(self) -> Ports:
        m, problem, per = self.model, self.problem, self.problem.cells_per_slot
        starts, casts = Draws(problem, m.Y, 4), Draws(problem, m.z, 3)
        steps: dict[Key, np.ndarray] = {
            (g, i, u): np.pad(operation.cells[u], (0, per)) - np.pad(operation.cells[u], (per, 0))
            for (g, i), classes in self.classes.items()
            for operation in [self.operations(g)[i]]
            for u, *_ in classes
        }
        cells = {(c, k): problem.casts[c].cells[problem.casts[c].units[k]] for c, k in self.options}
        if self.data.plain and not np.isfinite(self.data.limit_mwh()):
            return self._priced(steps, cells)
        for key, change in steps.items():
            starts.add_energies(key, change)
        for place, energy in cells.items():
            casts.add_energies(place, energy, runs=runs(self.options[place]))
        load.add(m, problem, [starts, casts])
        m.site = pyo.Block()
        return site_model.add(m.site, self.data, *site_model.of_cells(m.line, per))

    def _priced(self, steps: dict[Key, np.ndarray], cells: dict[tuple[int, int], np.ndarray]) -> Ports:
        """Price the starts directly if the site has nothing to decide, which gives the smallest model."""
        m, data, per = self.model, self.data, self.problem.cells_per_slot
        remaining = self.problem.on_steps(self.problem.fixed_cells) + data.base - data.pv
        by_port = data.per_mwh

        def worth_of(energy: np.ndarray, weight: np.ndarray) -> np.ndarray:
            """Return the value of a start in each slot, shape (n_slots,), without the part beyond the horizon."""
            later = np.concatenate([np.repeat(weight, per), np.zeros(len(energy))])
            return np.correlate(later, energy)[: self.n * per : per]

        m.PORT = pyo.Set(initialize=list(by_port))
        of_starts, of_casts = [np.zeros(0)], [np.zeros(0)]
        for weight in by_port.values():
            of_starts += [worth_of(change, weight) for change in steps.values()]
            of_casts += [worth_of(cells[key], weight)[slots] for key, slots in self.options.items()]
        m.worth = Series(m.PORT, m.INDEX, values=np.concatenate(of_starts))
        m.cast_worth = Series(m.PORT, m.OPTION, values=np.concatenate(of_casts))

        def worth(port: str) -> Any:
            starts = total(m.worth[port, g, i, u, t] * m.Y[g, i, u, t] for g, i, u, t in each(m.INDEX))
            casts = total(m.cast_worth[port, c, k, t] * m.z[c, k, t] for c, k, t in each(m.OPTION))
            return starts + casts + float(by_port[port] @ remaining)

        return Ports(worth)


def around(formulation: Matched, width: int) -> Corridor | None:
    """Return the corridor around the counts, with heats disaggregated first in, first out."""
    slot: list[list[int]] = [[0] * len(heat.operations) for heat in formulation.problem.heats]
    counts = _counts(formulation)
    for g, group in enumerate(formulation.groups):
        for i in range(len(formulation.operations(g))):
            total = np.rint(sum(counts[g, i, u] for u, *_ in formulation.classes[g, i])).astype(int).tolist()
            for k, h in enumerate(group):
                slot[h][i] = next((t for t, count in enumerate(total) if count > k), formulation.n - 1)
    casts = {c: t for c, _, t in support(formulation.model.z)}
    if len(casts) < len(formulation.problem.casts):
        return None
    return Corridor(tuple(map(tuple, slot)), tuple(casts[c] for c in range(len(casts))), width)


def begin(formulation: Matched, starts: Starts) -> None:
    """Set the variables to a plan as a start; every unit must be counted separately."""
    m = formulation.model
    place: dict[tuple[int, int, int], list[int]] = {}
    for g, group in enumerate(formulation.groups):
        for h in group:
            for i, (u, t) in enumerate(zip(starts.unit[h], starts.slot[h], strict=True)):
                place.setdefault((g, i, u), []).append(t)
    value = [sum(s <= t for s in place.get((g, i, u), ())) for g, i, u, t in m.INDEX]
    hold(m.Y, np.array(value, dtype=float), ~fixed(m.Y))
    casts = formulation.problem.casts
    at = [starts.place((-1, c)) == (casts[c].units[k], t) for c, k, t in m.OPTION]
    m.z.write("value", np.array(at, dtype=float))


def read(formulation: Matched) -> Starts | None:
    """Convert the counts to a plan; None if longest waits or fractions leave a start unmatched."""
    problem, counts = formulation.problem, _counts(formulation)
    casts = {c: (column, t) for c, column, t in support(formulation.model.z)}
    cast_of = problem.cast_of()
    places = {(-1, c): (problem.casts[c].units[column], t) for c, (column, t) in casts.items()}
    for g, group in enumerate(formulation.groups):
        operations = formulation.operations(g)
        for i in range(len(operations) - 1, -1, -1):
            supply = _placed({u: counts[g, i, u] for u in operations[i].units})
            if len(supply) != len(group):
                return None
            able = []
            for h in group:
                heat = problem.heats[h]
                least, most = heat.least, heat.most
                if i == len(operations) - 1:
                    if h not in cast_of:
                        able.append(list(range(len(supply))))
                        continue
                    column, at = casts[cast_of[h][0]]
                else:
                    unit, at = places[h, i + 1]
                    column = operations[i + 1].units.index(unit)
                lags = [(operations[i].units.index(u), at - t) for u, t in supply]
                able.append(
                    [k for k, (row, lag) in enumerate(lags) if least[i][row, column] <= lag <= most[i][row, column]]
                )
            match = matching(able)
            if match is None:
                return None
            places |= {(h, i): supply[k] for h, k in zip(group, match, strict=True)}
    return Starts.of(problem, places)


def _counts(formulation: Matched) -> dict[tuple[int, int, int], np.ndarray]:
    """Return the counts by group, operation and unit, shape (n,) each."""
    values_of = np.nan_to_num(values(formulation.model.Y), nan=0.0).reshape(-1, formulation.n)
    keys = [(g, i, u) for (g, i), classes in formulation.classes.items() for u, *_ in classes]
    return dict(zip(keys, values_of, strict=True))


def _placed(counts: dict[int, np.ndarray]) -> list[tuple[int, int]]:
    """Return the unit and slot of each start in order of time; empty if a count is fractional."""
    places: list[tuple[int, int]] = []
    for u, values_of in counts.items():
        whole = np.rint(values_of)
        if (np.abs(values_of - whole) > 1e-4).any():
            return []
        more = np.diff(whole, prepend=0.0).astype(int)
        places += [(u, t) for t in np.flatnonzero(more > 0).tolist() for _ in range(more[t])]
    return sorted(places, key=lambda place: place[1])
