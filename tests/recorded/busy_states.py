"""Busy lines next to a site with an engine, stores, limits and a tariff, and how they stand in the middle of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import busy_shops
import numpy as np
import xarray as xr
from small_works import Draw

from emberline import twin
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.reading.factor_table import bundled
from emberline.scenarios.records.emissions import READ
from emberline.twin.run import replay
from emberline.twin.state import later

ENERGY = [{"name": "block energy", "rates": [{"per_mwh": 9}, {"per_mwh": 4, "above_mwh": 150}]}]
MONTH = {"name": "month", "rates": [{"per_mw": 3000}], "ratchet": {"share": 0.8, "look_back_months": 2}}
DAY = {"name": "day", "rates": [{"per_mw": 90}], "assessed": "daily"}


def busy_state(seed: int) -> dict[str, Any]:
    """A busy line with a site around it, some of them at the end of a month, some with a past of the tariff."""
    draw = Draw(3000 + seed)
    raw = busy_shops.busy_shop(seed)
    start = draw.pick("2026-03-10T00:00", "2026-02-28T15:00", "2026-03-31T18:00")
    raw["horizon"] |= {"start": f"{start}+00:00", "zone": draw.pick("UTC", "Europe/Berlin")}
    raw["site"] |= {"carriers": [*raw["site"]["carriers"], {"name": "gas"}, {"name": "heat"}], "assets": _assets(draw)}
    raw["site"].pop("battery", None)
    if draw.chance(0.6):
        raw["site"]["battery"] = {"energy_mwh": 8.0, "power_mw": 5.0, "level_share": 0.5}
        if draw.chance(0.5):
            raw["site"]["battery"]["end_level_share"] = draw.even(0.2, 0.8)
    if draw.chance(0.7):
        demand = [item for item in (MONTH, DAY) if draw.chance(0.8)]
        raw["market"]["tariff"] = {"energy": ENERGY, "demand": demand}
        raw["market"]["tariff_before"] = {"energy_mwh": draw.even(0, 200)}
        names = [item["name"] for item in demand]
        if "month" in names:
            raw["market"]["tariff_before"] |= {
                "peak_mw": {"month": draw.even(10, 60)},
                "earlier_peak_mw": {"2026-01": {"month": draw.even(10, 60)}},
            }
        if "day" in names:
            raw["market"]["tariff_before"]["day_peak_mw"] = {"day": draw.even(10, 60)}
    else:
        raw["state"]["peak_so_far_mw"] = draw.even(0, 60)
    return raw


def _assets(draw: Draw) -> list[dict[str, Any]]:
    engine: dict[str, Any] = {
        "kind": "gas_engine", "name": "engine", "electric_mw": 4, "fuel": "gas", "heat": "heat",
        "electric_efficiency": 0.4, "heat_efficiency": 0.42, "min_load": draw.pick(0.0, 0.5),
    }  # fmt: skip
    if draw.chance(0.6):
        engine |= {"min_up_h": 4, "min_down_h": 3, "start_cost": 60}
    for key in ("ramp_up_per_h", "ramp_down_per_h"):
        if draw.chance(0.5):
            engine[key] = draw.pick(0.5, 1.5)
    if draw.chance(0.5):
        engine["state"] = {"on": draw.chance(0.5), "since_h": draw.pick(0.5, 30, 9999)}
        if engine["state"]["on"]:
            engine["state"]["load"] = 0.75
    store = {"kind": "storage", "name": "heat store", "carrier": "heat", "capacity": 12, "in_rate": 4, "out_rate": 4}
    if draw.chance(0.5):
        store |= {"level_share": 0.6, "end_level_share": draw.even(0.1, 0.9)}
    return [
        {"kind": "supply", "name": "gas grid", "carrier": "gas", "price_per_unit": 30, "factor": "natural_gas",
         "horizon_limit": draw.pick(40, 5000)},
        {"kind": "load", "name": "users", "carrier": "heat", "rate": 3},
        store,
        engine,
        {"kind": "boiler", "name": "boiler", "fuel": "gas", "heat": "heat", "heat_mw": 8, "efficiency": 0.92},
        {"kind": "converter", "name": "cooler", "carrier": "heat", "main": "input", "capacity": 10,
         "ramp_up_per_h": 2.0},
    ]  # fmt: skip


def built(raw: dict[str, Any]) -> Case:
    """A scenario whose factors are looked up in the bundled table."""
    return resolve(Scenario.model_validate(raw, context={"currency": "EUR", READ: lambda _: bundled()}))


def states(seed: int) -> Iterator[tuple[str, xr.Dataset]]:
    """What is handed on at four moments of a disturbed run whose engine, cooler and meter were altered."""
    scenario = built(busy_state(seed))
    run = replay(scenario, twin.dispatch(scenario), replication=1, disturbed=True)
    run = _altered(scenario, run, Draw(4000 + seed))
    length, whole = scenario.horizon.length_min, 60.0
    for begin in (0.0, whole, whole * (length // whole // 2), length - whole):
        window = later(scenario, run, begin, length)
        yield f"from {begin:g} min", _flat(window)
        yield f"run from {begin:g} min", replay(window, twin.dispatch(window), replication=2, disturbed=True)


def _altered(scenario: Case, run: xr.Dataset, draw: Draw) -> xr.Dataset:
    """A run whose machines go on and off at random, on ramps, and whose meter reads more and less than it drew."""
    n = run.sizes["time"]
    on = np.repeat(draw.rng.random(n) < 0.5, draw.pick(1, 2, 3))[:n]
    run = run.copy(deep=True)
    for name in run["machine"].values.tolist():
        run["asset_on"].loc[{"machine": name}] = on
    for name in run["flow"].values.tolist()[len(scenario.site.short) :]:
        run["asset_rate"].loc[{"flow": name}] = run["asset_rate"].sel(flow=name) + on * draw.rng.uniform(0, 4, n)
    run["asset_level"] += draw.rng.uniform(-2, 9, run["asset_level"].shape)
    run["battery_mwh"] += draw.rng.uniform(-2, 6, n)
    run["meter_mw"] += draw.rng.uniform(-40, 20, run.sizes["meter"])
    return run


def _flat(scenario: Case) -> xr.Dataset:
    """What a scenario says of its state, one attribute each."""
    dump = scenario.model_dump(mode="json", include={"state", "site", "orders", "locks"})
    dump["before"] = scenario.market.tariff_before.model_dump(mode="json")
    dump["horizon"] = [scenario.horizon.start_utc.isoformat(), scenario.horizon.n_steps]
    attrs: dict[str, Any] = {}

    def walk(value: Any, path: str) -> None:
        if isinstance(value, dict):
            for key, item in value.items():
                walk(item, f"{path}/{key}")
        elif isinstance(value, list):
            for i, item in enumerate(value):
                walk(item, f"{path}/{i}")
        elif value is not None:
            attrs[path] = value if isinstance(value, str) else float(value)

    walk(dump, "")
    return xr.Dataset(attrs=attrs)
