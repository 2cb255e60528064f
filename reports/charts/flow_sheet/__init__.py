"""Flow sheet of a plant in numbers: flows between its boxes in one time step, or totals.

It is drawn by ``reports/charts/flow_sheet/drawing.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import singledispatch

import numpy as np
import pandas as pd
import xarray as xr

from emberline.reports.charts.site_panels import display_name
from emberline.reports.text import mark, tr, trn, wording
from emberline.reports.text.activities import columns
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.base import Named
from emberline.scenarios.assets.converter import Converter
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Load, Renewable
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.flows.asset_flows import flow, unused_mw
from emberline.scenarios.flows.process_flows import streams
from emberline.scenarios.process.record import Process

SMALL = 1e-6
"""Smaller flows count as zero."""


@dataclass
class Box:
    """A unit, stage, asset or connection."""

    name: str
    lines: list[str] = field(default_factory=list)
    """Lines of text on the operation of the box."""
    flows: dict[str, float] = field(default_factory=dict)
    """Flow to carriers and stores by name; negative for consumption."""
    level: float | None = None
    """Level of the storage, as a share of its capacity."""
    onwards: bool = False
    """Whether the output goes on to the next box."""

    @property
    def works(self) -> bool:
        """Whether the box has any flow."""
        return any(abs(amount) > SMALL for amount in self.flows.values())


@dataclass(frozen=True)
class Lane:
    """Carrier, or store of material."""

    name: str
    unit: str
    supply: float
    """Total supply from all boxes."""
    level_t: float | None = None
    """Level of a store [t]."""
    capacity_t: float = 0.0
    note: str = ""
    """Arrivals to and deliveries from a store."""


@dataclass(frozen=True)
class Sheet:
    """All boxes and lanes at one moment, or totals."""

    site: tuple[Box, ...]
    """Boxes above the carriers: connections, supplies, uses, storages."""
    machines: tuple[Box, ...]
    """Boxes below the carriers: converters."""
    production: tuple[Box, ...]
    """Stages in order, or processes."""
    carriers: tuple[Lane, ...]
    stores: tuple[Lane, ...]

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All boxes."""
        return (*self.site, *self.machines, *self.production)

    @property
    def units(self) -> dict[str, str]:
        """Unit of each carrier and store by name."""
        return {lane.name: lane.unit for lane in (*self.carriers, *self.stores)}


@dataclass(frozen=True)
class Moment:
    """Source of the displayed numbers: one time step, or totals over the horizon."""

    scenario: Case
    run: xr.Dataset
    step: int | None

    def amount(self, rate: np.ndarray) -> float:
        """Return a rate at the moment, or its total over the horizon."""
        if self.step is None:
            return float(rate.sum()) * self.scenario.horizon.step_h
        return float(rate[self.step])

    def unit(self, carrier: str) -> str:
        """Return the unit of a carrier's flow."""
        record = self.scenario.site.carrier[carrier]
        return record.unit if self.step is None else record.rate_unit

    @property
    def tonnes(self) -> str:
        """Unit of material flows."""
        return "t" if self.step is None else "t/h"

    def level(self, ends: np.ndarray, start: float) -> float:
        """Return the level at the beginning of the step, or the final level for totals."""
        at = len(ends) if self.step is None else self.step
        return float(ends[at - 1]) if at else start


def amount_text(amount: float, unit: str) -> str:
    """Format the absolute value of an amount with its unit."""
    size = abs(amount)
    return f"{wording.number(size, 0 if size >= 1000 else 2 if unit.startswith('t') and size < 10 else 1)} {unit}"


