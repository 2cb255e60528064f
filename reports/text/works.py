"""Processes of a plant with their stores, deliveries and arrivals, as table rows and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import xarray as xr

from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.numbers import clauses, listed, number, percent
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.process_flows import directions
from emberline.scenarios.process.delivery import Arrival, Delivery
from emberline.scenarios.process.recipe import Mode
from emberline.scenarios.process.record import Process
from emberline.scenarios.records.horizon import Horizon

if TYPE_CHECKING:
    from emberline.planning.robustness import Ensemble

COMES, LEAVES, ORDER = mark("in"), mark("out"), mark("order")
STOCKS = {"lowest": mark("lowest"), "last": mark("at the end")}
LEVELS = {
    "least_t": mark("kept by the plan, at least"), "plan_t": mark("plan, undisturbed"), "median_t": mark("median"),
    "p5_t": mark("5 % of replays below"), "worst_t": mark("worst replay"),
}  # fmt: skip


def processes(scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Yield a row for each mode of each process, with column names in English; the power is that at the usual rate."""
    for process in scenario.processes:
        for mode in process.all_modes:
            rates = mode.rates
            low, high = f"{rates.low:g}", f"{rates.high:g}"
            yield {
                mark("process"): process.name,
                mark("units"): process.count,
                mark("mode"): mode.name if len(process.all_modes) > 1 else "",
                mark("rate [t/h]"): high if rates.fixed else tr("{low} to {high}", low=low, high=high),
                mark("power [MW]"): f"{float(mode.power_at(rates.baseline)):.3g}",
                mark("inputs per tonne"): _flows(scenario, mode, "inputs"),
                mark("outputs per tonne"): _flows(scenario, mode, "outputs"),
                mark("fuels"): _heat(mode),
                mark("limits"): listed(_limits(process)),
            }


def stores(scenario: Scenario) -> Iterator[dict[str, Any]]:
    """Yield a row for each store: capacity, current level and required final level."""
    for store in scenario.stores:
        yield {
            mark("store"): store.name,
            mark("capacity [t]"): store.capacity_t,
            mark("now [t]"): store.start_t,
            mark("at the end, at least [t]"): store.end_t,
            mark("lost [% per hour]"): 100 * store.loss_per_h,
        }


def deliveries(scenario: Case) -> Iterator[dict[str, Any]]:
    """Yield a row for each delivery and arrival: tonnes in the horizon, and time."""
    for item in (*scenario.deliveries, *scenario.arrivals):
        yield {
            mark("name"): item.name,
            mark("kind"): kind(item),
            mark("store"): item.store,
            mark("total [t]"): demand_t(scenario, item),
            mark("when"): when(item, scenario.horizon),
        }


def kind(item: Arrival) -> str:
    """Return the kind of a delivery or arrival, in English."""
    return {"arrival": COMES, "demand": LEAVES}[item.label] if _order_t(item) is None else ORDER


def demand_t(scenario: Case, item: Arrival) -> float:
    """Return the tonnes requested by a delivery or supplied by an arrival within the horizon."""
    order_t = _order_t(item)
    if order_t is not None:
        return order_t
    return float(scenario.inputs[f"{item.label}_tph"].sel({item.label: item.name}).sum()) * scenario.horizon.step_h


def _order_t(item: Arrival) -> float | None:
    return getattr(item, "amount_t", None)


def when(item: Arrival, horizon: Horizon) -> str:
    """Describe the time of a delivery or arrival."""
    if not isinstance(item, Delivery) or item.amount_t is None:
        return _by_rate(item)
    first, last = (wording.moment(horizon.instant(at * horizon.step_min), False) for at in item.span(horizon))
    if item.loading_tph is None:
        return tr("{first} to {last}", first=first, last=last)
    return tr("{first} to {last}, at most {rate} t/h", first=first, last=last, rate=f"{item.loading_tph:g}")


