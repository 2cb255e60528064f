"""The bound of a long horizon: units are priced, and each cast takes its best way by itself.

What all casts cost at any prices, less the prices of what there is, is below every plan (Lagrangian relaxation of the
units). The prices come from column generation: the linear program that mixes the casts found so far (Dantzig & Wolfe,
Operations Research 8, 1960), solved to central multipliers. Between them and the best ones so far the next are tried
(Wentges, International Transactions in Operational Research 4, 1997). First they are level over hours, then over
shorter blocks.

A cast stays whole here with its heats and their waits, which the pooled relaxation averages; fractional are only the
furnaces. It proves more in ten seconds than the pooled relaxation of a week does in ninety.
"""

from __future__ import annotations

import time

import numpy as np

from emberline.models.bounds.cast_columns import Prices
from emberline.models.bounds.cast_pricing import Ways, exact_reheating, useful
from emberline.models.bounds.restricted_master import Master
from emberline.models.bounds.rising_prices import Bound
from emberline.models.search.incumbent import Search


def of(search: Search) -> CastBound | None:
    """The bound of a search; None where the line or the site is not of the kind."""
    data, problem = search.data, search.problem
    plain = data.battery is None and data.hub is None and data.purchase is None and not data.curtails
    if not plain or not useful(problem) or _limited(search):
        return None
    table = data.guide_per_mwh
    rows = np.array([table[search.aim.first], *(table[name] for name, *_ in search.aim.caps(data))])
    # what exports earn, what idle units draw, and waits that are taken as too short need weights that are not negative
    if (rows < 0).any() and (problem.states or not data.plain or not exact_reheating(problem)):
        return None
    if not data.plain and (data.export_price > data.price).any():
        return None
    return CastBound(search, rows)


def _limited(search: Search) -> bool:
    """Whether the import limit is felt when every unit draws its most: this bound knows no limit."""
    data, problem = search.data, search.problem
    most = dict.fromkeys(range(len(problem.units)), 0.0)
    works = [operation.cells for heat in problem.heats for operation in heat.operations]
    for cells in [*works, *(cast.cells for cast in problem.casts)]:
        for u, curve in cells.items():
            most[u] = max(most[u], float(curve.max()))
    per = data.meter_min / data.cell_min
    room = data.limit_mwh() - (data.base - data.pv) * data.meter_min / data.step_min
    room = room - problem.fixed_cells.reshape(problem.n_slots, -1).max(axis=1) * per
    return bool((room < sum(most.values()) * per - 1e-9).any())


class CastBound(Bound):
    """Where what a cast is worth follows from its energy alone."""

    master: Master

    def __init__(self, search: Search, weights: np.ndarray) -> None:
        """Work out the casts' curves.

        Args:
            search: gets the bound.
            weights: worth of a MWh by slot to the goal and to each cap, shape (1 + n_caps, n_slots).
        """
        began = time.perf_counter()
        super().__init__(search)
        problem, data, aim = search.problem, search.data, search.aim
        self.ways = Ways(problem, weights)
        base = weights @ (data.base - data.pv + problem.on_steps(problem.fixed_cells))
        self.settled = float(base[0]) - aim.constant
        self._room = np.array([cap for _, cap, _ in aim.caps(data)]) - base[1:]
        scales = np.maximum(np.abs(weights).mean(axis=1), 1e-9)
        latest = [max(cast.last.values()) for cast in problem.casts]
        self.master = Master(self.ways, latest, self._room, float(scales[0]), scales[1:])
        self.prices = (np.zeros_like(self.ways.capacity), np.zeros(len(self._room)))
        search.clock("build", began)

    def proven(self, *prices: np.ndarray) -> float:
        """What prices of units and caps prove."""
        units, caps = prices
        self.ways.price(units, np.concatenate(([1.0], caps)))
        total, _ = self.ways.best()
        return total + self.settled - float((units * self.ways.capacity).sum()) - float(caps @ self._room)

    def _mix(self, block: int, tolerance: float) -> Prices | None:
        return self.master.solve(block, tolerance=tolerance, work=self.search.rest, cancel=self._stop)
