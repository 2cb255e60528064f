"""Supply, sale, flare, load, source, PV and wind in the model: one flow each."""

from __future__ import annotations

from typing import Any

import pyomo.core as pyo

from emberline.models.formulations.site.assets.ports import Flow, Linear, Ports, slots
from emberline.models.kernel.arrays import Variable, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.site_assets import Hub
from emberline.scenarios.assets import Flare, Load, Renewable, Sale, Source, Supply


def add_supply(block: pyo.Block, supply: Supply, hub: Hub) -> Ports:
    """What is bought, with price and emissions."""
    amount = _amount(block, hub, supply.rate_limit, supply.horizon_limit)
    carbon = (Linear(((amount, supply.fossil_kg_per_unit),)),)
    return Ports(
        flows=(Flow(supply.name, "", supply.carrier, Linear(((amount, 1.0),))),),
        cost=(Linear(((amount, hub.series[supply.name]["price_per_unit"]),)),),
        scope1=carbon if supply.scope == 1 else (),
        scope2=carbon if supply.scope == 2 else (),
    )


def add_sale(block: pyo.Block, sale: Sale, hub: Hub) -> Ports:
    """What is sold."""
    amount = _amount(block, hub, sale.rate_limit, sale.horizon_limit)
    return Ports(
        flows=(Flow(sale.name, "", sale.carrier, Linear(((amount, -1.0),))),),
        cost=(Linear(((amount, -hub.series[sale.name]["price_per_unit"]),)),),
    )


def add_flare(block: pyo.Block, flare: Flare, hub: Hub) -> Ports:
    """What is flared or vented."""
    amount = _amount(block, hub, flare.rate_limit, None)
    return Ports(
        flows=(Flow(flare.name, "", flare.carrier, Linear(((amount, -1.0),))),),
        cost=(Linear(((amount, flare.cost_per_unit),)),),
        scope1=(Linear(((amount, flare.fossil_kg_per_unit),)),),
    )


def add_fixed(block: pyo.Block, fixed: Load | Source, hub: Hub) -> Ports:
    """What is demanded, or comes, in each slot: nothing is decided."""
    constant = fixed.sign * hub.hours * hub.series[fixed.name]["rate"]
    return Ports(flows=(Flow(fixed.name, "", fixed.carrier, Linear(constant=constant)),))


def add_renewable(block: pyo.Block, plant: Renewable, hub: Hub) -> Ports:
    """What is used of sun or wind."""
    slots(block, hub.n)
    block.amount = Variable(block.T, domain=pyo.NonNegativeReals)
    limit(block.amount, upper=plant.available_mw(hub.series[plant.name]["capacity_factor"]) * hub.hours)
    return Ports(flows=(Flow(plant.name, "", plant.carrier, Linear(((block.amount, 1.0),))),))


def _amount(block: pyo.Block, hub: Hub, rate: float | None, most: float | None) -> Any:
    slots(block, hub.n)
    block.amount = Variable(block.T, bounds=(0, None if rate is None else rate * hub.hours))
    if most is not None:
        block.horizon_limit = pyo.Constraint(rule=lambda b: total(b.amount[t] for t in each(b.T)) <= most)
    return block.amount
