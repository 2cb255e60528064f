"""Small sites without a line, solvable by hand, for the tests of assets."""

from __future__ import annotations

from typing import Any

import xarray as xr

from emberline import models
from emberline.models.explain.shadow_prices import shadow_prices
from emberline.scenarios import Case, Scenario
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.flows.asset_flows import accounts, flow

GAS = {"kind": "supply", "name": "gas", "carrier": "gas", "price_per_unit": 30.0, "fossil_kg_per_unit": 200.0}
BOILER = {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "heat", "heat_mw": 20, "efficiency": 0.9}
ELECTRODE = {
    "kind": "boiler",
    "name": "electrode",
    "fuel": "electricity",
    "heat": "heat",
    "heat_mw": 20,
    "efficiency": 1,
}
ENGINE = {"kind": "gas_engine", "name": "engine", "fuel": "gas", "electric_mw": 10, "electric_efficiency": 0.4}


def hub(
    *assets: dict[str, Any], hours: float = 4.0, step_min: float = 60.0, price: Any = 100.0, export: Any = None,
    carriers: str = "gas heat", intensity: Any = 300.0, minimize: str = "cost", carbon: dict[str, Any] | None = None,
    grid: dict[str, Any] | None = None, horizon: dict[str, Any] | None = None, caps: dict[str, Any] | None = None,
    more: list[dict[str, Any]] | None = None, **site: Any,
) -> Case:  # fmt: skip
    """A site of assets. Lists are values by hour. Carriers: names in MWh, those of ``more`` as they are."""
    length = len(price) if isinstance(price, list) else hours
    named = [{"name": name} for name in carriers.split()] + (more or [])
    series: dict[str, list[float]] = {}

    def constant(place: str, value: Any) -> Any:
        if isinstance(value, list):
            series[place] = value
            return 0.0
        return value

    rows = []
    for asset in assets:
        flat = dict(asset)
        for key, value in asset.items():
            # by hour: known to the scenario as a series of a file would be
            if isinstance(value, list) and key in ("rate", "price_per_unit", "capacity_factor", "availability", "cop"):
                series[f"{asset['name']}.{'outputs.0' if key == 'cop' else key}"] = value
                flat[key] = {"csv": "given.csv", "column": key}
        rows.append(flat)
    market: dict[str, Any] = {
        "price_per_mwh": constant("price_per_mwh", price),
        "carbon_intensity_kg_per_mwh": constant("carbon_intensity_kg_per_mwh", intensity),
        "carbon_price": carbon or {},
    }
    if export is not None:
        market["export_price_per_mwh"] = constant("export_price_per_mwh", export)
    base = constant("base_load_mw", site.pop("base", 0.0))
    raw = {
        "name": "hub",
        "horizon": horizon or {"start": "2026-01-05", "length_h": length, "step_min": step_min},
        "market": market,
        "site": {"grid": grid or {}, "base_load_mw": base, "carriers": named, "assets": rows, **site},
        "goal": {"minimize": minimize, "gap": 0.0, "effort": 60.0, "caps": caps or {"extra_cost_share": None}},
    }
    scenario = Scenario.model_validate(raw, context={"currency": "EUR"})
    return _with(scenario, series)


def _with(scenario: Scenario, series: dict[str, list[float]]) -> Case:
    """The scenario with series by hour, each repeated over the steps of the hour."""
    import numpy as np

    per = round(60 / scenario.horizon.step_min)
    times = scenario.horizon.times
    zeros = np.zeros(len(times))
    market = scenario.market
    columns = {
        "price_per_mwh": zeros + (market.price_per_mwh.value or 0.0),
        "export_price_per_mwh": zeros
        + (market.export_price_per_mwh.value or 0.0 if market.export_price_per_mwh else 0),
        "carbon_intensity_kg_per_mwh": zeros + (market.carbon_intensity_kg_per_mwh.value or 0.0),
        "base_load_mw": zeros + (scenario.site.base_load_mw.value or 0.0),
        "pv_available_mw": zeros + (scenario.site.pv.peak_mw if scenario.site.pv else 0.0),
    }
    part = {name: np.repeat(values, per) for name, values in series.items()}
    columns.update({name: values for name, values in part.items() if name in columns})
    labels = [name for name in part if name not in columns]
    data = xr.Dataset({name: ("time", values) for name, values in columns.items()}, coords={"time": times})
    if labels:
        table = np.array([part[name] for name in labels])
        data = data.assign(asset_values=(("series", "time"), table)).assign_coords(series=labels)
    result = Case.of(scenario, data.assign_attrs(currency="EUR", zone="UTC"))
    assert not list(between_nouns(result))
    return result


ENVELOPE = xr.Dataset({"battery_level_mwh": ((), 0.0)})


def plan(scenario: Case, **how: Any) -> xr.Dataset:
    """The optimum, its figures checked against plain arithmetic on its flows."""
    data = models.optimize(scenario, ENVELOPE, **how)
    if data.attrs["found"]:
        assert abs(money(scenario, data) - objective(scenario, data)) <= 1e-6 * max(abs(data.attrs["objective"]), 1)
    return data


def money(scenario: Case, data: xr.Dataset) -> float:
    """The goal's figure from the flows alone."""
    hours, inputs, market = scenario.horizon.step_h, scenario.inputs, scenario.market
    result, source = data["import_mw"].values * hours, data["export_mw"].values * hours
    carbon = float(result @ inputs["carbon_intensity_kg_per_mwh"].values)
    cost = float(result @ inputs["price_per_mwh"].values - source @ inputs["export_price_per_mwh"].values)
    full = cost + market.carbon_price.on_grid * carbon / 1000
    for account in accounts(scenario, data) if "asset_rate" in data else ():
        sums = account.totals
        cost += sums["cost"]
        carbon += sums["scope1_kg"] + sums["scope2_kg"]
        full += sums["cost"] + market.carbon_price.on_direct * sums["scope1_kg"] / 1000
        full += market.carbon_price.on_grid * sums["scope2_kg"] / 1000
    return {"carbon": carbon, "cost": cost, "cost_with_carbon_price": full}[scenario.goal.minimize]


def objective(scenario: Case, data: xr.Dataset) -> float:
    """The goal's figure as the model tells it."""
    return float(data.attrs["objective"] + data.attrs["constant"])


def best(scenario: Case) -> float:
    """The proven optimum."""
    result = plan(scenario)
    assert result.attrs["status"] == "within gap", result.attrs["reason"]
    assert result.attrs["gap"] <= 1e-7
    return objective(scenario, result)


def amounts(data: xr.Dataset, asset: str, key: str = "") -> list[float]:
    """What a flow delivers per hour in each step, rounded."""
    return [round(float(value), 6) + 0.0 for value in flow(data, asset, key)]


def prices(scenario: Case) -> xr.Dataset:
    """Shadow prices."""
    data = shadow_prices(scenario, ENVELOPE)
    assert data is not None
    return data
