"""Tariff in the model: the cost of metered import, linear wherever the tariff is.

- Energy: rate times import. A block whose rate differs from the one before it by the same amount at all hours applies
  to the month's import above its limit: an epigraph if it is more expensive, one binary if it is cheaper. If the
  difference depends on the hour, it matters when the limit is passed: the import above the limit is followed through
  the month, with a binary for each interval in which the limit may be passed.
- Demand charges: see ``models.formulations.site.demand_charge``.
- Coincident peaks, levies, taxes, fixed charges and export are linear or constant.

The cost equals that of ``scenarios.tariff.bill`` for the import that minimizes it; for any other import it is never
below. The bounds on import reduce the model: a block or a peak that cannot be reached, or is passed in any case, needs
no variable.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site import demand_charge as demand
from emberline.models.formulations.site.demand_charge import Bounds
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.site import Purchase
from emberline.scenarios.flows.settlement import UnusedBlocks
from emberline.scenarios.tariff.rates import Rates

SAME = 1e-9
"""Share of the largest rate below which differences of rates count as zero."""


@dataclass(frozen=True)
class Ports:
    """Contributions of the tariff to the objective, taxes and constants included [currency]."""

    by_use: Callable[[], Any]
    """Function that builds the expression of all costs by import and export; within a rule it is a template."""
    fixed: float

    @property
    def cost(self) -> Any:
        """Net cost: all charges minus the earnings from export."""
        return self.by_use() + self.fixed


@dataclass(frozen=True)
class _Step:
    """A limit of blocks that a month's import may pass, and the extra cost of a MWh above it in each interval."""

    limit: float
    more: np.ndarray
    intervals: np.ndarray
    least: np.ndarray
    """Minimum import of the month up to the end of each interval; ``most`` is the maximum."""
    most: np.ndarray

    @property
    def even(self) -> bool:
        return bool(np.ptp(self.more) <= SAME * np.abs(self.more).max())


def add(
    block: pyo.Block,
    rates: Rates,
    import_meter: Callable[[int], Any],
    *,
    most_mwh: float | np.ndarray = np.inf,
    least_mwh: float | np.ndarray = 0.0,
    export_meter: Callable[[int], Any] | None = None,
) -> Ports:
    """Add the tariff to a block.

    Args:
        block: empty block.
        rates: rates of the tariff on the metered intervals.
        import_meter: expression of the import in a metered interval [MWh], never negative; the interval may be a
            placeholder.
        most_mwh: maximum import of a metered interval [MWh], one for all or shape (n,); tariffs whose later blocks are
            cheaper need it.
        least_mwh: minimum import of a metered interval [MWh].
        export_meter: export in a metered interval [MWh], likewise; None: there is no export.

    Raises:
        ValueError: the tariff needs a bound on import and none is given.
    """
    n = len(rates)
    bounds = Bounds(np.broadcast_to(np.asarray(least_mwh, float), n), np.broadcast_to(np.asarray(most_mwh, float), n))
    base, steps = _steps(rates, bounds)
    followed = [step for step in steps if not step.even]
    if followed:
        bounds.require_finite("a block whose rates change by another amount at each hour")
    imported = import_meter
    even = _even_steps(block, rates, [step for step in steps if step.even], imported, bounds)
    later = _followed_steps(block, rates, followed, imported)
    earned = sum(rates.export_per_mwh.values(), np.zeros(n))
    block.EVERY = pyo.RangeSet(0, n - 1)
    block.base, block.earned = Series(block.EVERY, values=base), Series(block.EVERY, values=earned)

    coincident: Any = 0.0
    for listed in rates.coincident:
        weight = listed.per_mw * listed.weight / rates.hours * rates.with_tax("coincident")
        coincident += pyo.quicksum(weight * imported(int(i)) for i in listed.intervals)
    peaks = rates.with_tax("demand") * demand.add(block, rates, imported, bounds)

    def by_use() -> Any:
        energy = total(block.base[i] * imported(i) for i in each(block.EVERY)) + even + later()
        export = 0.0 if export_meter is None else total(block.earned[i] * export_meter(i) for i in each(block.EVERY))
        return energy + peaks + coincident - export

    return Ports(by_use, rates.with_tax("fixed") * sum(charge.months * charge.per_month for charge in rates.fixed))


def _steps(rates: Rates, bounds: Bounds) -> tuple[np.ndarray, list[_Step]]:
    """Return the rate of each interval in the first block of its month, and the limits that may be passed later."""
    n = len(rates)
    limits = sorted({float(limit) for charge in rates.energy for limit in charge.limits_mwh} | {0.0})
    rate = np.zeros((len(limits), n))
    for charge in rates.energy:
        place = np.searchsorted(charge.limits_mwh, limits, side="right") - 1
        rate += np.where(place[:, None] >= 0, charge.per_mwh[place], 0.0) * rates.with_tax(charge.kind)
    base, steps = np.zeros(n), []
    for m in range(len(rates.months)):
        here = rates.of_month(m)
        begin = rates.before_mwh if m == 0 else 0.0
        least, most = (begin + np.cumsum(bound[here]) for bound in (bounds.least, bounds.most))
        first = int(np.searchsorted(limits, begin, side="right")) - 1
        base[here] = rate[first, here]
        for k in range(first + 1, len(limits)):
            more = rate[k, here] - rate[k - 1, here]
            if limits[k] < most[-1] and np.abs(more).max() > SAME * np.abs(rate).max():
                steps.append(_Step(limits[k], more, here, least, most))
    return base, steps


