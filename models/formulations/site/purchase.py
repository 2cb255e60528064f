"""What is paid for import beyond a price by the slot: peaks and blocks of the tariff, contracts that are not used up.

Constants, such as fixed charges and what a block costs at the spot price, are no decision and left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyomo.environ as pyo

from emberline.models.formulations.site import tariff
from emberline.models.kernel.arrays import Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.scenarios import Scenario
from emberline.scenarios.tariff import Rates, charged
from emberline.scenarios.tariff.settlement import UnusedBlocks, unused_blocks

BROKEN = 2.0
"""How many times the import limit a search may draw."""
UNLIMITED_MW = 1e4
"""Most import that a site without a limit is thought to have, where the tariff needs one."""


@dataclass(frozen=True)
class Purchase:
    """Tariff and contracts on the horizon's grids."""

    rates: Rates | None
    unused: UnusedBlocks | None
    most_mwh: float
    """Most that a metered interval may import."""
    most_out_mwh: float
    """Most that it may export."""
    per_meter: int
    """Cells in a metered interval, and in a slot: cells divide both."""
    per_slot: int

    @cached_property
    def energy_price(self) -> np.ndarray:
        """What the tariff's first blocks take for a MWh in each slot, taxes included: a guide.

        Shape (n_slots,), or (1,) without a tariff.
        """
        if self.rates is None:
            return np.zeros(1)
        price = sum((e.per_mwh[0] * self.rates.with_tax(e.kind) for e in self.rates.energy), np.zeros(len(self.rates)))
        return np.asarray(np.repeat(price, self.per_meter).reshape(-1, self.per_slot).mean(axis=1))

    def cost(self, taken: np.ndarray, meter_mwh: np.ndarray) -> float:
        """What import comes to, exactly [currency].

        Args:
            taken: import by slot [MWh].
            meter_mwh: net import by metered interval [MWh], negative where more is exported.
        """
        total = 0.0
        if self.rates is not None:
            mw = meter_mwh / self.rates.hours
            bill = charged(self.rates, np.maximum(mw, 0.0), np.maximum(-mw, 0.0))
            total += bill.total - self.constant
        if self.unused is not None:
            left = np.maximum(self.unused.mwh.sum(axis=0) - self.unused.counted * taken, 0.0)
            for j in np.argsort(self.unused.spread, kind="stable"):
                sold = np.minimum(left, self.unused.mwh[j])
                left = left - sold
                total += float(self.unused.spread[j] * sold.sum())
        return total

    def merged(self, k: int) -> Purchase:
        """The same for import that is even over ``k`` metered intervals, which make a slot; it has fewer columns."""
        if self.rates is None or self.rates.in_blocks:
            return self
        return replace(
            self, rates=self.rates.merged(k), most_mwh=self.most_mwh * k, most_out_mwh=self.most_out_mwh * k,
            per_meter=1, per_slot=1,
        )  # fmt: skip

    @property
    def circles(self) -> np.ndarray:
        """Metered intervals in which export earns more than the cheapest import costs, or import itself earns."""
        assert self.rates is not None
        lowest = sum(
            (e.per_mwh.min(axis=0) * self.rates.with_tax(e.kind) for e in self.rates.energy), np.zeros(len(self.rates))
        )
        earned = sum(self.rates.export_per_mwh.values(), np.zeros(len(self.rates)))
        return np.asarray((earned > lowest) | (lowest < 0))

    @property
    def most_spread(self) -> float:
        """Most that a MWh of a block loses when it is sold back [currency/MWh]."""
        return 0.0 if self.unused is None else float(self.unused.spread.max())

    @cached_property
    def constant(self) -> float:
        """Fixed charges with their taxes [currency]."""
        if self.rates is None:
            return 0.0
        return self.rates.with_tax("fixed") * sum(charge.months * charge.per_month for charge in self.rates.fixed)


