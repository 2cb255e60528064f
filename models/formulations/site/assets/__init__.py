"""The site's assets in the model: one ``add`` for each kind, summed here into balances and objective.

A new kind of asset is one function that fills a block and returns its ports, and one line in ``ADD``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site.assets.converter import add_converter
from emberline.models.formulations.site.assets.ports import HubPorts, Linear, Ports, Row, Sum, added
from emberline.models.formulations.site.assets.storage import add_latent_heat_store, add_storage
from emberline.models.formulations.site.assets.trade import add_fixed, add_flare, add_renewable, add_sale, add_supply
from emberline.models.kernel.arrays import Variable, constraint
from emberline.models.problem.site_assets import Hub
from emberline.scenarios.assets import (
    ELECTRICITY,
    Converter,
    Flare,
    LatentHeatStore,
    Load,
    Renewable,
    Sale,
    Source,
    Storage,
    Supply,
)
from emberline.scenarios.metrics import COMPONENTS

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
    """All that is delivered to a carrier, less vented surplus."""
    terms = [flow.gives for port in ports for flow in port.flows if flow.carrier == carrier]
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

    @constraint(block, block.T)
    def balance(b: Any, t: int) -> Any:
        return delivered.at(t) == 0.0