def stages(at: Moment) -> Iterator[Box]:
    """Yield the stages with the state of each unit and their supply of other carriers."""
    scenario, run = at.scenario, at.run
    power = unit_power(scenario, run)
    step = scenario.horizon.step_min
    rows = columns(run, "op", ("heat", "unit", "start_min", "end_min"))
    gives = scenario.line.gives if "line_rate" in run else ()
    rates = {carrier: run["line_rate"].sel(given=carrier).to_numpy() for carrier in gives}
    for i, stage in enumerate(scenario.line.stages):
        lines, load = [], 0.0
        for unit in stage.units:
            mw = at.amount(power[unit.name])
            load += mw
            mine = [(heat, start, end) for heat, of, start, end in rows if of == unit.name]
            if at.step is None:
                count = trn("{count} heat", "{count} heats", len(mine))
                lines.append(f"{unit.name}: {count}")
                continue
            begin, over = at.step * step, (at.step + 1) * step
            inside = [heat for heat, start, end in mine if start < over and end > begin]
            lines.append(f"{unit.name}: {', '.join(inside) or tr('idle')}")
        flows = {ELECTRICITY: -load}
        for carrier, rate in rates.items():
            # in proportion to weight and electricity, as in the line's balance
            parts = [
                w * sum(power[u.name] for u in s.units)
                for w, s in zip(scenario.line.gives[carrier], scenario.line.stages, strict=True)
            ]
            whole = np.sum(parts, axis=0)
            share = np.divide(parts[i], whole, out=np.zeros_like(whole), where=whole > 0)
            if scenario.line.gives[carrier][i]:
                flows[carrier] = at.amount(rate * share)
        yield Box(stage.name, [amount_text(load, at.unit(ELECTRICITY)), *lines], flows, onwards=True)


