"""A case in Emberline: the same numbers as a scenario, planned as every site without a line is."""

from __future__ import annotations

import math
import time

BEGAN = time.process_time()

from collections.abc import Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from typing import Any  # noqa: E402
from unittest.mock import patch  # noqa: E402

import numpy as np  # noqa: E402
import pyomo.core as pyo  # noqa: E402
import xarray as xr  # noqa: E402

from benchmarks.peers.hub import START, Generator, HubCase, Store  # noqa: E402
from benchmarks.peers.protocol import BUILD, HAND_OVER, Phase, answer, untimed  # noqa: E402
from emberline.models.formulations import whole_site  # noqa: E402
from emberline.models.formulations.site import objective as aims  # noqa: E402
from emberline.models.formulations.whole_site import SiteModel  # noqa: E402
from emberline.models.kernel.highs import Program  # noqa: E402
from emberline.models.problem import site as sites  # noqa: E402
from emberline.models.search import first_goal as hubs  # noqa: E402
from emberline.scenarios import Case, Scenario  # noqa: E402

LIMIT_S = 300.0
NO_BATTERY = xr.Dataset({"battery_level_mwh": ((), 0.0)})
"""All that the twin has to say of a case."""


def scenario(case: HubCase) -> Case:
    """The case as a scenario, its series given by hour."""
    series: dict[str, list[float]] = {}

    def by_hour(label: str, values: list[float]) -> dict[str, str]:
        series[label] = values
        return {"csv": "case.csv", "column": label}

    assets: list[dict[str, Any]] = [
        {"kind": "supply", "name": f.name, "carrier": f.name, "price_per_unit": f.price,
         "fossil_kg_per_unit": f.kg_per_mwh}
        for f in case.fuels
    ]  # fmt: skip
    assets += [
        {"kind": "load", "name": d.name, "carrier": d.bus, "rate": by_hour(f"{d.name}.rate", d.mw)} for d in case.loads
    ]
    assets += [
        {"kind": "pv", "name": s.name, "peak_mw": s.peak_mw,
         "capacity_factor": by_hour(f"{s.name}.capacity_factor", s.factor)}
        for s in case.solar
    ]  # fmt: skip
    assets += [
        {"kind": "chp", "name": c.name, "electric_mw": c.electric_mw, "fuel": c.fuel, "heat": "heat",
         "electric_efficiency": c.electric_efficiency, "heat_efficiency": c.heat_efficiency,
         "min_load": c.min_load, "start_cost": c.start_cost}
        for c in case.chps
    ]  # fmt: skip
    assets += [
        {"kind": "boiler", "name": b.name, "heat_mw": b.heat_mw, "fuel": b.fuel, "heat": "heat",
         "efficiency": b.efficiency}
        for b in case.boilers
    ]  # fmt: skip
    assets += [
        {"kind": "heat_pump", "name": p.name, "electric_mw": p.electric_mw, "heat": "heat",
         "cop": by_hour(f"{p.name}.outputs.0", p.cop)}
        for p in case.heat_pumps
    ]  # fmt: skip
    assets += [_store(store) for store in case.stores]
    assets += [_generator(generator) for generator in case.generators]
    assets += [
        {"kind": "gas_engine", "name": e.name, "electric_mw": e.electric_mw, "fuel": e.fuel,
         "by_load": [{"load": load, "electric": 1 / per} for load, per in e.points]}
        for e in case.engines
    ]  # fmt: skip
    raw = {
        "name": case.name,
        "horizon": {"start": START.date().isoformat(), "length_h": case.hours, "step_min": 60},
        "market": {
            "price_per_mwh": 0.0,
            "export_price_per_mwh": 0.0,
            "carbon_intensity_kg_per_mwh": 0.0,
            "carbon_price": {"per_t": case.carbon_price_per_t, "covers": "direct"},
        },
        "site": {
            "grid": {
                "import_limit_mw": case.grid.import_limit_mw,
                "export_limit_mw": case.grid.export_limit_mw,
                "metered_interval_min": 60,
            },
            "carriers": [{"name": name} for name in case.buses if name != "electricity"],
            "assets": assets,
        },
        "goal": {"minimize": "cost_with_carbon_price", "gap": case.gap, "caps": {"extra_cost_share": None}},
    }
    scenario = Scenario.model_validate(raw, context={"currency": "EUR"})
    zero = np.zeros(case.hours)
    columns = {
        "price_per_mwh": np.array(case.grid.price),
        "export_price_per_mwh": np.array(case.grid.export_price),
        "carbon_intensity_kg_per_mwh": zero,
        "base_load_mw": zero,
        "pv_available_mw": zero,
    }
    inputs = xr.Dataset({name: ("time", values) for name, values in columns.items()}, {"time": scenario.horizon.times})
    inputs = inputs.assign(asset_values=(("series", "time"), np.array(list(series.values()))))
    inputs = inputs.assign_coords(series=list(series)).assign_attrs(currency="EUR", zone="UTC")
    return Case.of(scenario, inputs)


