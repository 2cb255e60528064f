"""A line of few heats with its site as one program: a column for each way of each heat, and its proven optimum.

The ways are those of ``counted_shops``; what they draw is what the site of ``site_oracle`` has to deliver. A stored
plan is judged by the optimum and by its own files.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import counted_shops
import numpy as np
import plan_judge
import xarray as xr
from clock import Clock
from counted_shops import Item, Way
from milp import Optimum, Program, Sum, total
from process_oracle import Plant
from site_oracle import optimum, overlaps

from emberline.planning import Plan
from emberline.planning.answer import summary
from emberline.reports.exports.formats import programs
from emberline.runs.store.store import Store
from emberline.scenarios import Case

SERIES = {
    "price": "price_per_mwh", "intensity": "carbon_intensity_kg_per_mwh", "export": "export_price_per_mwh",
    "base": "base_load_mw", "pv": "pv_available_mw",
}  # fmt: skip
TOLERANCE = 1e-5
"""Of a solver, as a share; the oracle's gap is zero."""
MIN_DIFFERENCE = 1e-3
"""The same as money or kg."""
COLUMNS = ("line_mw", "import_mw", "export_mw", "charge_mw", "discharge_mw", "battery_mwh", "meter_mw")


@dataclass(frozen=True)
class Compared:
    """A plan and the oracle's answer."""

    oracle: Optimum
    faults: tuple[str, ...]
    """What must not be, in words."""
    short: str = ""
    """What should be better; empty: nothing."""


def compared(result: Plan, seconds: float = 60.0) -> Compared:
    """Judge a plan by the optimum, and by the files that it is exported to."""
    scenario, battery = result.scenario, result.scenario.site.battery
    # a plan leaves as much in the battery as the baseline does, where there is one that can
    stays = float(result.baseline["battery_mwh"][-1]) if battery and battery.energy_mwh else None
    level = 0.0 if battery is None else _end_level(battery)
    oracle = line_optimum(scenario, None if stays is None else max(stays, level), seconds)
    if stays is not None and stays > level + MIN_DIFFERENCE and oracle.status == "infeasible":
        oracle = line_optimum(scenario, None, seconds)
    exists = not math.isnan(oracle.value)
    if not result.has_schedule:
        text = f"{result.status}, and there is a plan of {oracle.value:.6g}"
        proven = exists and result.status in ("infeasible", "no plan on this grid")
        return Compared(oracle, (text,) if proven else (), text if exists else "")
    rows = list(_of_files(result))
    if result.objective is None:
        # the baseline is the plan, and its starts may lie between steps
        return Compared(oracle, tuple(rows), "the baseline, and there is a plan on steps" if exists else "")
    if oracle.status == "infeasible":
        return Compared(oracle, (*rows, "a plan where there is none"))
    plan = result.objective + result.constant
    near = TOLERANCE * max(abs(oracle.value), abs(oracle.bound), 1.0) + MIN_DIFFERENCE
    if result.bound is not None and result.bound + result.constant > oracle.value + near:
        rows.append(f"a bound of {result.bound + result.constant:.6g} above the optimum of {oracle.value:.6g}")
    if plan < oracle.bound - near:
        rows.append(f"a plan of {plan:.6g} below the optimum of {oracle.bound:.6g}")
    if result.gap is not None and plan - result.gap * abs(result.objective) > oracle.value + near:
        rows.append(f"a plan of {plan:.6g} further than its gap of {result.gap:.3%} from {oracle.value:.6g}")
    closed = result.gap is not None and result.gap <= scenario.goal.gap + 1e-9
    if closed != (result.status == "within gap"):
        rows.append(f"{result.status} with a gap of {result.gap}")
    above = (plan - oracle.value) / max(abs(result.objective), 1e-9)
    short = "" if closed else f"{result.status}, gap {result.gap}, {above:.3%} above the optimum"
    return Compared(oracle, tuple(rows), short)


def _end_level(battery: Any) -> float:
    share = battery.level_share if battery.end_level_share is None else battery.end_level_share
    return float(share * battery.energy_mwh)


def _of_files(result: Plan) -> Iterator[str]:
    """Faults of a plan as its files have it: what it breaks, and what it does not cost."""
    scenario = result.scenario
    if not result.acceptable:
        yield f"{result.verdict}"
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        with store.working(scenario) as run:
            store.save(run, result)
        table, data = Path(folder) / "heats.csv", Path(folder) / "plan.nc"
        programs.write_csv(store.open(run), table, "heats")
        programs.write_netcdf(store.open(run), data)
        heats = plan_judge.from_file(scenario, table)
        groups = {}
        for name in ("baseline", "schedule", "replay"):
            with xr.open_dataset(data, group=name) as group:
                groups[name] = group.load()
    flows = {
        name: {column: group[column].to_numpy() for column in COLUMNS if column in group}
        for name, group in groups.items()
    }
    for name in ("schedule", "replay"):
        wrong = plan_judge.faults(scenario, heats, flows[name], on_steps=result.objective is not None)
        yield from (f"{name}: {fault}" for fault in [*wrong, *plan_judge.site_faults(scenario, flows[name])])
        if result.objective is not None:
            cost, claimed = counted(scenario, flows[name], scenario.goal.minimize), result.objective + result.constant
            if abs(cost - claimed) > 1e-4 * max(abs(cost), 1.0) + MIN_DIFFERENCE:
                yield f"{name}: costs {cost:.6g}, claimed are {claimed:.6g}"
    headline: dict[str, Any] = (summary(result) or {}).get("headline") or {}
    for key, goal in (("average", "carbon"), ("cost", "cost_with_carbon_price")):
        if not headline.get(key):
            continue
        before, after = (counted(scenario, flows[name], goal) for name in ("baseline", "replay"))
        claimed = headline[key]["raw"]
        if abs(before - after - claimed) > 1e-4 * max(abs(before), abs(after), 1.0) + MIN_DIFFERENCE:
            yield f"saves {before - after:.6g} by its files ({goal}), claimed are {claimed:.6g}"


