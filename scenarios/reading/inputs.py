"""The series of a scenario: where each stands, and all of them on the scenario's steps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from emberline.scenarios.assets import Wanted
from emberline.scenarios.assets.quantity import unit_in
from emberline.scenarios.reading.series import Resolved, Series, read_forecast, resolve

if TYPE_CHECKING:
    from emberline.scenarios.records.scenario import Scenario

MOST_SHARE = 1.2
"""Capacity factors are at most 1; measured ones lie a little above now and then."""


def series_of(scenario: Scenario) -> Iterator[tuple[str, tuple[str | int, ...], Series, str]]:
    """Name in ``INPUTS``, place in the scenario, series and unit of measure, for each series that is given.

    The name of an asset's series is its label in the coordinate ``series`` of ``asset_values``.
    """
    money = f"{scenario.market.currency}/MWh"
    yield "price_per_mwh", ("market", "price_per_mwh"), scenario.market.price_per_mwh, money
    for contract_number, contract in enumerate(scenario.market.contracts):
        profile: Series | None = getattr(contract, "mw", None)
        if profile is not None:
            yield contract.name, ("market", "contracts", contract_number, "mw"), profile, "MW"
    for side in ("short_price_per_mwh", "long_price_per_mwh"):
        price: Series | None = getattr(scenario.market.imbalance, side, None)
        if price is not None:
            yield side, ("market", "imbalance", side), price, money
    if scenario.market.export_price_per_mwh is not None:
        yield "export_price_per_mwh", ("market", "export_price_per_mwh"), scenario.market.export_price_per_mwh, money
    intensity = "carbon_intensity_kg_per_mwh"
    yield intensity, ("market", intensity), scenario.market.carbon_intensity_kg_per_mwh, "kg/MWh"
    marginal = scenario.market.marginal_carbon_intensity_kg_per_mwh
    if marginal is not None:
        yield f"marginal_{intensity}", ("market", f"marginal_{intensity}"), marginal, "kg/MWh"
    if scenario.market.residual_kg_per_mwh is not None:
        yield "residual_kg_per_mwh", ("market", "residual_kg_per_mwh"), scenario.market.residual_kg_per_mwh, "kg/MWh"
    for field in ("deliveries", "arrivals"):
        for i, item in enumerate(getattr(scenario, field)):
            if item.rate is not None:
                yield item.name, (field, i, "rate"), item.rate, "t/h"
    yield "base_load_mw", ("site", "base_load_mw"), scenario.site.base_load_mw, "MW"
    if scenario.site.pv is not None:
        yield "pv_available_mw", ("site", "pv", "capacity_factor"), scenario.site.pv.capacity_factor, ""
    for i, asset in enumerate(scenario.site.assets):
        for wanted in asset.wants():
            yield (
                series_name(asset.name, wanted),
                ("site", "assets", i, *wanted.place),
                wanted.series,
                _unit(scenario, wanted),
            )


def _unit(scenario: Scenario, wanted: Wanted) -> str:
    carrier = scenario.site.carrier.get(wanted.carrier)
    return unit_in(wanted.unit, carrier.unit if carrier else "MWh", scenario.market.currency)


def series_name(asset: str, wanted: Wanted) -> str:
    """Label of an asset's series in ``inputs``."""
    return f"{asset}.{wanted.key}"


def series_of_asset(scenario: Scenario, name: str) -> dict[str, np.ndarray]:
    """The series of an asset by key (``Wanted.key``), each of shape (n_steps,); what is constant included."""
    asset = next(asset for asset in scenario.site.assets if asset.name == name)
    core = scenario.site.cores.get(name, asset)
    given, places = scenario.inputs, {}
    if "asset_values" in given:
        places = {str(label): i for i, label in enumerate(given["series"].values)}
    found = {}
    for wanted in core.wants():
        place = places.get(series_name(name, wanted))
        if place is not None:
            found[wanted.key] = given["asset_values"].values[place]
        else:
            value = (wanted.series.value or 0.0) * wanted.series.scale
            found[wanted.key] = np.full(scenario.horizon.n_steps, value)
    return found


