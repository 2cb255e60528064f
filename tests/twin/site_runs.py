"""Small sites in the twin: their assets, runs by the baseline rules and by set-points, and what the runs say."""

from __future__ import annotations

from typing import Any

import hubs
import numpy as np
import xarray as xr
from closure import closure

from emberline.scenarios import Case
from emberline.twin import dispatch, replay, simulate
from emberline.twin.site.site import variables

GAS = hubs.GAS
BOILER: dict[str, Any] = {
    "kind": "boiler", "name": "boiler", "heat_mw": 8.0, "fuel": "gas", "heat": "heat", "efficiency": 0.8,
}  # fmt: skip
CHP: dict[str, Any] = {
    "kind": "chp", "name": "chp", "electric_mw": 4.0, "fuel": "gas", "heat": "heat",
    "electric_efficiency": 0.4, "heat_efficiency": 0.4,
}  # fmt: skip
PUMP: dict[str, Any] = {"kind": "heat_pump", "name": "pump", "electric_mw": 2.0, "heat": "heat", "cop": 3.0}
TANK: dict[str, Any] = {"kind": "storage", "name": "tank", "carrier": "heat", "capacity": 10.0}
STEAM: dict[str, Any] = {"kind": "supply", "name": "steam", "carrier": "heat", "price_per_unit": 50.0}
VENT: dict[str, Any] = {"kind": "vent", "name": "vent", "carrier": "heat"}
RECOVERY: dict[str, Any] = {
    "kind": "waste_heat_recovery", "name": "recovery", "heat_mw": 3.0, "source": "hot", "heat": "heat",
    "efficiency": 0.5, "electric_mwh_per_mwh": 0.1,
}  # fmt: skip
HOT: list[dict[str, Any]] = [{"name": "hot", "waste": True}]
HYDROGEN: list[dict[str, Any]] = [{"name": "h2", "unit": "t"}]
CLOSED = 1e-9


def hub(*assets: dict[str, Any], **remaining: Any) -> Case:
    """A small site as long as its lists, which are values by hour."""
    rows = [value for part in (*assets, remaining) for value in part.values()]
    length = max((len(v) for v in rows if isinstance(v, list) and not isinstance(v[0], dict)), default=1)
    return hubs.hub(*assets, **{"hours": float(length)} | remaining)


def needs(*rates: float, carrier: str = "heat") -> dict[str, Any]:
    return {"kind": "load", "name": f"{carrier}-load", "carrier": carrier, "rate": list(rates)}


def comes(*rates: float, carrier: str = "hot") -> dict[str, Any]:
    return {"kind": "source", "name": f"{carrier}-source", "carrier": carrier, "rate": list(rates)}


def ruled_once(scenario: Case) -> xr.Dataset:
    """The baseline run; it closes."""
    run = simulate(scenario)
    assert unexplained(scenario, run) <= CLOSED
    return run


def ruled(scenario: Case) -> xr.Dataset:
    """The baseline run; it closes, and following it does the same again."""
    run = ruled_once(scenario)
    again = replay(scenario, dispatch(scenario))
    if not missed(run):
        assert not missed(again)
    for name in ("asset_rate", "asset_level", "asset_on", "dumped_rate", "import_mw", "export_mw", "meter_mw"):
        np.testing.assert_allclose(again[name], run[name], atol=1e-9)
    return run


def run_at(scenario: Case, on: dict[str, list[float]] | None = None, **flows: list[float]) -> xr.Dataset:
    """A replay of the baseline schedule with other set-points; flows by label, two underscores for a full stop.

    A machine of which only the flow is given is on where it flows.
    """
    schedule = dispatch(scenario).assign_attrs(policy="schedule")
    for name, values in flows.items():
        label = name.replace("__", ".")
        schedule["asset_rate"].loc[{"flow": label}] = values
        if label.endswith(".main"):
            schedule["asset_on"].loc[{"machine": label[:-5]}] = (np.array(values) != 0).astype(float)
    for machine, shares in (on or {}).items():
        schedule["asset_on"].loc[{"machine": machine}] = shares
    run = replay(scenario, schedule)
    assert unexplained(scenario, run) <= CLOSED
    return run


def unexplained(scenario: Case, run: xr.Dataset, line_gives: dict[str, np.ndarray] | None = None) -> float:
    """What neither flows nor shortage and surplus explain."""
    result = closure(scenario, run, line_gives)
    for kind, name, at, amount, _ in missed(run):
        if kind in ("shortage", "surplus"):
            rate = amount / scenario.horizon.step_h
            result.carriers[name][int(at // scenario.horizon.step_min)] -= rate if kind == "surplus" else -rate
    return result.worst


def rates(run: xr.Dataset, label: str) -> list[float]:
    return [round(float(value), 9) + 0.0 for value in run["asset_rate"].sel(flow=label)]


def levels(run: xr.Dataset, store: str) -> list[float]:
    return [round(float(value), 9) for value in run["asset_level"].sel(store=store)]


def missed(run: xr.Dataset) -> list[tuple[Any, ...]]:
    """Kind, whose, when, amount and measure of each violation."""
    columns = ("kind", "unit", "at_min", "amount", "measure")
    return list(zip(*(run[f"violation_{name}"].values.tolist() for name in columns), strict=True))


def dataset(scenario: Case, flows: dict[str, Any]) -> xr.Dataset:
    """Flows of ``balance`` as a dataset."""
    table = {name: value for name, value in flows.items() if name != "meter_mw"}
    return xr.Dataset(variables(table), coords={"time": scenario.horizon.times})
