"""The site's assets in the model: one ``add`` for each kind, summed here into balances and objective.

A new kind of asset is one function that fills a block and returns its ports, and one line in ``ADD``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo

from emberline.models.formulations.site.assets.converter import add_converter, drives_to_hull
from emberline.models.formulations.site.assets.ports import Flow, Hub, HubPorts, Linear, Ports, Row, Sum, held
from emberline.models.formulations.site.assets.result import BOTH, HubFlows, added, burning, read_flows
from emberline.models.formulations.site.assets.storage import add_storage
from emberline.models.formulations.site.assets.trade import add_fixed, add_flare, add_renewable, add_sale, add_supply
from emberline.scenarios import Scenario
from emberline.scenarios.assets import (
    ELECTRICITY,
    Carrier,
    Converter,
    Flare,
    Load,
    Renewable,
    Sale,
    Source,
    Storage,
    Supply,
    of,
)
from emberline.scenarios.goal_metrics import parts
from emberline.scenarios.metrics import COMPONENTS, FACTORS

__all__ = [
    "BOTH",
    "Flow",
    "Hub",
    "HubFlows",
    "HubPorts",
    "Linear",
    "Ports",
    "Row",
    "Sum",
    "add",
    "burning",
    "continuous",
    "dearest",
    "held",
    "read",
    "read_flows",
    "supplies",
]

ADD: dict[type, Callable[..., Ports]] = {
    Supply: add_supply,
    Sale: add_sale,
    Flare: add_flare,
    Load: add_fixed,
    Source: add_fixed,
    Renewable: add_renewable,
    Storage: add_storage,
    Converter: add_converter,
}


def supplies(hub: Hub, metric: str, price: Callable[[np.ndarray], float]) -> list[tuple[str, float]]:
    """Carrier of each supply, and what a unit of it counts.

    Args:
        hub: the assets.
        metric: by which it counts.
        price: the price over time that counts, such as ``np.min``.
    """
    parts, units = hub.parts[metric], []
    for supply in of(hub.assets, Supply):
        kg = {"scope1": 0.0 if supply.bought else supply.fossil_kg_per_unit}
        kg["scope2"] = supply.fossil_kg_per_unit - kg["scope1"]
        amounts = {"cost": float(price(hub.series[supply.name]["price_per_unit"])), **kg}
        amounts |= {name: by_asset.get(supply.name, 0.0) for name, by_asset in hub.factors.items()}
        units.append((supply.carrier, sum(factor * amounts[name] for name, factor in parts.items())))
    return units


def dearest(hub: Hub, metric: str) -> float:
    """The most that a unit of what is supplied counts by a metric; 0 where nothing is supplied."""
    return max([0.0, *(unit for _, unit in supplies(hub, metric, np.max))])


def read(scenario: Scenario) -> Hub | None:
    """The assets of a scenario; None where there are none."""
    site = scenario.site
    if not site.assets:
        return None
    hours = scenario.horizon.step_h
    assets = site.equipment
    series = {asset.name: scenario.asset_series(asset.name) for asset in assets}
    days = {name: load.days(scenario.horizon) for name, load in site.flexible.items()}
    return Hub(
        hours=hours,
        n=scenario.horizon.n_steps,
        carriers=site.carrier,
        assets=assets,
        series=series,
        days=days,
        parts=parts(scenario),
        factors={
            name: {asset.name: getattr(asset, row.per_unit) for asset in site.assets} for name, row in FACTORS.items()
        },
        harmless=harmless(site.carrier, assets, series, bool((scenario.inputs["price_per_mwh"] >= 0).all())),
    )


def harmless(
    carriers: dict[str, Carrier], assets: Sequence[Any], series: dict[str, dict[str, np.ndarray]], bought: bool
) -> frozenset[str]:
    """Carriers of which a surplus can never pay: taking more of them than needed never makes a plan better.

    That is so where a surplus may be let go anyway, or where all that comes in is bought at prices and emissions that
    are nowhere negative, or is curtailed at will, or made by a machine that may idle: whatever is wasted can be traced
    back, through stores too, to something that needs not be taken.

    Args:
        carriers: by name.
        assets: machines as converters.
        series: of the assets.
        bought: whether the price of electricity is nowhere negative.
    """
    found = set()
    paid_for = {supply.name: bool((series[supply.name]["price_per_unit"] < 0).any()) for supply in of(assets, Supply)}
    for name, carrier in carriers.items():
        can_pay = name == ELECTRICITY and not bought
        # a purchase that must not be less is not foreseen: any can be left
        can_pay |= any(supply.carrier == name and paid_for[supply.name] for supply in of(assets, Supply))
        can_pay |= any(source.carrier == name for source in of(assets, Source))
        can_pay |= any(name in machine.gives and not _idles(machine, carriers) for machine in of(assets, Converter))
        if carrier.dumps or not can_pay:
            found.add(name)
    return frozenset(found)


def _idles(machine: Converter, carriers: dict[str, Carrier]) -> bool:
    """Whether a machine may run less at any time and nobody minds: what it makes is never in the way."""
    others = [stream.carrier for _, stream in machine.streams()]
    free = not (machine.switched or machine.min_load or machine.ramp_down_per_h is not None)
    return machine.main == "output" and free and all(carriers[name].dumps for name in others if name in carriers)


def continuous(hub: Hub) -> bool:
    """Whether the assets need no whole numbers, filling and emptying at the same time left aside."""
    return not any(machine.switched or not drives_to_hull(machine, hub) for machine in of(hub.assets, Converter))


def add(
    block: pyo.Block,
    hub: Hub,
    line_gives: Mapping[str, Linear] | None = None,
    *,
    exclusive: bool = True,
    burning: Collection[int] | None = None,
) -> tuple[HubPorts, Sum]:
    """Fill a block with the assets and the balances of all carriers but electricity, which is the site's.

    Args:
        block: empty.
        hub: the assets.
        line_gives: what the line delivers by carrier, in the carrier's unit.
        exclusive: forbid filling and emptying a store at the same time where it would pay.
        burning: slots to which that is limited; None: all.

    Returns:
        The assets' ports, and what they deliver to electricity's balance in each slot [MWh].
    """
    if line_gives is not None:
        # what the line gives comes whether it is wanted or not
        calm = {name for name in hub.harmless if name == ELECTRICITY or hub.carriers[name].dumps}
        hub = replace(hub, harmless=frozenset(calm))
    block.ASSET = pyo.RangeSet(0, len(hub.assets) - 1)
    block.asset = pyo.Block(block.ASSET)
    hub = replace(hub, alone=(range(hub.n) if burning is None else burning) if exclusive else ())
    ports = {}
    for i, asset in enumerate(hub.assets):
        ports[asset.name] = ADD[type(asset)](block.asset[i], asset, hub)
    block.T = pyo.RangeSet(0, hub.n - 1)
    dumping = [name for name, carrier in hub.carriers.items() if carrier.dumps]
    block.DUMP = pyo.Set(initialize=dumping, dimen=1)
    block.dump = pyo.Var(block.DUMP, block.T, domain=pyo.NonNegativeReals)
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
    """All that is delivered to a carrier, surplus that is let go taken off."""
    terms = [flow.gives for own in ports for flow in own.flows if flow.carrier == carrier]
    if carrier in dumped:
        terms.append(Linear(((dumped[carrier], -1.0),)))
    return [*terms, line_gives[carrier]] if carrier in line_gives else terms


def _balance(block: pyo.Block, terms: list[Linear], n: int, never: Any) -> None:
    block.delivered = pyo.Block()
    delivered = Sum(block.delivered, terms, n)
    block.T = pyo.RangeSet(0, n - 1)
    if delivered.empty:
        # a carrier that nothing can move balances by itself or not at all
        if np.abs(delivered.constant).max(initial=0.0) > 1e-9:
            block.impossible = pyo.Constraint(expr=never == 1)
        return

    @block.Constraint(block.T)
    def balance(b: Any, t: int) -> Any:
        return delivered.at(t) == 0.0