def resolve_one(scenario: Scenario, name: str, series: Series, unit: str) -> Resolved:
    """One series on the scenario's steps."""
    found = resolve(series, scenario.horizon, unit, scenario.folder)
    if series.forecast is not None and series.forecast.published is None:
        read_forecast(series.forecast, scenario.folder)
    lowest = found.values.min()
    if not unit.startswith(f"{scenario.market.currency}/") and lowest < 0:
        raise ValueError(f"{found.source}: negative value {lowest:g} {unit}")
    share = name == "pv_available_mw" or name.endswith((".capacity_factor", ".availability"))
    if share and found.values.max() > MOST_SHARE:
        raise ValueError(f"{found.source}: {found.values.max():g} is no share of a capacity; at most 1, or write %")
    return found


def resolve_all(scenario: Scenario) -> xr.Dataset:
    """All series of a scenario on its steps, a dataset of table ``INPUTS``.

    Raises:
        ValueError: a series cannot be had.
    """
    columns: dict[str, Any] = {}
    assets: dict[str, Resolved] = {}
    profiles: dict[str, Resolved] = {}
    flows: dict[str, dict[str, Resolved]] = {"deliveries": {}, "arrivals": {}}
    for name, path, series, unit in series_of(scenario):
        if path[0] in ("deliveries", "arrivals"):
            flows[str(path[0])][name] = resolve_one(scenario, name, series, unit)
            continue
        several = {"assets": assets, "contracts": profiles}.get(str(path[1]))
        if several is not None:
            # what is constant is not written down for every step
            if series.value is None:
                several[name] = resolve_one(scenario, name, series, unit)
            continue
        found = resolve_one(scenario, name, series, unit)
        attrs = {"source": found.source, "filled": found.filled, "first_filled": found.first_filled}
        columns[name] = ("time", found.values, attrs)
    zeros = np.zeros(scenario.horizon.n_steps)
    columns.setdefault("export_price_per_mwh", ("time", zeros, {"source": "none", "filled": 0, "first_filled": ""}))
    pv = columns.get("pv_available_mw", ("time", zeros, {"source": "none", "filled": 0, "first_filled": ""}))
    columns["pv_available_mw"] = ("time", pv[1] * (scenario.site.pv.peak_mw if scenario.site.pv else 0.0), pv[2])
    data = xr.Dataset(columns, coords={"time": scenario.horizon.times})
    for variable, label, rows in (("asset_values", "series", assets), ("contract_mw", "contract", profiles)):
        if rows:
            data = data.assign({variable: _together(label, rows)}).assign_coords({label: list(rows)})
    for variable, label, items, told in (
        ("demand_tph", "demand", scenario.demands, flows["deliveries"]),
        ("arrival_tph", "arrival", scenario.arrivals, flows["arrivals"]),
    ):
        if items:
            values = [
                item.rate_tph(scenario.horizon, told[item.name].values if item.name in told else None) for item in items
            ]
            rows = {
                item.name: Resolved(v, *told[item.name].origin) if item.name in told else Resolved(v, "weekly")
                for item, v in zip(items, values, strict=True)
            }
            data = data.assign({variable: _together(label, rows)}).assign_coords({label: list(rows)})
    return data.assign_attrs(currency=scenario.market.currency, zone=scenario.horizon.zone)


def _together(label: str, rows: dict[str, Resolved]) -> tuple[tuple[str, str], np.ndarray, dict[str, Any]]:
    """Several series as one variable."""
    filled = {name: found for name, found in rows.items() if found.filled}
    attrs = {
        "source": ", ".join(sorted({found.source for found in rows.values()})),
        "filled": sum(found.filled for found in filled.values()),
        "first_filled": next((f"{name} {found.first_filled}" for name, found in filled.items()), ""),
    }
    return (label, "time"), np.array([found.values for found in rows.values()]), attrs
