"""The site's assets as numbers by slot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emberline.scenarios import Case
from emberline.scenarios.assets import (
    ELECTRICITY,
    Carrier,
    Converter,
    Named,
    Source,
    Supply,
    of,
)
from emberline.scenarios.goal_metrics import parts
from emberline.scenarios.metrics import FACTORS


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
    parts: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """What a unit of each component of ``COMPONENTS`` counts, by metric."""
    factors: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By metric of ``FACTORS`` and asset: what a unit of its main flow adds."""
    harmless: frozenset[str] = frozenset()
    """Carriers of which a surplus can never pay: see ``emberline.models.problem.site_assets.harmless``."""
    alone: Collection[int] = ()
    """Slots in which a store is either filled or emptied, where both could pay."""
    forced: bool = False
    """Whether electricity may be in the way whatever it costs: a source or a machine that must run delivers it."""


def supplies(hub: Hub, metric: str, price: Callable[[np.ndarray], float]) -> list[tuple[str, float]]:
    """Carrier of each supply, and what a unit of it counts.

    Args:
        hub: the assets.
        metric: by which it counts.
        price: the price over time that counts, such as ``np.min``.
    """
    counts, units = hub.parts[metric], []
    for supply in of(hub.assets, Supply):
        kg = {"scope1": 0.0 if supply.bought else supply.fossil_kg_per_unit}
        kg["scope2"] = supply.fossil_kg_per_unit - kg["scope1"]
        amounts = {"cost": float(price(hub.series[supply.name]["price_per_unit"])), **kg}
        amounts |= {name: by_asset.get(supply.name, 0.0) for name, by_asset in hub.factors.items()}
        units.append((supply.carrier, sum(factor * amounts[name] for name, factor in counts.items())))
    return units


def dearest(hub: Hub, metric: str) -> float:
    """The most that a unit of what is supplied counts by a metric; 0 where nothing is supplied."""
    return max([0.0, *(unit for _, unit in supplies(hub, metric, np.max))])


def fixed_mw(scenario: Case) -> dict[str, np.ndarray]:
    """What loads and sources of electricity deliver, by asset, shape (n_slots,) each.

    Those that count by a factor stand among the assets that the model states.
    """
    return {
        asset.name: asset.sign * scenario.asset_series(asset.name)["rate"]
        for asset in scenario.site.fixed
        if not _counts(asset)
    }


def sun_mw(scenario: Case) -> dict[str, np.ndarray]:
    """What PV and wind could deliver, by asset, shape (n_slots,) each; those that count by a factor left out."""
    return {
        plant.name: plant.available_mw(scenario.asset_series(plant.name)["capacity_factor"])
        for plant in scenario.site.renewables
        if not _counts(plant)
    }


def _counts(asset: Named) -> bool:
    return any(getattr(asset, row.per_unit) for row in FACTORS.values())


def read(scenario: Case, others: Collection[str], pays: bool) -> Hub | None:
    """The assets of a scenario that the model states one by one; None where there are none.

    Args:
        scenario: with its site.
        others: names of those that it states together.
        pays: whether importing more than needed pays in any slot.
    """
    site = scenario.site
    assets = tuple(asset for asset in site.equipment if asset.name not in others)
    if not assets and not site.carrier[ELECTRICITY].dumps:
        return None
    hours = scenario.horizon.step_h
    series = {asset.name: scenario.asset_series(asset.name) for asset in site.equipment}
    days = {name: load.days(scenario.horizon) for name, load in site.flexible.items()}
    calm = harmless(site.carrier, site.equipment, series)
    dumps = site.carrier[ELECTRICITY].dumps
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
        harmless=calm - {ELECTRICITY} if pays and not dumps else calm,
        forced=ELECTRICITY not in calm,
    )


def harmless(
    carriers: dict[str, Carrier], assets: Sequence[Any], series: dict[str, dict[str, np.ndarray]]
) -> frozenset[str]:
    """Carriers of which a surplus can never pay: taking more of them than needed never makes a plan better.

    Electricity as far as assets deliver it; what import of it costs is another matter.

    That is so where a surplus may be vented anyway, or where all that comes in is bought at prices and emissions that
    are nowhere negative, or is curtailed at will, or made by a machine that may idle: whatever is wasted can be traced
    back, through stores too, to something that needs not be taken.

    Args:
        carriers: by name.
        assets: machines as converters.
        series: of the assets.
    """
    names = set()
    paid_for = {supply.name: bool((series[supply.name]["price_per_unit"] < 0).any()) for supply in of(assets, Supply)}
    for name, carrier in carriers.items():
        # a purchase that must not be less is not foreseen: any can be left
        can_pay = any(supply.carrier == name and paid_for[supply.name] for supply in of(assets, Supply))
        can_pay |= any(source.carrier == name for source in of(assets, Source))
        can_pay |= any(name in machine.gives and not _idles(machine, carriers) for machine in of(assets, Converter))
        if carrier.dumps or not can_pay:
            names.add(name)
    return frozenset(names)


def _idles(machine: Converter, carriers: dict[str, Carrier]) -> bool:
    """Whether a machine may run less at any time and nobody minds: what it makes is never in the way."""
    others = [stream.carrier for _, stream in machine.streams()]
    free = not (machine.switched or machine.min_load or machine.ramp_down_per_h is not None)
    return machine.main == "output" and free and all(carriers[name].dumps for name in others if name in carriers)
