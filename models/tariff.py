"""The tariff in the model: what metered import costs, linear wherever the tariff is.

- Energy: rate times import. A block whose rate differs from the one before it by the same amount at all hours counts
  the month's import above its limit: an epigraph where it is dearer, one binary where it is cheaper. Where the
  difference changes with the hour, it matters when the limit is passed: the import above the limit is followed through
  the month, with a binary for each interval in which the limit may be passed.
- Demand charges: see ``models.demand``.
- Coincident peaks, levies, taxes, fixed charges and export are linear or constant.

The cost is what ``scenarios.tariff.bill`` says of the import that minimizes it; for any other import it is never below.
The bounds on import prune: a block or a peak that cannot be reached, or is passed in any case, needs no variable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.environ as pyo

from models import demand
from models.demand import Bounds
from scenarios.tariff import Rates

SAME = 1e-9
"""Differences of rates below this share of the largest rate are none."""


@dataclass(frozen=True)
class Ports:
    """What the tariff adds to the objective, taxes and constants included [currency]."""

    energy: Any
    demand: Any
    coincident: Any
    fixed: float
    export: Any
    """What export earns, as a positive number."""

    @property
    def cost(self) -> Any:
        """What is paid in the end."""
        return self.energy + self.demand + self.coincident + self.fixed - self.export


@dataclass(frozen=True)
class _Step:
    """A limit of blocks that a month's import may pass, and what a MWh above it costs more in each interval."""

    limit: float
    more: np.ndarray
    intervals: np.ndarray
    least: np.ndarray
    """Import of the month until the end of each interval, at least; ``most`` likewise."""
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
    """Fill a block with the tariff.

    Args:
        block: empty.
        rates: the tariff's numbers on the metered intervals.
        import_meter: import in a metered interval [MWh], an expression that is never negative.
        most_mwh: what a metered interval can import at most [MWh], one for all or shape (n,); tariffs whose later
            blocks are cheaper need it.
        least_mwh: what it imports in any case [MWh].
        export_meter: export in a metered interval [MWh], an expression; none: nothing is exported.

    Raises:
        ValueError: the tariff needs a bound on import and none is given.
    """
    n = len(rates)
    bounds = Bounds(np.broadcast_to(np.asarray(least_mwh, float), n), np.broadcast_to(np.asarray(most_mwh, float), n))
    base, steps = _steps(rates, bounds)
    followed = [step for step in steps if not step.even]
    if followed:
        bounds.known("a block whose rates change by another amount at each hour")
    imported = _shared(block, rates, import_meter, [step.intervals for step in followed])
    energy = pyo.quicksum(float(base[i]) * imported(i) for i in range(n) if base[i])
    energy += _even_steps(block, rates, [step for step in steps if step.even], imported, bounds)
    energy += _followed_steps(block, rates, followed, imported)
    coincident: Any = 0.0
    for listed in rates.coincident:
        weight = listed.per_mw * listed.weight / rates.hours * rates.with_tax("coincident")
        coincident += pyo.quicksum(weight * imported(int(i)) for i in listed.intervals)
    earned = sum(rates.export_per_mwh.values(), np.zeros(n))
    return Ports(
        energy=energy,
        demand=rates.with_tax("demand") * demand.add(block, rates, imported, bounds),
        coincident=coincident,
        fixed=rates.with_tax("fixed") * sum(charge.months * charge.per_month for charge in rates.fixed),
        export=0.0 if export_meter is None else pyo.quicksum(float(earned[i]) * export_meter(i) for i in range(n)),
    )


def _shared(block: Any, rates: Rates, meter: Callable[[int], Any], more: list[np.ndarray]) -> Callable[[int], Any]:
    """Import by interval: a variable where several constraints look at it, else the expression itself."""
    looks = Counter(int(i) for peak in rates.peaks for i in peak.intervals)
    looks.update(int(i) for intervals in more for i in intervals)
    block.SHARED = pyo.Set(initialize=sorted(i for i, times in looks.items() if times > 1))
    block.imported = pyo.Var(block.SHARED, domain=pyo.NonNegativeReals)

    @block.Constraint(block.SHARED)
    def import_of(b: Any, i: int) -> Any:
        return b.imported[i] == meter(i)

    shared = set(block.SHARED)
    return lambda i: block.imported[i] if i in shared else meter(i)


