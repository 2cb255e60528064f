"""Small shops that can be worked out by hand, and a check of a list that knows nothing of how it was made."""

from __future__ import annotations

import math
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.case.line import Stage
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.state import State

MARKET = {"price_per_mwh": 50.0, "carbon_intensity_kg_per_mwh": 400.0}
SMALL = 1e-6


def scenario(line: dict[str, Any], orders: list[dict[str, Any]], **remaining: Any) -> Case:
    """A scenario from plain data; a day on quarter-hours unless said otherwise."""
    horizon = {"start": "2026-03-10T00:00+00:00", "length_h": 24.0, "step_min": 15.0, **remaining.pop("horizon", {})}
    built = resolve(
        Scenario.model_validate(
            {"name": "shop", "horizon": horizon, "line": line, "orders": orders, "market": MARKET, **remaining}
        )
    )

    assert not list(between_nouns(built)), list(between_nouns(built))
    return built


def one_machine(minutes: float = 30.0, power_mw: float = 12.0, **unit: Any) -> dict[str, Any]:
    """One stage with one unit."""
    return {
        "stages": [{"name": "work", "units": [{"name": "M", "power_mw": power_mw, **unit}]}],
        "grades": [{"name": "G", "mass_t": 10.0, "duration_min": {"work": minutes}}],
    }


def melt_shop(**remaining: Any) -> dict[str, Any]:
    """One furnace 45 min 40 MW, one ladle furnace 30 min 4 MW, one caster 45 min 1 MW; transfers 15 min."""
    return {
        "stages": [
            {"name": "melting", "units": [{"name": "F", "power_mw": 40.0}], "transfer_min": 15, "longest_wait_min": 60},
            {"name": "ladle", "units": [{"name": "L", "power_mw": 4.0}], "transfer_min": 15, "longest_wait_min": 45},
            {"name": "casting", "campaign": True, "units": [{"name": "C", "power_mw": 1.0, "setup_min": 30}]},
        ],
        "heat_loss": {"rate_k_per_min": 0.5, "reheat_kwh_per_t_k": 0.4, "reheating_stage": "ladle"},
        "grades": [{"name": "G", "mass_t": 100.0, "duration_min": {"melting": 45, "ladle": 30, "casting": 45}}],
        **remaining,
    }


def cast(name: str = "A", count: int = 2, **remaining: Any) -> dict[str, Any]:
    """An order of equal heats."""
    return {"name": name, "heats": [{"grade": "G", "count": count}], **remaining}


def edited(schedule: xr.Dataset, heat: str, stage: str, shift_min: float) -> xr.Dataset:
    """The schedule with one operation moved."""
    listing = schedule.copy(deep=True)
    for name in ("start_min", "end_min"):
        listing[name].loc[{"heat": heat, "stage": stage}] += shift_min
    return listing


def broken_limits(case: Case, schedule: xr.Dataset, planned: xr.DataArray) -> list[str]:
    """Every hard limit that a list breaks, worked out minute by minute from the scenario alone."""
    line, minutes = case.line, case.horizon.minutes
    items: list[str] = []
    by_unit: dict[str, list[tuple[float, float, str]]] = {}
    started = {(item.heat, item.stage): item for item in case.state.started}
    for heat in case.heats:
        rows: list[tuple[Stage, str, float, float, float]] = []
        for stage in line.route(heat.grade):
            row = schedule.sel(heat=heat.name, stage=stage.name)
            unit, start = str(row["unit"].item()), float(row["start_min"])
            if not unit:
                items.append(f"{heat.name} {stage.name}: no place")
                continue
            nominal = line.duration_min(heat.grade, unit)
            assert nominal is not None
            if (heat.name, stage.name) not in started:
                if start < max(heat.release_min, 0) - SMALL:
                    items.append(f"{heat.name} {stage.name}: before its release")
                on_raster = abs(start / case.horizon.step_min - round(start / case.horizon.step_min)) < SMALL
                if not on_raster and not stage.campaign:
                    items.append(f"{heat.name} {stage.name}: off the raster")
            end = start + float(planned.sel(heat=heat.name, unit=unit))
            if (heat.name, stage.name) in started and start + nominal <= 0 and not stage.campaign:
                end = start + nominal  # over already
            if rows:
                before, from_unit, before_start, before_end, before_nominal = rows[-1]
                if start < before_end + line.transfer_min(from_unit, unit) - SMALL:
                    items.append(f"{heat.name} {stage.name}: before it arrives")
                if before.longest_wait_min is not None:
                    lag = start - before_start - before_nominal
                    if lag > before.longest_wait_min + SMALL:
                        items.append(f"{heat.name} {stage.name}: waits {lag:g}")
            rows.append((stage, unit, start, end, nominal))
            by_unit.setdefault(unit, []).append((start, end, heat.order))
            for outage in case.state.outages:
                if outage.unit == unit and start < minutes(outage.end) - SMALL and end > minutes(outage.start) + SMALL:
                    items.append(f"{heat.name} {stage.name}: in an outage")
        if rows and rows[-1][3] > heat.due_min + SMALL:
            items.append(f"{heat.name}: ends {rows[-1][3]:g} after due {heat.due_min:g}")
    for unit, spans in by_unit.items():
        spans.sort()
        campaign = line.stage_of[unit].campaign
        for (_, over, order), (start, _, following) in pairwise(spans):
            same = campaign and order == following
            if same and abs(start - over) > SMALL:
                items.append(f"{unit}: gap {start - over:g} in cast {order}")
            if not same and start < over + line.unit[unit].setup_min - SMALL:
                items.append(f"{unit}: taken twice at {start:g}")
        if campaign:
            orders = [order for _, _, order in spans]
            if len(set(orders)) != sum(a != b for a, b in zip([None, *orders], orders, strict=False)):
                items.append(f"{unit}: casts are mixed")
    limit = case.site.grid.import_limit_mw
    worst = float(schedule["meter_mw"].max())
    if limit is not None and worst > limit + SMALL:
        items.append(f"import {worst:g} above {limit:g}")
    return items


