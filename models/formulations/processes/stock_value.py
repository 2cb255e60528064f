"""Minimum value of material, and minimum total of every plan: by carbon, cost, and cost with the carbon price.

A tonne in a store is worth the minimum cost of producing it: process emissions, heat by the best mix of fuels,
electricity at its lowest price or intensity within the horizon, and its inputs. A plan that ends with more than
required is credited with this value, so that it pays neither to produce more than required nor to end a run early.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from emberline.models.problem.plant import Plant
from emberline.models.problem.site import SiteData, supplies
from emberline.scenarios.flows.process_flows import added_per_t
from emberline.scenarios.process.recipe import Mode

DEAR = 50.0
"""Price of a tonne that a store lacks or spills, as a multiple of the cost of producing one with the most expensive
    electricity, so that it also exceeds the value of start-ups that are saved."""
BAND_H = 1.0
"""Hours of a unit's output beyond the required level that are credited."""


@dataclass(frozen=True)
class Prices:
    """Minimum prices by one metric."""

    electricity: float
    """Price of a MWh."""
    fuel: Mapping[str, float]
    """Price of a unit of each carrier; carriers that are not bought cost nothing."""
    added: Mapping[str, float]
    """Price of a unit of each component of the metrics."""


def least_prices(plant: Plant, data: SiteData) -> dict[str, Prices]:
    """Return the minimum prices by metric."""
    by_metric = {}
    for metric, weight in data.guide_per_mwh.items():
        fuel: dict[str, float] = {}
        for carrier, unit in () if data.hub is None else supplies(data.hub, metric, np.min):
            fuel[carrier] = min(unit, fuel.get(carrier, np.inf))
        by_metric[metric] = Prices(max(float(weight.min()), 0.0), fuel, plant.parts[metric])
    return by_metric


def heat_price(mode: Mode, prices: Prices) -> float:
    """Return the minimum price of the heat for a tonne: the cheapest mix within the limits of its fuels."""
    if mode.heat is None:
        return 0.0
    fuels = sorted(mode.heat.fuels, key=lambda fuel: prices.fuel.get(fuel.carrier, 0.0))
    remaining = 1.0 - sum(fuel.least for fuel in fuels)
    price = 0.0
    for fuel in fuels:
        more = min(fuel.most - fuel.least, remaining)
        remaining -= more
        price += (fuel.least + more) * prices.fuel.get(fuel.carrier, 0.0)
    return max(price, 0.0) * mode.heat.mwh_per_t


def by_tonne(mode: Mode, prices: Prices) -> float:
    """Return the minimum price of running a mode for a tonne, without inputs from stores."""
    added = sum(prices.added.get(name, 0.0) * amount for name, amount in added_per_t(mode).items())
    power = min(mw / rate for rate, mw in mode.knots if rate > 0)
    bought = sum(s.per_t * max(prices.fuel.get(s.carrier, 0.0), 0.0) for s in mode.inputs if s.carrier is not None)
    return added + heat_price(mode, prices) + power * prices.electricity + bought


def values(plant: Plant, prices: Prices) -> dict[str, float]:
    """Return the minimum value of a tonne in each store; zero for material that no process makes."""
    makers: dict[str, list[tuple[Mode, float, float]]] = {}
    for units in plant.units:
        for mode in units.modes:
            total = sum(stream.per_t for stream in mode.outputs if stream.store is not None)
            for stream in mode.outputs:
                if stream.store is not None and stream.per_t > 0:
                    # by-products are allocated by mass
                    makers.setdefault(stream.store, []).append((mode, stream.per_t, stream.per_t / total))
    worth_of: dict[str, float] = {}
    pending: set[str] = set()

    def worth(name: str) -> float:
        if name in worth_of:
            return worth_of[name]
        if name in pending or name not in makers:
            return 0.0
        pending.add(name)
        least = min(
            (by_tonne(mode, prices) + sum(s.per_t * worth(s.store) for s in mode.inputs if s.store is not None))
            * share / per_t
            for mode, per_t, share in makers[name]
        )  # fmt: skip
        pending.discard(name)
        worth_of[name] = least
        return least

    return {store.name: worth(store.name) for store in plant.stores}


def credits(plant: Plant, data: SiteData) -> dict[str, dict[str, float]]:
    """Return the value of a tonne above the required final level of each store, by metric."""
    return {metric: values(plant, prices) for metric, prices in least_prices(plant, data).items()}


def slack_prices(plant: Plant, data: SiteData) -> dict[str, float]:
    """Return the price of a tonne that a store lacks or spills, by metric."""
    least = least_prices(plant, data)
    most = {
        metric: replace(prices, electricity=max(float(data.guide_per_mwh[metric].max()), 0.0))
        for metric, prices in least.items()
    }
    return {metric: DEAR * max(values(plant, prices).values(), default=0.0) or 1.0 for metric, prices in most.items()}


def bands(plant: Plant) -> dict[str, float]:
    """Return the largest credited excess of each final level: its fastest unit's output in an hour or step [t].

    A run ends with a step, so that a level seldom ends exactly as required; producing more is not the aim of a plan.
    """
    amounts = {store.name: 0.0 for store in plant.stores}
    for units in plant.units if plant.credits else ():
        for mode in units.modes:
            for stream in mode.outputs:
                if stream.store is not None:
                    output_t = mode.rates.high * stream.per_t * max(BAND_H, plant.hours)
                    amounts[stream.store] = max(amounts[stream.store], output_t)
    return amounts


def credited(plant: Plant, data: SiteData, ends: Mapping[str, float]) -> dict[str, float]:
    """Return the value of final levels above the required ones, by metric; shortfalls count as negative.

    Args:
        plant: plant with the required levels.
        data: the site.
        ends: final level of each store [t].
    """
    band = bands(plant)
    more = {store.name: min(ends[store.name] - store.end_t, band[store.name]) for store in plant.stores}
    return {
        metric: sum(worth[name] * tonnes for name, tonnes in more.items())
        for metric, worth in credits(plant, data).items()
    }