def _even_steps(block: Any, rates: Rates, steps: list[_Step], imported: Callable[[int], Any], bounds: Bounds) -> Any:
    """Add the extra cost of import above limits where the difference is the same at all hours."""
    begin = [rates.before_mwh if rates.month[step.intervals[0]] == 0 else 0.0 for step in steps]
    cheaper = [s for s, step in enumerate(steps) if step.more[0] < 0]
    open_ = [s for s in cheaper if steps[s].least[-1] < steps[s].limit]
    if open_:
        bounds.require_finite("a block of energy that is cheaper than the one before it")
    block.STEP = pyo.RangeSet(0, len(steps) - 1)
    block.CHEAPER, block.OPEN = pyo.Set(initialize=cheaper), pyo.Set(initialize=open_)
    block.above = Variable(block.STEP, domain=pyo.NonNegativeReals)
    block.passed = Variable(block.OPEN, domain=pyo.Binary)
    block.INTERVAL = pyo.Set(block.STEP, initialize={s: step.intervals.tolist() for s, step in enumerate(steps)})
    # by step: earlier import minus its limit, distance of the limit from the minimum and from the maximum
    block.before = Series(block.STEP, values=np.array([b - step.limit for b, step in zip(begin, steps, strict=True)]))
    block.short = Series(block.STEP, values=np.array([step.limit - float(step.least[-1]) for step in steps]))
    block.room = Series(block.STEP, values=np.array([float(step.most[-1]) - step.limit for step in steps]))

    def beyond(s: Any) -> Any:
        return block.before[s] + total(imported(i) for i in each(block.INTERVAL[s]))

    block.dearer_above = Rows(block.STEP - block.CHEAPER, rule=lambda b, s: b.above[s] >= beyond(s))
    block.cheaper_above = Rows(block.CHEAPER - block.OPEN, rule=lambda b, s: b.above[s] <= beyond(s))

    @constraint(block, block.OPEN)
    def cheaper_above_if(b: Any, s: int) -> Any:
        return b.above[s] <= beyond(s) + b.short[s] * (1 - b.passed[s])

    block.cheaper_when_passed = Rows(block.OPEN, rule=lambda b, s: b.above[s] <= b.room[s] * b.passed[s])
    return pyo.quicksum(float(step.more.mean()) * block.above[s] for s, step in enumerate(steps))


def _followed_steps(block: Any, rates: Rates, steps: list[_Step], imported: Callable[[Any], Any]) -> Callable[[], Any]:
    """Add the extra cost of import above limits where it matters at which hour a limit is passed."""
    months = {int(rates.month[step.intervals[0]]): step.intervals for step in steps}
    place = {int(i): j for intervals in months.values() for j, i in enumerate(intervals)}
    firsts = [i for i, j in place.items() if not j]
    block.FOLLOWED, block.FIRST = pyo.Set(initialize=sorted(place)), pyo.Set(initialize=sorted(firsts))
    block.total = Variable(block.FOLLOWED, domain=pyo.NonNegativeReals)
    block.begin = Series(
        block.FIRST, values=np.array([rates.before_mwh if rates.month[i] == 0 else 0.0 for i in sorted(firsts)])
    )
    block.total_at_first = Rows(block.FIRST, rule=lambda b, i: b.total[i] == b.begin[i] + imported(i))

    @constraint(block, block.FOLLOWED - block.FIRST)
    def total_so_far(b: Any, i: int) -> Any:
        return b.total[i] == b.total[i - 1] + imported(i)

    reach = [(s, int(i)) for s, step in enumerate(steps) for i in step.intervals[step.most > step.limit]]
    free = [(s, i) for s, i in reach if steps[s].least[place[i]] < steps[s].limit]
    block.REACH, block.FREE = pyo.Set(initialize=reach, dimen=2), pyo.Set(initialize=free, dimen=2)
    block.over = Variable(block.REACH, domain=pyo.NonNegativeReals)
    block.beyond = Variable(block.FREE, domain=pyo.Binary)
    block.CUT = pyo.RangeSet(0, len(steps) - 1)
    block.limit = Series(block.CUT, values=np.array([step.limit for step in steps]))
    block.lacking = Series(
        block.FREE, values=np.array([steps[s].limit - float(steps[s].least[place[i]]) for s, i in free])
    )
    block.roomy = Series(
        block.FREE, values=np.array([float(steps[s].most[place[i]]) - steps[s].limit for s, i in free])
    )
    block.over_at_least = Rows(block.REACH, rule=lambda b, s, i: b.over[s, i] >= b.total[i] - b.limit[s])
    block.over_at_most = Rows(block.REACH - block.FREE, rule=lambda b, s, i: b.over[s, i] <= b.total[i] - b.limit[s])

    @constraint(block, block.FREE)
    def over_at_most_if(b: Any, s: int, i: int) -> Any:
        return b.over[s, i] <= b.total[i] - b.limit[s] + b.lacking[s, i] * (1 - b.beyond[s, i])

    block.over_when_beyond = Rows(block.FREE, rule=lambda b, s, i: b.over[s, i] <= b.roomy[s, i] * b.beyond[s, i])
    free_pairs, reached = set(free), set(reach)
    block.LATER = pyo.Set(initialize=[(s, i) for s, i in free if (s, i - 1) in free_pairs], dimen=2)
    block.GROWN = pyo.Set(initialize=[(s, i) for s, i in reach if (s, i - 1) in reached], dimen=2)
    block.more = Series(block.REACH, values=np.array([float(steps[s].more[place[i]]) for s, i in reach]))
    block.beyond_for_good = Rows(block.LATER, rule=lambda b, s, i: b.beyond[s, i] >= b.beyond[s, i - 1])

    def cost() -> Any:
        within = total(block.more[s, i] * block.over[s, i] for s, i in each(block.REACH))
        return within - total(block.more[s, i] * block.over[s, i - 1] for s, i in each(block.GROWN))

    return cost


