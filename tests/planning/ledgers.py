"""Sites and flows written down by hand, for the tests of bill and ledger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.flows.asset_flows import label
from emberline.scenarios.reading.factor_table import bundled
from emberline.scenarios.records.emissions import READ

GAS = {"kind": "supply", "name": "gas", "carrier": "gas", "price_per_unit": 30.0, "fossil_kg_per_unit": 200.0}
ENGINE = {
    "kind": "gas_engine", "name": "engine", "electric_mw": 8.0, "fuel": "gas", "heat": "steam",
    "electric_efficiency": 0.4, "heat_efficiency": 0.4,
}  # fmt: skip


def site(*assets: dict[str, Any], hours: int = 2, **remaining: Any) -> Case:
    """A site of assets on hourly steps; carriers gas, steam and heat in MWh, off-gas that is waste, oxygen in t."""
    table = {"price_per_mwh": 100.0, "carbon_intensity_kg_per_mwh": 300.0, **remaining.pop("market", {})}
    market = {name: value for name, value in table.items() if value is not None}
    more = {"grid": {"export_limit_mw": 50.0, "metered_interval_min": 60}, **remaining.pop("site", {})}
    named: list[dict[str, Any]] = [{"name": name} for name in ("gas", "steam", "heat")]
    named += [{"name": "off_gas", "waste": True}, {"name": "oxygen", "unit": "t"}]
    built = resolve(
        Scenario.model_validate(
            {
                "name": "site",
                "horizon": {"start": "2026-01-05", "length_h": hours, "step_min": 60},
                "market": market,
                "site": {"carriers": named, "assets": list(assets), **more},
                **remaining,
            },
            context={"currency": "EUR", READ: lambda _: bundled()},
        )
    )

    assert not list(between_nouns(built)), list(between_nouns(built))
    return built


def flows(
    scenario: Case,
    moves: Mapping[tuple[str, str], Sequence[float]] | None = None,
    on: Mapping[str, Sequence[float]] | None = None,
    **power: Any,
) -> xr.Dataset:
    """A dataset with the flows of table ``FLOWS`` that bill and ledger read.

    Args:
        scenario: of which they are.
        moves: what assets deliver per hour, by asset and key.
        on: whether machines are on.
        power: variables in MW by step, zero unless given.
    """
    n = scenario.horizon.n_steps
    names = ("line_mw", "charge_mw", "discharge_mw", "import_mw", "export_mw", "battery_mwh")
    table = {name: np.asarray(power.get(name, np.zeros(n)), float) for name in names}
    data = xr.Dataset({name: ("time", values) for name, values in table.items()}, {"time": scenario.horizon.times})
    meter = scenario.site.grid.metered_interval_min
    net = table["import_mw"] - table["export_mw"]
    per = scenario.horizon.step_min / meter
    metered = np.repeat(net, round(per)) if per >= 1 else net.reshape(-1, round(1 / per)).mean(axis=1)
    data["meter_mw"] = ("meter", metered)
    # no operation: a schedule of a site alone
    data = data.assign_coords(heat=np.array([], "U1"), stage=np.array([], "U1"))
    for name in ("start_min", "end_min"):
        data[name] = (("heat", "stage"), np.zeros((0, 0)))
    moved = {(asset, key): np.asarray(values, float) for (asset, key), values in (moves or {}).items()}
    moved[scenario.site.base_load.name, ""] = -np.asarray(power.get("base_load_mw", np.zeros(n)), float)
    if scenario.site.sun is not None:
        moved[scenario.site.sun.name, ""] = np.asarray(power.get("pv_mw", np.zeros(n)), float)
    for asset in scenario.site.assets:
        core = scenario.site.cores.get(asset.name)
        keys = list(core.flows) if core else ["in", "out"] if asset.kind == "storage" else [""]
        for key in keys:
            moved.setdefault((asset.name, key), np.zeros(n))
    data["asset_rate"] = (("flow", "time"), np.array(list(moved.values())))
    running = {name: np.asarray((on or {}).get(name, np.ones(n)), float) for name in scenario.site.cores}
    data["asset_on"] = (("machine", "time"), np.array(list(running.values())).reshape(len(running), n))
    data = data.assign_coords(flow=[label(*key) for key in moved], machine=np.array(list(running), "U20"))
    return data


def with_heats(scenario: Case, data: xr.Dataset, heat_mwh: np.ndarray) -> xr.Dataset:
    """The same as a run whose heats draw ``heat_mwh``, shape (n_heats, n_steps); each is an hour in the first stage."""
    names = [heat.name for heat in scenario.heats]
    hours = scenario.horizon.step_h
    data = data.drop_vars(["start_min", "end_min", "heat", "stage"])
    data["line_mw"] = ("time", heat_mwh.sum(axis=0) / hours)
    data["heat_mwh"] = (("heat", "time"), heat_mwh)
    stage = scenario.line.stages[0].name
    for name, values in (
        ("op_heat", names),
        ("op_stage", [stage] * len(names)),
        ("op_start_min", [0.0] * len(names)),
        ("op_end_min", [60.0] * len(names)),
    ):
        data[name] = ("operation", np.array(values))
    return data.assign_coords(heat=names)