def read(scenario: Scenario, limit_mw: float | None) -> Purchase | None:
    """Tariff and contracts of a scenario; None where a price by the slot says all."""
    rates, unused = scenario.rates, unused_blocks(scenario)
    if rates is None and unused is None:
        return None
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    # a search may break the limit at a price: then the bound must not forbid it
    most = BROKEN * limit_mw if limit_mw is not None else UNLIMITED_MW + BROKEN * _draw_mw(scenario)
    out = scenario.site.grid.export_limit_mw
    return Purchase(rates, unused, most * meter / 60, out * meter / 60, meter // cell, step // cell)


def _draw_mw(scenario: Scenario) -> float:
    """What base load, line and processes can draw at most [MW]."""
    line = sum(max(phase.power_mw for phase in unit.profile) for unit in scenario.line.units)
    processes = sum(
        process.count * max(mw for mode in process.all_modes for _, mw in mode.knots) for process in scenario.processes
    )
    return float(scenario.inputs["base_load_mw"].max()) + line + processes


def add(
    block: pyo.Block,
    purchase: Purchase,
    taken: Callable[[Any], Any],
    meter: Callable[[Any], Any],
    n: int,
    n_meter: int,
) -> Callable[[], Any]:
    """Fill a block with the purchase.

    Args:
        block: empty.
        purchase: tariff and contracts.
        taken: import in a slot [MWh], an expression; the slot may be a placeholder.
        meter: net import in a metered interval [MWh], an expression, negative where more is exported; likewise.
        n: number of slots.
        n_meter: number of intervals that ``meter`` knows; fewer than the tariff's where import is even within them.

    Returns:
        What makes the expression of what it costs [currency], within a rule a template.
    """
    parts_of_cost: list[Callable[[], Any]] = []
    if purchase.rates is not None:
        parts_of_cost.append(_tariff(block, purchase, purchase.rates, meter, n_meter))
    if purchase.unused is not None:
        parts_of_cost.append(_unused(block, purchase.unused, taken, n))
    return lambda: sum([part() for part in parts_of_cost])


def _tariff(
    block: pyo.Block, purchase: Purchase, rates: Rates, meter: Callable[[Any], Any], n_meter: int
) -> Callable[[], Any]:
    parts = len(rates) // n_meter
    most_in, most_out = purchase.most_mwh, purchase.most_out_mwh
    block.METER = pyo.RangeSet(0, len(rates) - 1)
    block.known = Series(block.METER, values=np.arange(len(rates)) // parts)
    block.imported = Variable(block.METER, domain=pyo.NonNegativeReals)
    block.exported = Variable(block.METER, bounds=(0.0, most_out))

    @constraint(block, block.METER)
    def net(b: Any, i: int) -> Any:
        return b.imported[i] - b.exported[i] == meter(i if parts == 1 else b.known[i]) / parts

    # where the tariff pays for a MWh that goes in a circle, one way at a time
    block.CIRCLE = pyo.Set(initialize=np.flatnonzero(purchase.circles).tolist() if most_out > 0 else [])
    block.inward = Variable(block.CIRCLE, domain=pyo.Binary)

    @constraint(block, block.CIRCLE)
    def import_alone(b: Any, i: int) -> Any:
        return b.imported[i] <= most_in * b.inward[i]

    @constraint(block, block.CIRCLE)
    def export_alone(b: Any, i: int) -> Any:
        return b.exported[i] <= most_out * (1 - b.inward[i])

    block.tariff = pyo.Block()
    ports = tariff.add(
        block.tariff,
        rates,
        lambda i: block.imported[i],
        most_mwh=purchase.most_mwh,
        export_meter=lambda i: block.exported[i],
    )
    return lambda: ports.cost - ports.fixed


def _unused(block: pyo.Block, blocks: UnusedBlocks, taken: Callable[[Any], Any], n: int) -> Callable[[], Any]:
    block.SLOT = pyo.RangeSet(0, n - 1)
    block.BLOCK = pyo.RangeSet(0, len(blocks.names) - 1)
    block.sold = Variable(block.BLOCK, block.SLOT, domain=pyo.NonNegativeReals)
    limit(block.sold, upper=blocks.mwh.reshape(-1))
    block.bought = Series(block.SLOT, values=blocks.mwh.sum(axis=0))
    block.spread = Series(block.BLOCK, values=np.asarray(blocks.spread))

    @constraint(block, block.SLOT)
    def sold_back(b: Any, t: int) -> Any:
        return total(b.sold[j, t] for j in each(b.BLOCK)) >= b.bought[t] - blocks.counted * taken(t)

    return lambda: total(block.spread[j] * block.sold[j, t] for j in each(block.BLOCK) for t in each(block.SLOT))