def add_purchase(
    block: pyo.Block,
    purchase: Purchase,
    import_mwh: Callable[[Any], Any],
    meter: Callable[[Any], Any],
    n: int,
    n_meter: int,
) -> Callable[[], Any]:
    """Add the purchase to a block.

    Args:
        block: empty block.
        purchase: tariff and contracts.
        import_mwh: expression of the import in a slot [MWh]; the slot may be a placeholder.
        meter: expression of the net import in a metered interval [MWh], negative for net export; likewise.
        n: number of slots.
        n_meter: number of intervals of ``meter``; fewer than the tariff's if import is even within them.

    Returns:
        Function that builds the expression of the cost [currency]; within a rule it is a template.
    """
    parts_of_cost: list[Callable[[], Any]] = []
    if purchase.rates is not None:
        parts_of_cost.append(_tariff(block, purchase, purchase.rates, meter, n_meter))
    if purchase.unused is not None:
        parts_of_cost.append(_unused(block, purchase.unused, import_mwh, n))
    return lambda: sum([part() for part in parts_of_cost])


def _tariff(
    block: pyo.Block, purchase: Purchase, rates: Rates, meter: Callable[[Any], Any], n_meter: int
) -> Callable[[], Any]:
    parts = len(rates) // n_meter
    most_in, most_out = purchase.most_mwh, purchase.most_out_mwh
    block.METER = pyo.RangeSet(0, len(rates) - 1)
    block.meter = Series(block.METER, values=np.arange(len(rates)) // parts)
    block.imported = Variable(block.METER, domain=pyo.NonNegativeReals)
    block.exported = Variable(block.METER, bounds=(0.0, most_out))

    @constraint(block, block.METER)
    def net(b: Any, i: int) -> Any:
        return b.imported[i] - b.exported[i] == meter(i if parts == 1 else b.meter[i]) / parts

    # where the tariff pays for buying and selling a MWh at once, only one direction at a time
    block.CIRCLE = pyo.Set(initialize=np.flatnonzero(purchase.circles).tolist() if most_out > 0 else [])
    block.inward = Variable(block.CIRCLE, domain=pyo.Binary)
    block.import_alone = Rows(block.CIRCLE, rule=lambda b, i: b.imported[i] <= most_in * b.inward[i])
    block.export_alone = Rows(block.CIRCLE, rule=lambda b, i: b.exported[i] <= most_out * (1 - b.inward[i]))
    block.tariff = pyo.Block()
    imported, exported = (lambda i: block.imported[i]), (lambda i: block.exported[i])
    return add(block.tariff, rates, imported, most_mwh=most_in, export_meter=exported).by_use


def _unused(block: pyo.Block, blocks: UnusedBlocks, import_mwh: Callable[[Any], Any], n: int) -> Callable[[], Any]:
    block.SLOT = pyo.RangeSet(0, n - 1)
    block.BLOCK = pyo.RangeSet(0, len(blocks.names) - 1)
    block.sold = Variable(block.BLOCK, block.SLOT, domain=pyo.NonNegativeReals)
    limit(block.sold, upper=blocks.mwh.reshape(-1))
    block.bought = Series(block.SLOT, values=blocks.mwh.sum(axis=0))
    block.spread = Series(block.BLOCK, values=np.asarray(blocks.spread))

    @constraint(block, block.SLOT)
    def sold_back(b: Any, t: int) -> Any:
        return total(b.sold[j, t] for j in each(b.BLOCK)) >= b.bought[t] - blocks.counted * import_mwh(t)

    return lambda: total(block.spread[j] * block.sold[j, t] for j in each(block.BLOCK) for t in each(block.SLOT))
