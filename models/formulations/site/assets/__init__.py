"""Assets of the site in the model: one ``add`` per kind, summed into balances and objective, and read back.

A new kind of asset is one function that fills a block and returns its ports, and one line in ``ADD``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site.assets.converter import add_converter
from emberline.models.formulations.site.assets.ports import (
    Flow,
    HubPorts,
    Linear,
    Ports,
    Row,
    Sum,
    added,
    slot_values,
    slots,
)
from emberline.models.formulations.site.assets.storage import add_latent_heat_store, add_storage, burns, one_way_amounts
from emberline.models.kernel.arrays import Rows, Variable, limit
from emberline.models.kernel.templates import each, total
from emberline.models.problem.flows import HubFlows
from emberline.models.problem.site import Hub
from emberline.scenarios.assets.base import of
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.latent_heat import LatentHeatStore
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Flare, Load, Renewable, Sale, Source, Supply
from emberline.scenarios.metrics import COMPONENTS


def add_supply(block: pyo.Block, supply: Supply, hub: Hub) -> Ports:
    """Add the purchase of a carrier, with price and emissions."""
    amount = _amount(block, hub, supply.rate_limit, supply.horizon_limit)
    carbon = (Linear(((amount, supply.fossil_kg_per_unit),)),)
    return Ports(
        flows=(Flow(supply.name, "", supply.carrier, Linear(((amount, 1.0),))),),
        cost=(Linear(((amount, hub.series[supply.name]["price_per_unit"]),)),),
        scope1=carbon if supply.scope == 1 else (),
        scope2=carbon if supply.scope == 2 else (),
    )


def add_sale(block: pyo.Block, sale: Sale, hub: Hub) -> Ports:
    """Add the sale of a carrier."""
    amount = _amount(block, hub, sale.rate_limit, sale.horizon_limit)
    return Ports(
        flows=(Flow(sale.name, "", sale.carrier, Linear(((amount, -1.0),))),),
        cost=(Linear(((amount, -hub.series[sale.name]["price_per_unit"]),)),),
    )


def add_flare(block: pyo.Block, flare: Flare, hub: Hub) -> Ports:
    """Add flaring or venting of a carrier."""
    amount = _amount(block, hub, flare.rate_limit, None)
    return Ports(
        flows=(Flow(flare.name, "", flare.carrier, Linear(((amount, -1.0),))),),
        cost=(Linear(((amount, flare.cost_per_unit),)),),
        scope1=(Linear(((amount, flare.fossil_kg_per_unit),)),),
    )


def add_fixed(block: pyo.Block, fixed: Load | Source, hub: Hub) -> Ports:
    """Add a fixed demand or inflow by slot, without decisions."""
    constant = fixed.sign * hub.hours * hub.series[fixed.name]["rate"]
    return Ports(flows=(Flow(fixed.name, "", fixed.carrier, Linear(constant=constant)),))


def add_renewable(block: pyo.Block, plant: Renewable, hub: Hub) -> Ports:
    """Add the use of sun or wind."""
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


BOTH = 1e-5
"""Share of the largest flow below which the opposite flow in the same slot counts as zero."""


def simultaneous_slots(hub_ports: HubPorts) -> set[int]:
    """Return the slots of the solution in which a store is filled and emptied at once although it cannot be."""
    slots: set[int] = set()
    for store in of(hub_ports.hub.assets, Storage):
        if burns(store, hub_ports.hub):
            slots |= both_ways(*(f.gives.values(hub_ports.hub.n) for f in hub_ports.ports[store.name].flows))
    return slots


def both_ways(put_in: np.ndarray, put_out: np.ndarray) -> set[int]:
    """Return the slots with flows both in and out, of either sign."""
    amounts = np.abs([put_in, put_out])
    return set(np.flatnonzero(amounts.min(axis=0) > BOTH * max(float(amounts.max(initial=0.0)), 1.0)).tolist())


def read_flows(hub_ports: HubPorts, spare: np.ndarray | None = None) -> HubFlows:
    """Return the flows of the assets in the solution.

    Args:
        hub_ports: the assets.
        spare: electricity in each slot that need not be taken [MWh]; the part not taken is subtracted from it.
    """
    hub, n = hub_ports.hub, hub_ports.hub.n
    amounts = {(f.asset, f.key): f.gives.values(n) for ports in hub_ports.ports.values() for f in ports.flows}
    spare = np.zeros(n) if spare is None else spare
    dumped = {name: slot_values(row, n) for name, row in hub_ports.dumped.items()}
    levels = {name: slot_values(ports.level, n) for name, ports in hub_ports.ports.items() if ports.level is not None}
    for store in of(hub.assets, Storage):
        lossless = store.in_efficiency * store.out_efficiency == 1
        if store.wear_cost_per_unit or (store.both_ways and not lossless):
            continue
        into, out = (store.name, "in"), (store.name, "out")
        most = np.inf if store.carrier in dumped else spare if store.carrier == ELECTRICITY else 0.0
        put_in, amounts[out], levels[store.name], freed = one_way_amounts(
            store, -amounts[into], amounts[out], levels[store.name], most, hub.hours
        )
        amounts[into] = -put_in
        if store.carrier in dumped:
            dumped[store.carrier] = dumped[store.carrier] + freed
        elif store.carrier == ELECTRICITY:
            spare -= freed
    on = {}
    for machine in of(hub.assets, Converter):
        ports = hub_ports.ports[machine.name]
        load = np.abs(amounts[machine.name, "main"])
        on[machine.name] = (load > 1e-9).astype(float) if ports.on is None else ports.on.values(n)

    sums = {name: float(sum(term.values(n).sum() for term in added(hub, hub_ports.ports, name))) for name in COMPONENTS}
    return HubFlows(
        amounts=amounts,
        carriers={(f.asset, f.key): f.carrier for ports in hub_ports.ports.values() for f in ports.flows},
        levels=levels,
        on=on,
        dumped=dumped,
        totals={
            metric: sum(factor * sums[name] for name, factor in parts.items()) for metric, parts in hub.parts.items()
        },
    )


__all__ = ["add"]

ADD: dict[type, Callable[..., Ports]] = {
    Supply: add_supply,
    Sale: add_sale,
    Flare: add_flare,
    Load: add_fixed,
    Source: add_fixed,
    Renewable: add_renewable,
    Storage: add_storage,
    LatentHeatStore: add_latent_heat_store,
    Converter: add_converter,
}


def add(
    block: pyo.Block,
    hub: Hub,
    line_gives: Mapping[str, Linear] | None = None,
    *,
    exclusive: bool = True,
    one_way_slots: Collection[int] | None = None,
) -> tuple[HubPorts, Sum]:
    """Add the assets to a block, with the balances of all carriers except electricity, which is the site's.

    Args:
        block: empty block.
        hub: the assets.
        line_gives: deliveries of the line by carrier, in the carrier's unit.
        exclusive: forbid filling and emptying a store at the same time where this would pay.
        one_way_slots: slots to which this is limited; None: all.

    Returns:
        The ports of the assets, and their deliveries to the balance of electricity in each slot [MWh].
    """
    if line_gives is not None:
        # the line's output arrives whether it is needed or not
        disposable = {name for name in hub.freely_disposable if name == ELECTRICITY or hub.carriers[name].dumps}
        hub = replace(hub, freely_disposable=frozenset(disposable))
    block.ASSET = pyo.RangeSet(0, len(hub.assets) - 1)
    block.asset = pyo.Block(block.ASSET)
    slots = range(hub.n) if one_way_slots is None else one_way_slots
    hub = replace(hub, one_way_slots=slots if exclusive else ())
    ports = {}
    for i, asset in enumerate(hub.assets):
        ports[asset.name] = ADD[type(asset)](block.asset[i], asset, hub)
    block.T = pyo.RangeSet(0, hub.n - 1)
    dumping = [name for name, carrier in hub.carriers.items() if carrier.dumps]
    block.DUMP = pyo.Set(initialize=dumping, dimen=1)
    block.dump = Variable(block.DUMP, block.T, domain=pyo.NonNegativeReals)
    dumped = {name: Row(block.dump, name) for name in dumping}

    block.CARRIER = pyo.Set(initialize=[name for name in hub.carriers if name != ELECTRICITY], dimen=1)
    block.carrier = pyo.Block(block.CARRIER)
    block.electricity = pyo.Block()
    electricity = Sum(block.electricity, _delivered(ELECTRICITY, ports.values(), dumped, {}), hub.n)
    block.never = pyo.Var(bounds=(0, 0))
    for name in block.CARRIER:
        _balance(block.carrier[name], _delivered(name, ports.values(), dumped, line_gives or {}), hub.n, block.never)
    block.sums = pyo.Block(COMPONENTS)
    sums = {name: Sum(block.sums[name], added(hub, ports, name), hub.n) for name in COMPONENTS}
    return HubPorts(hub, ports, dumped, sums), electricity


def _delivered(
    carrier: str, ports: Iterable[Ports], dumped: Mapping[str, Row], line_gives: Mapping[str, Linear]
) -> list[Linear]:
    """Return all deliveries to a carrier, less vented surplus."""
    terms = [flow.gives for port in ports for flow in port.flows if flow.carrier == carrier]
    if carrier in dumped:
        terms.append(Linear(((dumped[carrier], -1.0),)))
    return [*terms, line_gives[carrier]] if carrier in line_gives else terms


def _balance(block: pyo.Block, terms: list[Linear], n: int, never: Any) -> None:
    block.delivered = pyo.Block()
    delivered = Sum(block.delivered, terms, n)
    block.T = pyo.RangeSet(0, n - 1)
    if delivered.empty:
        # a carrier without variables is either balanced or infeasible
        if np.abs(delivered.constant).max(initial=0.0) > 1e-9:
            block.impossible = pyo.Constraint(expr=never == 1)
        return
    block.balance = Rows(block.T, rule=lambda b, t: delivered.at(t) == 0.0)
