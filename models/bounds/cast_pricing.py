"""Cheapest route of every cast at prices of units: the minimum cost of starting it on a caster in a slot.

Units of a stage are pooled and lags are the shortest of any two units, so that no cost is higher than in a plan. The
starts of a heat at all stages before its cast are computed by dynamic programming over slots. Up to the stage that
reheats, the state is the slot and the time since the heat began, because its heat loss is replaced there at that time.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from emberline.models.problem import cost_curves
from emberline.models.problem.line import Heat, Operation, SlotProblem, even_cells
from emberline.scenarios import effort

WIDEST = 100
"""Largest difference in slots between the shortest and the longest route of a heat to its reheating."""


PER_HEAT = 5e-5
"""Work per heat for its starts."""


@dataclass(frozen=True)
class Use:
    """Occupation of a unit of a resource."""

    resource: int
    """Index of a stage; indices from that of the casting stage on denote casters."""
    slot: int
    slots: int
    unit: int
    """The unit itself, one of several identical ones."""


@dataclass(frozen=True)
class CastColumn:
    """A cast with all starts of its heats."""

    kind: int
    column: int
    slot: int
    uses: tuple[Use, ...]
    worth: tuple[float, ...] = field(compare=False)
    """Value of its energy by each of the weights."""


def useful(problem: SlotProblem) -> bool:
    """Return whether no heat has started, all belong to casts, and routes are short enough for the tables."""
    if not problem.casts or len(problem.cast_of()) < len(problem.heats):
        return False
    if any(cast.started_min is not None or not cast.units for cast in problem.casts):
        return False
    for heat in problem.heats:
        if not heat.operations or any(o.started_min is not None or not o.units for o in heat.operations):
            return False
        spans = [int(m.max() - n.min()) for m, n in zip(heat.most, heat.least, strict=True)]
        if problem.reheat_kwh_per_t_min and sum(spans[: heat.reheat or 0]) > WIDEST:
            return False
    return True


def exact_reheating(problem: SlotProblem) -> bool:
    """Return whether a heat takes equally long on all units up to its reheating, so that its loss is exact."""
    return all(
        len(set(operation.minutes.values())) == 1
        for heat in problem.heats
        for operation in heat.operations[: heat.reheat or 0]
    )


class PricingTables:
    """Cost curves of all casts, computed for each set of prices."""

    def __init__(self, problem: SlotProblem, weights: np.ndarray) -> None:
        """Compute all that does not depend on prices.

        Args:
            problem: the line, for which ``useful`` must be true.
            weights: value of a MWh by slot, one row for the goal and one for each cap, shape (n_weights, n_slots).
        """
        self.problem, self.n = problem, problem.n_slots
        self.casters = problem.stage_units[-1]
        self.first_caster = len(problem.stage_units) - 1
        self.capacity = self._capacity()
        kinds: dict[tuple, int] = {}
        self._kind = [kinds.setdefault(heat.kind, len(kinds)) for heat in problem.heats]
        self.heats: list[Heat] = [problem.heats[self._kind.index(k)] for k in range(len(kinds))]
        self._units = {
            (k, i): self._unlike(o) for k, heat in enumerate(self.heats) for i, o in enumerate(heat.operations)
        }
        self._shut = {
            (k, i, u): ~problem.start_slots(self.heats[k].operations[i], u)
            for (k, i), units in self._units.items()
            for u in units
        }
        alike: dict[tuple, int] = {}
        self.kind = []
        """Kind of each cast; casts of a kind differ only in their latest starts."""
        for cast in problem.casts:
            key = tuple(
                (u, cast.first[u], cast.occupy[u], cast.cells[u].tobytes(), cast.offsets[u].tobytes())
                for u in cast.units
            )
            self.kind.append(alike.setdefault((key, tuple(self._kind[h] for h in cast.heats)), len(alike)))
        self.members = [[c for c, kind in enumerate(self.kind) if kind == k] for k in range(len(alike))]
        self.weigh(np.repeat(weights, problem.cells_per_slot, axis=1))

    def weigh(self, cells: np.ndarray, credit: np.ndarray | None = None) -> None:
        """Set the value of energy.

        Args:
            cells: value of a MWh by cell, shape (n_weights, n_cells).
            credit: reduction of this value by the carriers delivered with a MWh, by stage, shape (n_stages, n_cells);
                reheating delivers none.
        """
        problem = self.problem
        by_stage = [cells if credit is None else cells - credit[s] for s in range(len(problem.stage_units))]

        def energy(stage: int, profile: np.ndarray) -> np.ndarray:
            return cost_curves.energy(problem, profile, by_stage[stage])

        self._energy = {
            (k, i, u): energy(operation.stage, operation.cells[u])
            for (k, i, u), operation in ((key, self.heats[key[0]].operations[key[1]]) for key in self._shut)
        }
        self._slope = [self._lost(heat, cells) for heat in self.heats]
        self._casting = {
            (k, u): energy(self.first_caster, problem.casts[casts[0]].cells[u])
            for k, casts in enumerate(self.members)
            for u in problem.casts[casts[0]].units
        }

    def _capacity(self) -> np.ndarray:
        """Return the number of units of each resource that work can occupy, by slot, shape (n_resources, n_slots)."""
        problem = self.problem
        works: dict[int, set[tuple[int, float]]] = {u: set() for u in range(len(problem.units))}
        for _, work in problem.works():
            for u in work.units:
                works[u].add((work.occupy[u], work.planned[u]))
        open_ = problem.free.copy()
        for u in problem.outages:
            open_[u] &= np.any([problem.could_hold(u, *work) for work in works[u]] or [open_[u]], axis=0)
        stages = [open_[list(units)].sum(axis=0) for units in problem.stage_units[:-1]]
        return np.array([*stages, *(open_[u] for u in self.casters)], dtype=float)

    def _unlike(self, operation: Operation) -> list[int]:
        """Return one of each group of identical units of an operation."""
        unit_by_kind: dict[tuple, int] = {}
        for u in operation.units:
            open_ = self.problem.may_start(u, operation.occupy[u], operation.planned[u])
            unit_by_kind.setdefault((operation.occupy[u], operation.cells[u].tobytes(), open_.tobytes()), u)
        return list(unit_by_kind.values())

    def _lost(self, heat: Heat, cells: np.ndarray) -> np.ndarray:
        """Return the value of the heat lost in a minute, by the slot of its replacement, shape (n_weights, n_slots)."""
        if heat.reheat is None or not self.problem.reheat_kwh_per_t_min:
            return np.zeros((len(cells), self.n))
        mwh = self.problem.reheat_kwh_per_t_min / 1000 * heat.mass_t
        minutes = set(heat.operations[heat.reheat].minutes.values())
        spread = [cost_curves.energy(self.problem, mwh * even_cells(self.problem, span), cells) for span in minutes]
        return np.min(spread, axis=0)

    # ---- curves under prices --------------------------------------------------------------------------------------

    def price(self, prices: np.ndarray, mix: np.ndarray) -> None:
        """Compute the minimum cost of each cast.

        Args:
            prices: price of a unit of each resource in each slot, shape (n_resources, n_slots).
            mix: factor of each of the weights, shape (n_weights,).
        """
        self._prices, self._mix = prices, mix
        self._hold_costs: dict[tuple[int, int], np.ndarray] = {}
        self._starts = {key: self._starts_on(*key) for key in self._shut}
        self._tables = [self._tables_of(k, heat) for k, heat in enumerate(self.heats)]
        """Cost so far by heat and operation: by slots since the heat began and start slot, or by start slot only."""
        feeding: dict[tuple[int, int, int], np.ndarray] = {}
        self.curves: dict[tuple[int, int], np.ndarray] = {}
        """Cost by start slot, shape (n_slots,), by kind of cast and column of its casters."""
        for kind, casts in enumerate(self.members):
            cast = self.problem.casts[casts[0]]
            for column, u in enumerate(cast.units):
                curve = mix @ self._casting[kind, u] + self._holding(self._caster(u), cast.occupy[u])
                for h in cast.heats:
                    key = (self._kind[h], *self._to_cast(h, column))
                    if key not in feeding:
                        feeding[key] = cost_curves.best_before(self._tables[key[0]][-1], *key[1:])
                    curve = curve + feeding[key]
                shut = ~self.problem.may_start(u, cast.occupy[u], cast.planned[u])
                shut[: max(cast.first[u], 0)] = True
                self.curves[kind, column] = np.where(shut, np.inf, curve)

    def _caster(self, u: int) -> int:
        return self.first_caster + self.casters.index(u)

    def _holding(self, resource: int, slots: int) -> np.ndarray:
        key = (resource, slots)
        if key not in self._hold_costs:
            self._hold_costs[key] = cost_curves.holding(self._prices[resource], slots)
        return self._hold_costs[key]

    def _starts_on(self, k: int, i: int, u: int) -> np.ndarray:
        """Return the cost of starting an operation on a unit, by slot."""
        operation = self.heats[k].operations[i]
        curve = self._mix @ self._energy[k, i, u] + self._holding(operation.stage, operation.occupy[u])
        curve[self._shut[k, i, u]] = np.inf
        return curve

    def _lag(self, k: int, i: int) -> tuple[int, int]:
        least, most = self.heats[k].least[i], self.heats[k].most[i]
        return int(least.min()), int(most.max())

    def _to_cast(self, h: int, column: int) -> tuple[int, int]:
        least, most = self.problem.heats[h].least[-1][:, column], self.problem.heats[h].most[-1][:, column]
        return int(least.min()), int(most.max())

    def _tables_of(self, k: int, heat: Heat) -> list[np.ndarray]:
        start_costs = [
            np.min([self._starts[k, i, u] for u in self._units[k, i]], axis=0) for i in range(len(heat.operations))
        ]
        reheat = heat.reheat if self.problem.reheat_kwh_per_t_min else None
        tables = [start_costs[0][None, :] if reheat else start_costs[0]]
        for i in range(1, len(start_costs)):
            least, most = self._lag(k, i - 1)
            before = tables[-1]
            if reheat is None or i > reheat:
                tables.append(cost_curves.best_before(before, least, most) + start_costs[i])
                continue
            rows = len(before)
            table = np.full((rows + most - least, self.n), np.inf)
            for lag in range(least, min(most, self.n - 1) + 1):
                place = table[lag - least : lag - least + rows, lag:]
                np.minimum(place, before[:, : self.n - lag], out=place)
            table += start_costs[i]
            tables.append((table + self._waiting(k, len(table))).min(axis=0) if i == reheat else table)
        return tables

    def _waiting(self, k: int, rows: int) -> np.ndarray:
        """Return the cost of a heat's losses, by slots since it began and start of reheating, shape (rows, n_slots)."""
        heat = self.heats[k]
        assert heat.reheat is not None
        least = sum(self._lag(k, i)[0] for i in range(heat.reheat))
        minutes = (least + np.arange(rows)) * self.problem.step_min - heat.lossless_min(0, heat.reheat, slowest=True)
        return np.maximum(minutes, 0.0)[:, None] * (self._mix @ self._slope[k])[None, :]

    # ---- the best casts -------------------------------------------------------------------------------------------

    def best(self) -> tuple[float, list[tuple[int, int]]]:
        """Return the minimum cost of all casts, each on its own, and their places; infinite if infeasible."""
        total, places = 0.0, []
        for c, cast in enumerate(self.problem.casts):
            choice = (math.inf, 0, 0)
            for column, u in enumerate(cast.units):
                low, high = max(cast.first[u], 0), cast.last[u]
                part = self.curves[self.kind[c], column][low : max(high + 1, low)]
                if len(part):
                    choice = min(choice, (float(part.min()), column, low + int(part.argmin())))
            total += choice[0]
            places.append(choice[1:])
        return total, places

    def cast_column(self, kind: int, column: int, slot: int) -> CastColumn:
        """Return the starts that belong to a finite point of a cast's curve."""
        cast = self.problem.casts[self.members[kind][0]]
        effort.spend(PER_HEAT * len(cast.heats))
        u = cast.units[column]
        uses = [Use(self._caster(u), slot, cast.occupy[u], u)]
        worth = self._casting[kind, u][:, slot].copy()
        for h in cast.heats:
            k, (least, most) = self._kind[h], self._to_cast(h, column)
            low, high = max(slot - most, 0), min(slot - least, self.n - 1)
            at = low + int(self._tables[k][-1][low : high + 1].argmin())
            slots = self._back(k, at)
            heat = self.heats[k]
            for i, t in enumerate(slots):
                operation = heat.operations[i]
                _, on = min((float(self._starts[k, i, u][t]), u) for u in self._units[k, i])
                uses.append(Use(operation.stage, t, operation.occupy[on], on))
                worth += self._energy[k, i, on][:, t]
            if heat.reheat:
                passed = (slots[heat.reheat] - slots[0]) * self.problem.step_min
                lost = max(passed - heat.lossless_min(0, heat.reheat, slowest=True), 0.0)
                worth += lost * self._slope[k][:, slots[heat.reheat]]
        return CastColumn(kind, column, slot, tuple(uses), tuple(worth.tolist()))

    def load(self, cast_column: CastColumn) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Return the draw of a cast by cell [MWh], and its deliveries of other carriers by slot."""
        problem, cast = self.problem, self.problem.casts[self.members[cast_column.kind][0]]
        stages, reheated = np.zeros((len(problem.stage_units), problem.n_cells)), np.zeros(problem.n_cells)
        places = iter(cast_column.uses)
        caster = next(places)
        problem.draw(stages[self.first_caster], caster.slot, cast.cells[caster.unit])
        for h in cast.heats:
            heat = problem.heats[h]
            starts = [next(places) for _ in heat.operations]
            for operation, start in zip(heat.operations, starts, strict=True):
                problem.draw(stages[operation.stage], start.slot, operation.cells[start.unit])
            if heat.reheat and problem.reheat_kwh_per_t_min:
                at = starts[heat.reheat]
                passed = (at.slot - starts[0].slot) * problem.step_min
                lost = max(passed - heat.lossless_min(0, heat.reheat, slowest=True), 0.0)
                mwh = problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * lost
                minutes = heat.operations[heat.reheat].minutes[at.unit]
                problem.draw(reheated, at.slot, mwh * even_cells(problem, minutes))
        gives = {carrier: problem.on_steps(weight @ stages) for carrier, weight in problem.gives.items()}
        return stages.sum(axis=0) + reheated, gives

    def _back(self, k: int, at: int) -> list[int]:
        """Return the start slots of a heat whose last operation starts in a given slot."""
        heat, tables = self.heats[k], self._tables[k]
        slots = [at]
        reheat = heat.reheat if self.problem.reheat_kwh_per_t_min else None
        row = 0
        for i in range(len(heat.operations) - 1, 0, -1):
            least, most = self._lag(k, i - 1)
            lags = np.arange(least, min(most, slots[0]) + 1)
            if reheat is None or i > reheat:
                lag = int(lags[tables[i - 1][slots[0] - lags].argmin()])
            elif i == reheat:
                rows = np.arange(len(tables[i - 1]))
                passed = rows[:, None] + lags[None, :] - least
                wait = self._waiting(k, int(passed.max()) + 1)[:, slots[0]]
                cost = tables[i - 1][rows[:, None], slots[0] - lags[None, :]] + wait[passed]
                row, place = divmod(int(cost.argmin()), len(lags))
                lag = int(lags[place])
            else:
                rows = row - (lags - least)
                fits = (rows >= 0) & (rows < len(tables[i - 1]))
                cost = np.where(fits, tables[i - 1][np.where(fits, rows, 0), slots[0] - lags], np.inf)
                place = int(cost.argmin())
                lag, row = int(lags[place]), int(rows[place])
            slots.insert(0, slots[0] - lag)
        return slots
