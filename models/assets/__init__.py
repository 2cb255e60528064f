"""The site's assets in the model: one ``add`` for each kind, summed here into balances and objective.

A new kind of asset is one function that fills a block and returns its ports, and one line in ``ADD``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
from pyomo.core.expr import LinearExpression

from models.assets.converter import add_converter, drives_to_hull
from models.assets.ports import Flow, Hub, HubPorts, Linear, Ports, held
from models.assets.result import BOTH, HubFlows, burning, read_flows
from models.assets.storage import add_storage
from models.assets.trade import add_fixed, add_flare, add_renewable, add_sale, add_supply
from scenarios import Scenario
from scenarios.assets import ELECTRICITY, Carrier, Converter, Flare, Load, Renewable, Sale, Source, Storage, Supply

__all__ = [
    "BOTH",
    "Flow",
    "Hub",
    "HubFlows",
    "HubPorts",
    "Linear",
    "Ports",
    "add",
    "burning",
    "continuous",
    "dearest",
    "held",
    "read",
    "read_flows",
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


def dearest(hub: Hub, port: str) -> float:
    """The most that a unit of what is supplied costs or emits, by a port of the site; 0 where nothing is supplied."""
    found = [0.0]
    for asset in hub.assets:
        if isinstance(asset, Supply):
            priced = hub.direct_price_per_kg if asset.scope == 1 else hub.bought_price_per_kg
            price = float(np.max(hub.series[asset.name]["price_per_unit"]))
            kg = asset.fossil_kg_per_unit
            found.append({"carbon": kg, "cost": price, "full_cost": price + priced * kg}[port])
    return max(found)


def read(scenario: Scenario) -> Hub | None:
    """The assets of a scenario; None where there are none."""
    site = scenario.site
    if not site.assets:
        return None
    hours = scenario.horizon.step_h
    assets = tuple(site.cores.get(asset.name, asset) for asset in site.assets)
    series = {asset.name: scenario.asset_series(asset.name) for asset in assets}
    days = {name: load.days(scenario.horizon) for name, load in site.flexible.items()}
    return Hub(
        hours=hours,
        n=scenario.horizon.n_steps,
        carriers=site.carrier,
        assets=assets,
        series=series,
        days=days,
        direct_price_per_kg=scenario.market.carbon_price.on_direct / 1000,
        bought_price_per_kg=scenario.market.carbon_price.on_grid / 1000,
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
    for name, carrier in carriers.items():
        can_pay = name == ELECTRICITY and not bought
        for asset in assets:
            if isinstance(asset, Supply):
                # a purchase that must not be less is not foreseen: any can be left
                can_pay |= asset.carrier == name and bool((series[asset.name]["price_per_unit"] < 0).any())
            elif isinstance(asset, Source):
                can_pay |= asset.carrier == name
            elif isinstance(asset, Converter) and not _idles(asset, carriers):
                made = [asset.carrier] if asset.main == "output" else []
                can_pay |= name in made + [stream.carrier for stream in asset.outputs]
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
    machines = [asset for asset in hub.assets if isinstance(asset, Converter)]
    return not any(machine.switched or not drives_to_hull(machine, hub) for machine in machines)


def _balances(hub: Hub, ports: Iterable[Ports], dumped: dict[str, Any]) -> dict[str, list[Any]]:
    """Sums by carrier and slot of all that the assets deliver, surplus that is let go taken off."""
    n = hub.n
    variables: dict[str, list[list[Any]]] = {name: [[] for _ in range(n)] for name in hub.carriers}
    weights: dict[str, list[list[float]]] = {name: [[] for _ in range(n)] for name in hub.carriers}
    fixed = {name: np.zeros(n) for name in hub.carriers}
    parts = [(flow.carrier, flow.gives) for own in ports for flow in own.flows]
    parts += [(name, Linear(((surplus, -1.0),))) for name, surplus in dumped.items()]
    for name, gives in parts:
        if gives.constant is not None:
            fixed[name] = fixed[name] + gives.constant
        for variable, factors in gives.at(n):
            for t, factor in enumerate(factors):
                if factor:
                    variables[name][t].append(variable[t])
                    weights[name][t].append(factor)
    return {
        name: [
            LinearExpression(constant=c, linear_coefs=w, linear_vars=v) if v else c
            for c, w, v in zip(fixed[name].tolist(), weights[name], variables[name], strict=True)
        ]
        for name in hub.carriers
    }


def add(
    block: pyo.Block,
    hub: Hub,
    line_gives: Callable[[str, int], Any] | None = None,
    *,
    exclusive: bool = True,
    burning: Collection[int] | None = None,
) -> tuple[HubPorts, list[Any]]:
    """Fill a block with the assets and the balances of all carriers but electricity, which is the site's.

    Args:
        block: empty.
        hub: the assets.
        line_gives: what the line delivers of a carrier in a slot, in the carrier's unit.
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
    alone: Collection[int] = (range(hub.n) if burning is None else burning) if exclusive else ()
    ports = {}
    for i, asset in enumerate(hub.assets):
        more = (alone,) if isinstance(asset, Storage) else ()
        ports[asset.name] = ADD[type(asset)](block.asset[i], asset, hub, *more)
    block.T = pyo.RangeSet(0, hub.n - 1)
    dumping = [name for name, carrier in hub.carriers.items() if carrier.dumps]
    block.DUMP = pyo.Set(initialize=dumping, dimen=1)
    block.dump = pyo.Var(block.DUMP, block.T, domain=pyo.NonNegativeReals)
    dumped = {name: _Row(block.dump, name) for name in dumping}
    balances = _balances(hub, ports.values(), dumped)
    block.never = pyo.Var(bounds=(0, 0))
    block.CARRIER = pyo.Set(initialize=[name for name in hub.carriers if name != ELECTRICITY], dimen=1)

    @block.Constraint(block.CARRIER, block.T)
    def balance(b: Any, carrier: str, t: int) -> Any:
        given = 0.0 if line_gives is None else line_gives(carrier, t)
        delivered = balances[carrier][t] + given
        if isinstance(delivered, int | float):
            # a carrier that nothing can move balances by itself or not at all
            return pyo.Constraint.Feasible if abs(delivered) <= 1e-9 else b.never == 1
        return delivered == 0.0

    return HubPorts(hub, ports, dumped), balances[ELECTRICITY]


class _Row:
    """One carrier's row of ``dump`` as a variable indexed by slot."""

    def __init__(self, dump: Any, name: str) -> None:
        self._dump, self._name = dump, name

    def __getitem__(self, t: int) -> Any:
        return self._dump[self._name, t]

    def __contains__(self, t: int) -> bool:
        return (self._name, t) in self._dump