def counted(scenario: Case, flows: dict[str, np.ndarray], goal: str) -> float:
    """A goal by what a plan imports and exports."""
    inputs, market, h = scenario.inputs, scenario.market, scenario.horizon.step_h
    kg = float(flows["import_mw"] @ inputs["carbon_intensity_kg_per_mwh"].to_numpy()) * h
    if goal == "carbon":
        return kg
    cost = float(flows["import_mw"] @ inputs["price_per_mwh"].to_numpy()) * h
    cost -= float(flows["export_mw"] @ inputs["export_price_per_mwh"].to_numpy()) * h
    clock = Clock(_mapping(scenario))
    before = scenario.state.peak_so_far_mw
    for charge in market.tariff.demand if market.tariff is not None else ():
        (rate,) = charge.rates
        days = {"monthly": lambda minute: None, "daily": lambda minute: clock.local(minute).date()}[charge.assessed]
        peaks: dict[Any, float] = {}
        for i, mw in enumerate(flows["meter_mw"].tolist()):
            day = days(i * clock.meter_min)
            peaks[day] = max(peaks.get(day, before), mw)
        cost += sum(peak - before for peak in peaks.values()) * rate.per_mw
    if goal == "cost":
        return cost
    carbon = market.carbon_price
    return cost + (kg * carbon.per_t * (1 - carbon.free_share) / 1000 if carbon.covers == "all" else 0.0)


def line_optimum(scenario: Case, end_mwh: float | None = None, seconds: float = 60.0) -> Optimum:
    """The least of the goal over all plans of a line with grid, PV, battery and demand charges.

    Args:
        scenario: what is asked.
        end_mwh: level at which the battery ends at least; none: the scenario's.
        seconds: time limit.
    """
    raw = _mapping(scenario)
    if end_mwh is not None:
        raw["site"]["battery"]["end_level_share"] = end_mwh / raw["site"]["battery"]["energy_mwh"]
    return optimum(raw, seconds, lambda program, clock, _: _Line(program, clock, scenario).plant)


def _mapping(scenario: Case) -> dict[str, Any]:
    """The scenario as ``site_oracle`` reads it."""
    raw: dict[str, Any] = {"site": {}, "market": {}}
    raw |= scenario.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    horizon = scenario.horizon
    raw["horizon"] |= {
        "start": f"{horizon.times[0]}+00:00", "step_min": horizon.step_min, "zone": horizon.zone,
        "length_h": horizon.length_min / 60,
    }  # fmt: skip
    raw["goal"] = {"minimize": scenario.goal.minimize}
    raw["series"] = {key: scenario.inputs[name].to_numpy().tolist() for key, name in SERIES.items()}
    return raw


class _Line:
    def __init__(self, program: Program, clock: Clock, scenario: Case) -> None:
        self.program = program
        shop = counted_shops.read(scenario)
        self.columns: list[tuple[Sum, Way]] = [(Sum(constant=1.0), shop.idle)]
        self.most = float(shop.idle.electricity.max())
        alike: dict[Any, list[Item]] = {}
        for item in shop.items:
            alike.setdefault(tuple((way.places, way.electricity.tobytes()) for way in item.ways), []).append(item)
        for items in alike.values():
            # no two of the same way, which would be on one unit at once
            for group in [[item] for item in items] if items[0].heats else [items]:
                self._place(group)
        busy: dict[int, Sum] = {}
        for column, way in self.columns:
            for bit in _bits(way.busy):
                busy.setdefault(bit, Sum()).add(column)
        for row in busy.values():
            program.at_most(row, 1.0)
        by_step = [Sum() for _ in range(clock.n)]
        uneven = [Sum() for _ in range(len(shop.idle.metered))]
        for column, way in self.columns:
            for t in way.electricity.nonzero()[0]:
                by_step[t].add(column, float(way.electricity[t]))
            for i in range(len(uneven)) if clock.meter_min % clock.step_min else ():
                beyond = way.metered[i] - sum(way.electricity[t] * share for t, share in overlaps(clock, i))
                if abs(beyond) > 1e-12:
                    uneven[i].add(column, float(beyond))
        battery, inputs = scenario.site.battery, scenario.inputs
        others = float((inputs["base_load_mw"] + inputs["pv_available_mw"]).max())
        others += 0.0 if battery is None else battery.power_mw
        self.plant = Plant(by_step, {}, Sum(), {}, uneven, self.most + others * clock.h)

    def _place(self, items: list[Item]) -> list[tuple[Sum, Way]]:
        """One way of each of some items that are alike."""
        rows = [(self.program.column(0, 1, whole=True), way) for way in items[0].ways]
        self.columns += rows
        self.most += len(items) * max((float(way.electricity.max()) for _, way in rows), default=0.0)
        self.program.equal(total([column for column, _ in rows]), float(len(items)))
        for heat, fits in zip(items[0].heats, items[0].fits, strict=True):
            ways = self._place([heat])
            for (cast, _), row in zip(rows, fits, strict=True):
                self.program.at_most(cast, total([way for (way, _), fit in zip(ways, row, strict=True) if fit]))
        return rows


def _bits(number: int) -> Iterator[int]:
    while number:
        low = number & -number
        yield low.bit_length()
        number ^= low
