"""A linear case in linopy by hand: vectorised rows over the hours, handed over directly and without names."""

from __future__ import annotations

import time

BEGAN = time.process_time()

from typing import Any  # noqa: E402

import linopy  # type: ignore[import-not-found]  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import xarray as xr  # noqa: E402

from benchmarks.peers.hub import HubCase, Store  # noqa: E402
from benchmarks.peers.protocol import HAND_OVER, Phase, Unable, answer, untimed  # noqa: E402


def solve(case: HubCase, phase: Phase = untimed) -> tuple[float, str]:
    """Objective [EUR]."""
    if case.generators or case.engines:
        raise Unable("written for the linear hub only")
    model = _model(case)
    phase(HAND_OVER)
    status, condition = model.solve(
        solver_name="highs", io_api="direct", set_names=False, progress=False, threads=1, output_flag=False
    )
    if (status, condition) != ("ok", "optimal"):
        raise RuntimeError(f"{case.name}: {status}, {condition}")
    return float(model.objective.value), ""


def _model(case: HubCase) -> Any:
    m = linopy.Model()
    hours = pd.RangeIndex(case.hours, name="hour")

    def flow(name: str, upper: Any) -> Any:
        return m.add_variables(lower=0, upper=upper, coords=[hours], name=name)

    def series(values: Any) -> Any:
        return xr.DataArray(np.asarray(values, dtype=float), coords=[hours])

    grid = case.grid
    result, inputs = flow("import", grid.import_limit_mw), flow("export", grid.export_limit_mw)
    bought = {fuel.name: flow(fuel.name, np.inf) for fuel in case.fuels}
    terms: dict[str, list[Any]] = {name: [] for name in case.buses}
    terms["electricity"] += [1 * result, -1 * inputs]
    for name, fuel in bought.items():
        terms[name].append(1 * fuel)
    for sun in case.solar:
        terms["electricity"].append(1 * flow(sun.name, series(sun.factor) * sun.peak_mw))
    for chp in case.chps:
        outcome = flow(chp.name, chp.electric_mw)
        terms["electricity"].append(1 * outcome)
        terms["heat"].append(chp.heat_efficiency / chp.electric_efficiency * outcome)
        terms[chp.fuel].append(-1 / chp.electric_efficiency * outcome)
    for boiler in case.boilers:
        outcome = flow(boiler.name, boiler.heat_mw)
        terms["heat"].append(1 * outcome)
        terms[boiler.fuel].append(-1 / boiler.efficiency * outcome)
    for pump in case.heat_pumps:
        value = flow(pump.name, pump.electric_mw)
        terms["electricity"].append(-1 * value)
        terms["heat"].append(series(pump.cop) * value)
    for store in case.stores:
        _store(m, store, hours, flow, terms[store.bus])
    for name, parts in terms.items():
        rows = [load.mw for load in case.loads if load.bus == name]
        m.add_constraints(linopy.merge(parts), "=", series(np.sum(rows, axis=0)) if rows else 0, name=f"of {name}")
    costs = [series(grid.price) * result, series(grid.export_price) * inputs * -1]
    costs += [case.fuel_cost(name) * fuel for name, fuel in bought.items()]
    m.add_objective(linopy.merge(costs).sum())
    return m


def _store(m: Any, store: Store, hours: pd.RangeIndex, flow: Any, terms: list[Any]) -> None:
    put_in, out = flow(f"into {store.name}", store.power_mw), flow(f"out of {store.name}", store.power_mw)
    least, values = np.zeros(len(hours)), np.zeros(len(hours))
    least[-1], values[0] = store.start_mwh, store.start_mwh * (1 - store.loss_per_h)
    level = m.add_variables(
        lower=xr.DataArray(least, coords=[hours]),
        upper=store.capacity_mwh,
        coords=[hours],
        name=f"level of {store.name}",
    )
    stored = (1 - store.loss_per_h) * level.shift(hour=1)
    filled = store.in_efficiency * store.counted * put_in - store.counted / store.out_efficiency * out
    m.add_constraints(level - stored - filled, "=", xr.DataArray(values, coords=[hours]), name=f"of {store.name}")
    terms += [-1 * put_in, 1 * out]


if __name__ == "__main__":
    answer(solve, ("linopy",), time.process_time() - BEGAN)