def _store(store: Store) -> dict[str, Any]:
    return {
        "kind": "storage", "name": store.name, "carrier": store.bus, "capacity": store.capacity_mwh,
        "in_rate": store.power_mw, "out_rate": store.power_mw, "in_efficiency": store.in_efficiency,
        "out_efficiency": store.out_efficiency, "self_loss_per_h": store.loss_per_h,
        "level_share": store.start_mwh / store.capacity_mwh,
    }  # fmt: skip


def _generator(g: Generator) -> dict[str, Any]:
    half = g.ramp_per_h / 2
    state: dict[str, Any] = {"on": g.on, "since_h": g.since_h}
    return {
        "kind": "gas_engine", "name": g.name, "electric_mw": g.electric_mw, "fuel": g.fuel, "min_load": g.min_load,
        "by_load": [{"load": g.min_load, "electric": 1 / g.fuel_at_least}, {"load": 1, "electric": 1 / g.fuel_at_full}],
        "start_cost": g.start_cost, "stop_cost": g.stop_cost, "min_up_h": g.min_up_h, "min_down_h": g.min_down_h,
        "ramp_up_per_h": g.ramp_per_h, "ramp_down_per_h": g.ramp_per_h,
        # here they are what it has, or leaves, at once: the mean of the hour lies half the ramp above
        "start_load": g.start_limit - half, "stop_load": g.stop_limit - half,
        "state": state | ({"load": g.load} if g.on else {}),
    }  # fmt: skip


def solve(case: HubCase, phase: Phase = untimed) -> tuple[float, str]:
    """Objective [EUR]: the plan's first goal, proven to the case's gap; the second, carbon among equals, is left out.

    Raises:
        RuntimeError: no optimum was proven.
    """
    result = scenario(case)
    data = sites.read(result, NO_BATTERY)
    aim = aims.read(result, data, {}, 0.0)
    began = time.perf_counter()
    seconds = {"build": 0.0, "first goal": 0.0}
    with _phases(phase):
        _, outcome = hubs.minimize_first(
            data, aim, None, lambda: LIMIT_S - (time.perf_counter() - began), seconds, gap=case.gap
        )
    if outcome.status != "optimal" or outcome.objective is None or outcome.bound is None:
        raise RuntimeError(f"{case.name}: {outcome.status}")
    if not math.isclose(outcome.objective, outcome.bound, rel_tol=1e-7 + case.gap, abs_tol=1e-6):
        raise RuntimeError(f"{case.name}: {outcome.objective} is proven to {outcome.bound} only")
    return outcome.objective, ""


@contextmanager
def _phases(phase: Phase) -> Iterator[None]:
    """Tell the phases of a model's building; Emberline builds again where a store would burn a surplus."""
    build = whole_site.build

    def building(*args: Any, **how: Any) -> SiteModel:
        phase(BUILD)
        return build(*args, **{**how, "program": handing_over})

    def handing_over(model: pyo.ConcreteModel) -> Program:
        phase(HAND_OVER)
        return Program(model)

    with patch.object(hubs, "build", building):
        yield


if __name__ == "__main__":
    answer(solve, ("pyomo",), time.process_time() - BEGAN)
