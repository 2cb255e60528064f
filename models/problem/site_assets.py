"""The site's assets as numbers by slot."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emberline.scenarios import Scenario
from emberline.scenarios.assets import (
    ELECTRICITY,
    Carrier,
    Converter,
    Named,
    Source,
    Supply,
    of,
)


@dataclass(frozen=True)
class Hub:
    """The assets' numbers."""

    hours: float
    n: int
    carriers: dict[str, Carrier]
    assets: tuple[Named, ...]
    """Machines as converters."""
    series: dict[str, dict[str, np.ndarray]]
    """By asset and key, per slot."""
    days: dict[str, list[tuple[range, float]]] = field(default_factory=dict)
    """Slots of each local day and what a flexible load must take in them."""
    direct_price_per_kg: float = 0.0
    """Carbon price on scope 1."""
    bought_price_per_kg: float = 0.0
    """Carbon price on scope 2."""
    harmless: frozenset[str] = frozenset()
    """Carriers of which a surplus can never pay: see ``emberline.models.problem.site_assets.harmless``."""
    alone: Collection[int] = ()
    """Slots in which a store is either filled or emptied, where both could pay."""


def dearest(hub: Hub, port: str) -> float:
    """The most that a unit of what is supplied costs or emits, by a port of the site; 0 where nothing is supplied."""
    found = [0.0]
    for supply in of(hub.assets, Supply):
        priced = hub.bought_price_per_kg if supply.bought else hub.direct_price_per_kg
        price = float(np.max(hub.series[supply.name]["price_per_unit"]))
        kg = supply.fossil_kg_per_unit
        found.append({"carbon": kg, "cost": price, "full_cost": price + priced * kg}[port])
    return max(found)


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
        direct_price_per_kg=scenario.market.carbon_price.on_direct / 1000,
        bought_price_per_kg=scenario.market.carbon_price.on_grid / 1000,
        harmless=harmless(site.carrier, assets, series, bool((scenario.inputs["price_per_mwh"] >= 0).all())),
    )


def harmless(
    carriers: dict[str, Carrier], assets: Sequence[Any], series: dict[str, dict[str, np.ndarray]], bought: bool
) -> frozenset[str]:
    """Carriers of which a surplus can never pay: taking more of them than needed never makes a plan better.

    That is so where a surplus may be vented anyway, or where all that comes in is bought at prices and emissions that
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
