"""Lines of one stage to the minute: heats in a sequence with changeovers, or heats that each have their unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from emberline.scenarios import Case
from emberline.scenarios.assets.base import of
from emberline.scenarios.assets.trade import Supply
from emberline.scenarios.line.tables import LineShop, shop

LEEWAY = 1e-9
"""Share of the limit on an interval that counts as nothing."""


@dataclass(frozen=True)
class Sequence:
    """Heats that follow each other on one unit; indices are those of the scenario's heats."""

    unit: str
    length: np.ndarray
    """Minutes of each heat, shape (n,)."""
    due: np.ndarray
    lag: np.ndarray
    """From the start of one heat to the start of the next [min], shape (n, n)."""
    cost: np.ndarray
    """Of what the changeover takes, shape (n, n)."""
    own_cost: float
    """Of what the heats take, in any order."""

    def start_min(self, orders: np.ndarray) -> np.ndarray:
        """Start of each place of orders, shape (..., n)."""
        steps = self.lag[orders[..., :-1], orders[..., 1:]]
        return np.concatenate([np.zeros((*orders.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)

    def tardiness_min(self, orders: np.ndarray) -> np.ndarray:
        """Total tardiness of orders, shape (...)."""
        return np.maximum(self.start_min(orders) + self.length[orders] - self.due[orders], 0.0).sum(axis=-1)

    def total_cost(self, orders: np.ndarray) -> np.ndarray:
        """Cost of what is taken in orders, shape (...)."""
        return self.own_cost + self.cost[orders[..., :-1], orders[..., 1:]].sum(axis=-1)


def sequence(scenario: Case) -> Sequence:
    """The heats of a line with changeovers; what it must be like is checked with the scenario."""
    table, line = shop(scenario), scenario.line
    n = len(table.names)
    u = _unit(table, scenario, 0)
    grades = [heat.grade for heat in scenario.heats]
    price = {supply.carrier: supply.price_per_unit.value or 0.0 for supply in of(scenario.site.assets, Supply)}
    length = np.array([table.duration[h][u] for h in range(n)])
    setup = np.array([[table.setup_between(u, a, b) for b in range(n)] for a in range(n)]).reshape(n, n)

    def worth(takes: dict[str, float]) -> float:
        return math.fsum(price.get(carrier, 0.0) * amount for carrier, amount in takes.items())

    cost = [[worth(line.changeover_takes(table.units[u], a.name, b.name)) for b in grades] for a in grades]
    return Sequence(
        unit=table.units[u],
        length=length,
        due=np.array(table.due),
        lag=length[:, None] + setup,
        cost=np.array(cost),
        own_cost=math.fsum(worth(grade.takes) for grade in grades),
    )


@dataclass(frozen=True)
class Loads:
    """Heats by unit: whole minutes, energy by minute; and what an interval may draw."""

    minutes: tuple[tuple[int, ...], ...]
    power: tuple[tuple[float, ...], ...]
    """Energy by minute of each heat of each unit."""
    limit: float
    """Energy that an interval may draw."""
    interval: int
    """Minutes of a metered interval, at most 60."""

    @property
    def work(self) -> float:
        """Energy of all heats."""
        return sum(
            math.fsum(p * w for p, w in zip(*of, strict=True)) for of in zip(self.minutes, self.power, strict=True)
        )

    def capacity(self, makespan: int) -> float:
        """Energy that can be drawn until a makespan at most, by the limit and by the strongest heat of each unit."""
        full, remaining = divmod(makespan, self.interval)
        strongest = sum(max(power, default=0.0) for power in self.power)
        return full * min(self.limit, strongest * self.interval) + min(self.limit, strongest * remaining)

    def least_makespan(self) -> int:
        """A makespan that no plan undercuts: by the busiest unit, and by the energy of all heats."""
        least = max(sum(minutes) for minutes in self.minutes)
        while self.capacity(least) < self.work * (1 - LEEWAY):
            least += 1
        return least


@dataclass(frozen=True)
class Furnaces:
    """Heats that each have their unit, under a limit on every metered interval."""

    heats: tuple[tuple[int, ...], ...]
    """By unit, as in ``loads``."""
    units: tuple[str, ...]
    loads: Loads
    due: float


def furnaces(scenario: Case) -> Furnaces:
    """The heats of a line that is planned for the least makespan; what it must be like is checked with the scenario."""
    table, grid = shop(scenario), scenario.site.grid
    unit = [_unit(table, scenario, h) for h in range(len(table.names))]
    heats = tuple(tuple(h for h, u in enumerate(unit) if u == v) for v in range(len(table.units)))
    meter = round(grid.metered_interval_min)
    limit = math.inf if grid.import_limit_mw is None else grid.import_limit_mw * meter
    minutes = tuple(tuple(round(table.duration[h][u]) for h in of) for u, of in enumerate(heats))
    power = tuple(tuple(table.energy[h][u] * 60 / table.duration[h][u] for h in of) for u, of in enumerate(heats))
    due = min([*table.due, scenario.horizon.length_min])
    return Furnaces(heats, table.units, Loads(minutes, power, limit, meter), due)


def _unit(table: LineShop, scenario: Case, heat: int) -> int:
    named = next(order.units for order in scenario.orders if order.name == table.orders[heat])
    return next(u for u in table.able(heat, 0) if not named or table.units[u] in named)
