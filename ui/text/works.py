"""What a works of processes is: its processes, stores, deliveries and arrivals, as rows of tables and as lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emberline.scenarios import Scenario
from emberline.scenarios.process import Mode, Process
from emberline.scenarios.process.delivery import Arrival, Delivery
from emberline.scenarios.process.flows import directions
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.numbers import clauses, listed

Row = dict[str, Any]


PROCESS = (
    mark("process"), mark("units"), mark("mode"), mark("rate [t/h]"), mark("power [MW]"), mark("in, for each tonne"),
    mark("out, for each tonne"), mark("fuels"), mark("limits"),
)  # fmt: skip
STORE = (
    mark("store"), mark("holds [t]"), mark("now [t]"), mark("at the end, at least [t]"), mark("lost [% in an hour]"),
)  # fmt: skip
MOVED = (mark("name"), mark("kind"), mark("store"), mark("in all [t]"), mark("when"))
"""Keys of the rows: columns of tables, in English."""
COMES, LEAVES, ORDER = mark("comes"), mark("leaves"), mark("order")


def processes(scenario: Scenario) -> Iterator[Row]:
    """A row for each mode of each process: units, rate, power at the usual rate, what goes in and comes out, heat."""
    for process in scenario.processes:
        for mode in process.all_modes:
            rates = mode.rates
            low, high = f"{rates.low:g}", f"{rates.high:g}"
            row = (
                process.name,
                process.count,
                mode.name if len(process.all_modes) > 1 else "",
                high if rates.fixed else tr("{low} to {high}", low=low, high=high),
                f"{float(mode.power_at(rates.baseline)):.3g}",
                _flows(scenario, mode, "inputs"),
                _flows(scenario, mode, "outputs"),
                _heat(mode),
                listed(_limits(process)),
            )
            yield dict(zip(PROCESS, row, strict=True))


def stores(scenario: Scenario) -> Iterator[Row]:
    """A row for each store: what it holds, its level now and that wanted at the end."""
    for store in scenario.stores:
        row = (store.name, store.capacity_t, store.start_t, store.end_t, 100 * store.loss_per_h)
        yield dict(zip(STORE, row, strict=True))


def deliveries(scenario: Scenario) -> Iterator[Row]:
    """A row for each delivery and arrival: tonnes in the horizon, and when."""
    for item in (*scenario.deliveries, *scenario.arrivals):
        row = (item.name, kind(item), item.store, asked_t(scenario, item), when(scenario, item))
        yield dict(zip(MOVED, row, strict=True))


def kind(item: Arrival) -> str:
    """What a delivery or arrival is, in English."""
    if not isinstance(item, Delivery):
        return COMES
    return LEAVES if item.amount_t is None else ORDER


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
            wording.moment(scenario.horizon.instant(step * scenario.horizon.step_min), False)
            for step in item.span(scenario.horizon)
        )
        if item.loading_tph is None:
            return tr("{first} to {last}", first=first, last=last)
        fast = f"{item.loading_tph:g}"
        return tr("{first} to {last}, at most {rate} t/h", first=first, last=last, rate=fast)
    if item.weekly:
        rates = sorted({trucks.rate_tph for trucks in item.weekly})
        if len(rates) == 1:
            return tr("by weekday and hour, {rate} t/h", rate=f"{rates[0]:g}")
        return tr("by weekday and hour, {low} to {high} t/h", low=f"{rates[0]:g}", high=f"{rates[-1]:g}")
    series = item.rate
    assert series is not None
    if series.value is None:
        return tr("as a series says")
    return tr("all the time, {rate} t/h", rate=f"{series.value:g}")


def lines(scenario: Scenario) -> Iterator[str]:
    """Everything of it, a line each."""
    for row in processes(scenario):
        name, units, mode, rate, power, taken, given, fuels, limits = (row[key] for key in PROCESS)
        told = [trn("{count} unit", "{count} units", units), f"{rate} t/h", f"{power} MW"]
        told += [tr("in {amount}", amount=taken)] if taken else []
        told += [tr("out {amount}", amount=given)] if given else []
        told += [text for text in (fuels, limits) if text]
        of = tr("process {name}, {mode}", name=name, mode=mode) if mode else tr("process {name}", name=name)
        yield f"{of}: {clauses(told)}"
    for store in scenario.stores:
        levels = tr("now {now} t, at the end at least {end} t", now=f"{store.start_t:g}", end=f"{store.end_t:g}")
        yield f"{tr('store {name}', name=store.name)}: {listed([f'{store.capacity_t:g} t', levels])}"
    for row in deliveries(scenario):
        name, what, store_of, tonnes, time = (row[key] for key in MOVED)
        told_of = {"tonnes": f"{tonnes:g}", "store": store_of}
        if what == COMES:
            yield f"{tr('arrival {name}', name=name)}: {listed([tr('{tonnes} t into {store}', **told_of), time])}"
        else:
            yield f"{tr('delivery {name}', name=name)}: {listed([tr('{tonnes} t from {store}', **told_of), time])}"


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
    return listed(parts)


def _heat(mode: Mode) -> str:
    if mode.heat is None:
        return ""
    mix = listed(f"{fuel.carrier} {wording.percent(fuel.share, 0)}" for fuel in mode.heat.fuels)
    return tr("{heat} GJ/t: {fuels}", heat=f"{mode.heat.gj_per_t:g}", fuels=mix)


def _limits(process: Process) -> Iterator[str]:
    if process.must_run:
        yield tr("runs all the time")
    told = (
        (0 if process.planned_stop is None else process.planned_stop.hours, mark("a stop of {amount} h")),
        (process.min_run_h, mark("runs at least {amount} h")),
        (process.min_rest_h, mark("rests at least {amount} h")),
        (process.ramp_tph_per_h, mark("changes by {amount} t/h in an hour")),
        (process.change_over.minutes, mark("changes over in {amount} min")),
        (process.start_up.hours, mark("starts in {amount} h")),
        (process.daily_energy_mwh, mark("{amount} MWh each day")),
    )
    for amount, text in told:
        if amount:
            yield tr(text, amount=f"{amount:g}")