def _steps(rates: Rates, bounds: Bounds) -> tuple[np.ndarray, list[_Step]]:
    """The rate of each interval in the block in which its month begins, and the limits that may be passed after."""
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
    """What import above limits costs more, where the difference is the same at all hours."""
    total = {}
    for s, step in enumerate(steps):
        begin = rates.before_mwh if rates.month[step.intervals[0]] == 0 else 0.0
        total[s] = begin + pyo.quicksum(imported(int(i)) for i in step.intervals)
    cheaper = [s for s, step in enumerate(steps) if step.more[0] < 0]
    open_ = [s for s in cheaper if steps[s].least[-1] < steps[s].limit]
    if open_:
        bounds.known("a block of energy that is cheaper than the one before it")
    block.STEP = pyo.RangeSet(0, len(steps) - 1)
    block.CHEAPER, block.OPEN = pyo.Set(initialize=cheaper), pyo.Set(initialize=open_)
    block.above = pyo.Var(block.STEP, domain=pyo.NonNegativeReals)
    block.passed = pyo.Var(block.OPEN, domain=pyo.Binary)

    @block.Constraint(block.STEP - block.CHEAPER)
    def dearer_above(b: Any, s: int) -> Any:
        return b.above[s] >= total[s] - steps[s].limit

    @block.Constraint(block.CHEAPER)
    def cheaper_above(b: Any, s: int) -> Any:
        slack = (steps[s].limit - float(steps[s].least[-1])) * (1 - b.passed[s]) if s in b.OPEN else 0.0
        return b.above[s] <= total[s] - steps[s].limit + slack

    @block.Constraint(block.OPEN)
    def cheaper_when_passed(b: Any, s: int) -> Any:
        return b.above[s] <= (float(steps[s].most[-1]) - steps[s].limit) * b.passed[s]

    return pyo.quicksum(float(step.more.mean()) * block.above[s] for s, step in enumerate(steps))


def _followed_steps(block: Any, rates: Rates, steps: list[_Step], imported: Callable[[int], Any]) -> Any:
    """What import above limits costs more, where it matters at which hour a limit is passed."""
    months = {int(rates.month[step.intervals[0]]): step.intervals for step in steps}
    place = {int(i): j for intervals in months.values() for j, i in enumerate(intervals)}
    block.FOLLOWED = pyo.Set(initialize=sorted(place))
    block.total = pyo.Var(block.FOLLOWED, domain=pyo.NonNegativeReals)

    @block.Constraint(block.FOLLOWED)
    def total_so_far(b: Any, i: int) -> Any:
        begin = rates.before_mwh if rates.month[i] == 0 else 0.0
        return b.total[i] == (b.total[i - 1] if place[i] else begin) + imported(i)

    reach = [(s, int(i)) for s, step in enumerate(steps) for i in step.intervals[step.most > step.limit]]
    free = [(s, i) for s, i in reach if steps[s].least[place[i]] < steps[s].limit]
    block.REACH, block.FREE = pyo.Set(initialize=reach, dimen=2), pyo.Set(initialize=free, dimen=2)
    block.over = pyo.Var(block.REACH, domain=pyo.NonNegativeReals)
    block.beyond = pyo.Var(block.FREE, domain=pyo.Binary)

    @block.Constraint(block.REACH)
    def over_at_least(b: Any, s: int, i: int) -> Any:
        return b.over[s, i] >= b.total[i] - steps[s].limit

    @block.Constraint(block.REACH)
    def over_at_most(b: Any, s: int, i: int) -> Any:
        short = steps[s].limit - float(steps[s].least[place[i]])
        return b.over[s, i] <= b.total[i] - steps[s].limit + (short * (1 - b.beyond[s, i]) if (s, i) in b.FREE else 0.0)

    @block.Constraint(block.FREE)
    def over_when_beyond(b: Any, s: int, i: int) -> Any:
        return b.over[s, i] <= (float(steps[s].most[place[i]]) - steps[s].limit) * b.beyond[s, i]

    @block.Constraint(block.FREE)
    def beyond_for_good(b: Any, s: int, i: int) -> Any:
        return b.beyond[s, i] >= b.beyond[s, i - 1] if (s, i - 1) in b.FREE else pyo.Constraint.Skip

    def part(s: int, i: int) -> Any:
        return block.over[s, i] - (block.over[s, i - 1] if (s, i - 1) in block.REACH else 0.0)

    return pyo.quicksum(float(steps[s].more[place[i]]) * part(s, i) for s, i in reach)
