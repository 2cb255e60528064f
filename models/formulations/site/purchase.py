"""What is paid for import beyond a price by the slot: peaks and blocks of the tariff, contracts that are not used up.

Constants, such as fixed charges and what a block costs at the spot price, are no decision and left out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site import tariff
from emberline.models.kernel.arrays import Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.purchase import Purchase
from emberline.scenarios.flows.settlement import UnusedBlocks
from emberline.scenarios.tariff import Rates


def add(
    block: pyo.Block,
    purchase: Purchase,
    import_mwh: Callable[[Any], Any],
    meter: Callable[[Any], Any],
    n: int,
    n_meter: int,
) -> Callable[[], Any]:
    """Fill a block with the purchase.

    Args:
        block: empty.
        purchase: tariff and contracts.
        import_mwh: import in a slot [MWh], an expression; the slot may be a placeholder.
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
