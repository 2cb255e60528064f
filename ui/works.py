"""What a works of processes is: its processes, stores, deliveries and arrivals, as rows of tables and as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scenarios import Scenario
from scenarios.delivery import Arrival, Delivery
from scenarios.flows import directions
from scenarios.process import Mode, Process
from ui import wording

Row = dict[str, Any]


def processes(scenario: Scenario) -> Iterator[Row]:
    """A row for each mode of each process: units, rate, power at the usual rate, what goes in and comes out, heat."""
    for process in scenario.processes:
        for mode in process.all_modes:
            rates = mode.rates
            fixed = f"{rates.high:g}"
            yield {
                "process": process.name,
                "units": process.count,
                "mode": mode.name if len(process.all_modes) > 1 else "",
                "rate [t/h]": fixed if rates.fixed else f"{rates.low:g} to {rates.high:g}",
                "power [MW]": f"{float(mode.power_at(rates.foreman)):.3g}",
                "in, for each tonne": _flows(scenario, mode, "inputs"),
                "out, for each tonne": _flows(scenario, mode, "outputs"),
                "fuels": _heat(mode),
                "limits": ", ".join(_limits(process)),
            }


def stores(scenario: Scenario) -> Iterator[Row]:
    """A row for each store: what it holds, its level now and that wanted at the end."""
    for store in scenario.stores:
        yield {
            "store": store.name,
            "holds [t]": store.capacity_t,
            "now [t]": store.start_t,
            "at the end, at least [t]": store.end_t,
            "lost [% in an hour]": 100 * store.loss_per_h,
        }


def deliveries(scenario: Scenario) -> Iterator[Row]:
    """A row for each delivery and arrival: tonnes in the horizon, and when."""
    for item in (*scenario.deliveries, *scenario.arrivals):
        yield {
            "name": item.name,
            "kind": kind(item),
            "store": item.store,
            "in all [t]": asked_t(scenario, item),
            "when": when(scenario, item),
        }


def kind(item: Arrival) -> str:
    """What a delivery or arrival is."""
    if not isinstance(item, Delivery):
        return "comes"
    return "leaves" if item.amount_t is None else "order"


def asked_t(scenario: Scenario, item: Arrival) -> float:
    """Tonnes that a delivery asks for, or an arrival brings, in the horizon."""
    if isinstance(item, Delivery) and item.amount_t is not None:
        return item.amount_t
    label = "demand" if isinstance(item, Delivery) else "arrival"
    return float(scenario.inputs[f"{label}_tph"].sel({label: item.name}).sum()) * scenario.horizon.step_h


def when(scenario: Scenario, item: Arrival) -> str:
    """When a delivery leaves or an arrival comes, in words."""
    if isinstance(item, Delivery) and item.amount_t is not None:
        first, last = (
            scenario.horizon.instant(step * scenario.horizon.step_min) for step in item.span(scenario.horizon)
        )
        fast = "" if item.loading_tph is None else f", at most {item.loading_tph:g} t/h"
        return f"{wording.moment(first, False)} to {wording.moment(last, False)}{fast}"
    if item.weekly:
        rates = sorted({trucks.rate_tph for trucks in item.weekly})
        told = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g} to {rates[-1]:g}"
        return f"by weekday and hour, {told} t/h"
    series = item.rate
    assert series is not None
    return "as a series says" if series.value is None else f"all the time, {series.value:g} t/h"


def lines(scenario: Scenario) -> Iterator[str]:
    """Everything of it, a line each."""
    for row in processes(scenario):
        units = wording.count(row["units"], "unit")
        name = f"process {row['process']}" + (f", {row['mode']}" if row["mode"] else "")
        told = [units, f"{row['rate [t/h]']} t/h", f"{row['power [MW]']} MW"]
        told += [f"{way} {row[f'{way}, for each tonne']}" for way in ("in", "out") if row[f"{way}, for each tonne"]]
        told += [row[key] for key in ("fuels", "limits") if row[key]]
        yield f"{name}: {'; '.join(told)}"
    for store in scenario.stores:
        levels = f"now {store.start_t:g} t, at the end at least {store.end_t:g} t"
        yield f"store {store.name}: {store.capacity_t:g} t, {levels}"
    for row in deliveries(scenario):
        noun = "arrival" if row["kind"] == "comes" else "delivery"
        way = "into" if row["kind"] == "comes" else "from"
        yield f"{noun} {row['name']}: {row['in all [t]']:g} t {way} {row['store']}, {row['when']}"


def sides(scenario: Scenario) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Carriers of the site that processes give, and those that they take, each with the names of the processes."""
    gives: dict[str, list[str]] = {}
    takes: dict[str, list[str]] = {}
    for process in scenario.processes:
        for direction, found in (("out", gives), ("in", takes)):
            for place, material in directions(process)[direction].items():
                if not material:
                    found.setdefault(place, []).append(process.name)
    return gives, takes


def _flows(scenario: Scenario, mode: Mode, side: str) -> str:
    parts = []
    for stream in getattr(mode, side):
        unit = "t" if stream.store is not None else scenario.site.carrier[stream.place].unit
        parts.append(f"{stream.per_t:g} {unit} {stream.place}")
    return ", ".join(parts)


def _heat(mode: Mode) -> str:
    if mode.heat is None:
        return ""
    mix = ", ".join(f"{fuel.carrier} {wording.percent(fuel.share, 0)}" for fuel in mode.heat.fuels)
    return f"{mode.heat.gj_per_t:g} GJ/t: {mix}"


def _limits(process: Process) -> Iterator[str]:
    if process.must_run:
        yield "runs all the time"
    if process.planned_stop is not None:
        yield f"a stop of {process.planned_stop.hours:g} h"
    if process.min_run_h:
        yield f"runs at least {process.min_run_h:g} h"
    if process.min_rest_h:
        yield f"rests at least {process.min_rest_h:g} h"
    if process.ramp_tph_per_h is not None:
        yield f"changes by {process.ramp_tph_per_h:g} t/h in an hour"
    if process.change_over.minutes:
        yield f"changes over in {process.change_over.minutes:g} min"
    if process.start_up.hours:
        yield f"starts in {process.start_up.hours:g} h"
    if process.daily_energy_mwh is not None:
        yield f"{process.daily_energy_mwh:g} MWh each day"