def _by_rate(item: Arrival) -> str:
    if item.weekly:
        rates = sorted({trucks.rate_tph for trucks in item.weekly})
        if len(rates) == 1:
            return tr("by weekday and hour, {rate} t/h", rate=f"{rates[0]:g}")
        return tr("by weekday and hour, {low} to {high} t/h", low=f"{rates[0]:g}", high=f"{rates[-1]:g}")
    series = item.rate
    assert series is not None
    if series.value is None:
        return tr("from a series")
    return tr("constant, {rate} t/h", rate=f"{series.value:g}")


def disturbed_stocks(ensemble: Ensemble, undisturbed: xr.Dataset | None) -> list[dict[str, str]]:
    """Return a row for each store and time: lowest and final level in disturbed replays, in tonnes and as a share of
    the capacity.

    Ensembles of earlier releases have no levels.

    Args:
        ensemble: replays of the plan.
        undisturbed: undisturbed replay of the plan.
    """
    return [
        {
            tr("store"): row["store"],
            tr("level"): tr(text),
            **{
                tr(title): f"{number(row[figure][key], 0)} t ({percent(row[figure][key] / row['capacity_t'], 0)})"
                for key, title in LEVELS.items()
                if key in row[figure]
            },
        }
        for row in ensemble.stocks(undisturbed)
        for figure, text in STOCKS.items()
    ]


def lines(scenario: Case) -> Iterator[str]:
    """Yield one line for each item of the plant."""
    for row in processes(scenario):
        name, units, mode, rate, power, inputs, outputs, fuels, limits = row.values()
        parts = [trn("{count} unit", "{count} units", units), f"{rate} t/h", f"{power} MW"]
        parts += [tr("in {amount}", amount=inputs)] if inputs else []
        parts += [tr("out {amount}", amount=outputs)] if outputs else []
        parts += [text for text in (fuels, limits) if text]
        of = tr("process {name}, {mode}", name=name, mode=mode) if mode else tr("process {name}", name=name)
        yield f"{of}: {clauses(parts)}"
    for store in scenario.stores:
        levels = tr("now {now} t, at the end at least {end} t", now=f"{store.start_t:g}", end=f"{store.end_t:g}")
        low, high = (percent(share, 0) for share in (store.keep_low, store.keep_high))
        keeps = tr("the baseline keeps {low} to {high}", low=low, high=high)
        yield f"{tr('store {name}', name=store.name)}: {listed([f'{store.capacity_t:g} t', levels, keeps])}"
    for row in deliveries(scenario):
        name, what, store_of, tonnes, time = row.values()
        who, moves = mark("delivery {name}"), mark("{tonnes} t from {store}")
        if what == COMES:
            who, moves = mark("arrival {name}"), mark("{tonnes} t into {store}")
        yield f"{tr(who, name=name)}: {listed([tr(moves, tonnes=f'{tonnes:g}', store=store_of), time])}"


def sides(scenario: Scenario) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """Return the carriers that processes supply and consume, each with the names of the processes."""
    gives: dict[str, list[str]] = {}
    takes: dict[str, list[str]] = {}
    for process in scenario.processes:
        for direction, places in (("out", gives), ("in", takes)):
            for place, material in directions(process)[direction].items():
                if not material:
                    places.setdefault(place, []).append(process.name)
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
        yield tr("always running")
    limits = (
        (0 if process.planned_stop is None else process.planned_stop.hours, mark("a stop of {amount} h")),
        (process.min_run_h, mark("at least {amount} h per run")),
        (process.min_rest_h, mark("at least {amount} h of rest")),
        (process.ramp_tph_per_h, mark("ramp {amount} t/h per hour")),
        (process.change_over.minutes, mark("{amount} min per change-over")),
        (process.start_up.hours, mark("{amount} h per start-up")),
        (process.daily_energy_mwh, mark("{amount} MWh each day")),
    )
    for amount, text in limits:
        if amount:
            yield tr(text, amount=f"{amount:g}")