def unit_power(scenario: Scenario, run: xr.Dataset) -> dict[str, np.ndarray]:
    """Return the power of each unit of the line for its heats at each step, without idling [MW], shape (n_steps,)."""
    horizon, grades = scenario.horizon, {heat.name: heat.grade for heat in scenario.heats}
    edges = np.arange(horizon.n_steps + 1) * horizon.step_min
    by_unit = {unit.name: np.zeros(horizon.n_steps) for unit in scenario.line.units}
    for heat, unit, start, end, energy in columns(run, "op", ("heat", "unit", "start_min", "end_min", "energy_mwh")):
        length = end - start
        nominal = scenario.line.energy_mwh(grades[heat], unit)
        ends, power = phase_power(scenario.line.unit[unit], nominal, length)
        knots = np.concatenate([[0.0], ends])
        energies = np.concatenate([[0.0], np.cumsum(power * np.diff(knots))]) / 60
        first = max(int(start // horizon.step_min), 0)
        last = min(int(-(-end // horizon.step_min)), horizon.n_steps)
        if last <= first:
            continue
        parts = np.diff(np.interp(edges[first : last + 1] - start, knots, energies))
        if parts.sum() > 0:  # the run's energy covers the horizon only and includes reheating
            parts *= energy / parts.sum()
        by_unit[unit][first:last] += parts / horizon.step_h
    return by_unit


def processes(at: Moment) -> Iterator[Box]:
    """Yield the processes with output and power, and the state of each unit if there are several."""
    site_streams = streams(at.scenario)
    for process in at.scenario.processes:
        several = {unit: _does(at, process, unit) for unit in process.units}
        output = at.amount(at.run["process_tph"].sel(process=list(process.units)).sum("process").to_numpy())
        load = at.amount(at.run["process_mw"].sel(process=list(process.units)).sum("process").to_numpy())
        lines = [f"{wording.number(output, 0)} {at.tonnes}", amount_text(load, at.unit(ELECTRICITY))]
        if process.count > 1:
            lines += [f"{unit.removeprefix(process.name).strip() or unit}: {does}" for unit, does in several.items()]
        else:
            lines[:1] = several.values()
        flows = {ELECTRICITY: -load}
        for stream in site_streams:
            if stream.process is process:
                rate = at.run["stream_rate"].sel(stream=stream.label).to_numpy()
                flows[stream.place] = flows.get(stream.place, 0.0) + at.amount(rate)
        yield Box(process.name, lines, flows)


def _does(at: Moment, process: Process, unit: str) -> str:
    """Return the output of a unit, and its mode if it has several."""
    tonnes = at.amount(at.run["process_tph"].sel(process=unit).to_numpy())
    text = f"{wording.number(tonnes, 0)} {at.tonnes}"
    if at.step is None:
        return text
    if tonnes <= SMALL:
        return tr("getting ready") if float(at.run["process_mw"].sel(process=unit)[at.step]) > SMALL else tr("idle")
    mode = str(at.run["process_mode"].sel(process=unit).values[at.step])
    return f"{mode}, {text}" if mode and len(process.all_modes) > 1 else text


def stores(at: Moment) -> Iterator[Lane]:
    """Yield the stores of material with level, process output, arrivals and deliveries."""
    scenario, run = at.scenario, at.run
    hours = scenario.horizon.step_h
    for name, store in scenario.store.items():
        leaves, comes = (
            sum(
                at.amount(run[variable].sel({which: item.name}).to_numpy() / hours)
                for item in items
                if item.store == name
            )
            for variable, which, items in (
                ("delivered_t", "delivery", scenario.deliveries),
                ("arrived_t", "arrival", scenario.arrivals),
            )
        )
        sentence = [
            tr(text, amount=wording.number(amount, 0), unit=at.tonnes)
            for amount, text in ((comes, mark("{amount} {unit} in")), (leaves, mark("{amount} {unit} out")))
            if amount > SMALL
        ]
        level = at.level(run["stock_t"].sel(stock=name).to_numpy(), store.start_t)
        into = at.amount(run["stock_in_t"].sel(stock=name).to_numpy() / hours)
        yield Lane(name, at.tonnes, into, level, store.capacity_t, ", ".join(sentence))


VISIBLE_FLOW = 0.05
"""Smaller flows only compensate a storage's losses and are not shown."""


def connections(at: Moment) -> Iterator[Box]:
    """Yield the boxes of the grid and the battery."""
    scenario, run, unit = at.scenario, at.run, at.unit(ELECTRICITY)
    into, out = at.amount(run["import_mw"].to_numpy()), at.amount(run["export_mw"].to_numpy())
    lines = [tr("in {amount}", amount=amount_text(into, unit))]
    if scenario.site.grid.export_limit_mw:
        lines.append(tr("out {amount}", amount=amount_text(out, unit)))
    yield Box(tr("grid"), lines, {ELECTRICITY: into - out})
    battery = scenario.battery
    if battery is not None:
        level = at.level(run["battery_mwh"].to_numpy(), battery.start_level)
        gives, takes = at.amount(run["discharge_mw"].to_numpy()), at.amount(run["charge_mw"].to_numpy())
        yield _store(at, tr("battery"), ELECTRICITY, (gives, takes), level, battery.capacity, "MWh")


def _store(
    at: Moment, name: str, carrier: str, flows: tuple[float, float], level: float, capacity: float, unit: str
) -> Box:
    gives, takes = flows
    lines = [f"{wording.number(level)}/{capacity:g} {unit}"]
    # at a moment, simultaneous inflow and outflow are shown as a net flow
    into, out = (takes, gives) if at.step is None else (takes - gives, gives - takes)
    for text, amount in ((mark("in {amount}"), into), (mark("out {amount}"), out)):
        if at.step is None or amount > VISIBLE_FLOW:
            lines.append(tr(text, amount=amount_text(amount, at.unit(carrier))))
    return Box(name, lines, {carrier: gives - takes}, level / capacity if capacity else None)


@singledispatch
def asset_box(record: Named, at: Moment) -> Box:
    """Return the box of an asset by its kind; this default shows the amount of each flow."""
    amounts = [(carrier, at.amount(flow(at.run, record.name, key))) for key, carrier in record.flows.items()]
    flows = {carrier: sum(amount for name, amount in amounts if name == carrier) for carrier, _ in amounts}
    return Box(record.name, [amount_text(amount, at.unit(carrier)) for carrier, amount in amounts], flows)


@asset_box.register(Load)
def _(record: Load, at: Moment) -> Box:
    amount = at.amount(flow(at.run, record.name))
    name, size = (tr("base load"), -amount) if record is at.scenario.site.base_load else (record.name, amount)
    return Box(name, [amount_text(size, at.unit(record.carrier))], {record.carrier: amount})


@asset_box.register(Renewable)
def _(record: Renewable, at: Moment) -> Box:
    amount, unit = at.amount(flow(at.run, record.name)), at.unit(ELECTRICITY)
    lines, curtailment = [amount_text(amount, unit)], at.amount(unused_mw(at.scenario, at.run, record))
    if curtailment > SMALL:
        lines.append(tr("{amount} unused", amount=amount_text(curtailment, unit)))
    return Box(tr("PV") if record is at.scenario.site.sun else record.name, lines, {ELECTRICITY: amount})


@asset_box.register(Storage)
def _(record: Storage, at: Moment) -> Box:
    rates = [flow(at.run, record.name, key) for key in ("in", "out")]
    gives, takes = (at.amount(sum(np.maximum(sign * rate, 0.0) for rate in rates)) for sign in (1, -1))
    level = at.level(at.run["asset_level"].sel(store=record.name).to_numpy(), record.start_level)
    unit = at.scenario.site.carrier[record.carrier].unit
    return _store(at, record.name, record.carrier, (gives, takes), level, record.capacity, unit)


@asset_box.register(Converter)
def _(record: Converter, at: Moment) -> Box:
    run, name = at.run, record.name
    flows: dict[str, float] = {}
    for key, carrier in record.flows.items():
        flows[carrier] = flows.get(carrier, 0.0) + at.amount(flow(run, name, key))
    main = at.amount(np.abs(flow(run, name, "main")))
    on = at.amount(run["asset_on"].sel(machine=name).to_numpy())
    if at.step is not None and max(main, on) <= SMALL:
        return Box(name, [tr("off")], flows)
    share = wording.percent(main / record.capacity if record.capacity else 0.0, 0)
    text = tr("load {share}", share=share)
    if at.step is None:
        text = tr("on for {hours} h", hours=wording.number(on, 0))
    return Box(name, [amount_text(main, at.unit(record.carrier)), text], flows)


__all__ = ["Box", "Lane", "Moment", "Sheet", "sheet", "table", "unit_power"]


def sheet(scenario: Case, run: xr.Dataset, step: int | None) -> Sheet:
    """Return the flow sheet of a run.

    Args:
        scenario: scenario with site, line, processes and stores.
        run: a dataset of table ``RUN``.
        step: step of the horizon; None: totals over the horizon and final levels.
    """
    at = Moment(scenario, run, step)
    site, machines = list(connections(at)), list[Box]()
    for record in scenario.site.equipment:
        box = asset_box(record, at)
        if box.works or record is not scenario.site.base_load:
            (machines if record.name in scenario.site.cores else site).append(box)
    production = [*stages(at), *processes(at)]
    boxes = [*site, *machines, *production]
    carriers = []
    for name in scenario.site.carrier:
        amount = sum(max(box.flows.get(name, 0.0), 0.0) for box in boxes)
        if any(name in box.flows for box in boxes):
            carriers.append(Lane(name, at.unit(name), amount))
    return Sheet(tuple(site), tuple(machines), tuple(production), tuple(carriers), tuple(stores(at)))


def table(sheet: Sheet) -> pd.DataFrame:
    """Return the flow sheet as a table: state, inputs and outputs of each box, level of each store."""
    units, rows = sheet.units, []
    for box in sheet.boxes:
        flows = {name: amount for name, amount in box.flows.items() if abs(amount) > SMALL and name in units}
        gives, takes = (
            ", ".join(
                f"{display_name(name)} {amount_text(amount, units[name])}"
                for name, amount in flows.items()
                if (amount > 0) == way
            )
            for way in (True, False)
        )
        rows.append((box.name, "; ".join(box.lines), takes, gives))
    for lane in sheet.stores:
        share = wording.percent((lane.level_t or 0.0) / lane.capacity_t, 0)
        rows.append((lane.name, f"{wording.number(lane.level_t, 0)} t, {share}; {lane.note}".rstrip("; "), "", ""))
    return pd.DataFrame(rows, columns=[tr("what"), tr("does"), tr("takes"), tr("gives")])