def energy_mwh(flow: xr.DataArray, case: Case) -> float:
    """Energy of a flow over the horizon."""
    return float(flow.sum()) * case.horizon.step_h


def same(run: xr.Dataset, schedule: xr.Dataset) -> bool:
    """Whether a run starts every operation on the unit and at the time that the schedule says."""
    table = {
        (str(heat), str(stage)): (str(row["unit"].item()), float(row["start_min"]))
        for heat in schedule["heat"].values
        for stage in schedule["stage"].values
        if str((row := schedule.sel(heat=heat, stage=stage))["unit"].item())
    }
    columns = (run[f"op_{name}"].values for name in ("heat", "stage", "unit", "start_min"))
    got = {
        (str(heat), str(stage)): (str(unit), float(start)) for heat, stage, unit, start in zip(*columns, strict=True)
    }
    return table.keys() == got.keys() and all(
        table[key][0] == got[key][0] and math.isclose(table[key][1], got[key][1], abs_tol=SMALL) for key in table
    )


def op(run: xr.Dataset, heat: str, stage: str) -> dict[str, Any]:
    """Figures of one operation."""
    row = int(np.flatnonzero((run["op_heat"].values == heat) & (run["op_stage"].values == stage))[0])
    return {str(name)[3:]: run[name].values[row] for name in run.data_vars if str(name).startswith("op_")}


def violations(run: xr.Dataset) -> list[Any]:
    """Kind, heat, when, amount and measure of every violation."""
    columns = ("kind", "heat", "at_min", "amount", "measure")
    return list(zip(*(run[f"violation_{name}"].values.tolist() for name in columns), strict=True))


def at(case: Case, schedule: xr.Dataset, minutes: float) -> Case:
    """The scenario as it stands some minutes later, the schedule followed until then without disturbance."""
    horizon, gone = case.horizon, timedelta(minutes=minutes)

    def later(moment: Any) -> timedelta | None:
        return None if moment is None else max(timedelta(minutes=horizon.minutes(moment)) - gone, timedelta(0))

    started = []
    for heat in schedule["heat"].values.tolist():
        for stage in schedule["stage"].values.tolist():
            row = schedule.sel(heat=heat, stage=stage)
            start, unit = float(row["start_min"]), str(row["unit"].item())
            if unit and start <= minutes:
                started.append(
                    {"heat": heat, "stage": stage, "unit": unit, "start": timedelta(minutes=start - minutes)}
                )
    orders = [
        order.model_copy(update={"release": later(order.release), "due": later(order.due)}) for order in case.orders
    ]
    first = horizon.start_utc + gone
    changed_case = case.model_copy(
        update={
            "horizon": Horizon(start=first, length_h=horizon.length_min / 60 - minutes / 60, step_min=horizon.step_min),
            "orders": tuple(orders),
            "locks": (),
            "state": State.model_validate({"started": started}),
        }
    )
    return resolve(Scenario.model_validate(changed_case.model_dump()))
