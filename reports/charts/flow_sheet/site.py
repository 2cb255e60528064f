"""The site on the flow sheet: connections, supplies, sales, demands, storages, machines."""

from __future__ import annotations

from collections.abc import Iterator
from functools import singledispatch

import numpy as np

from emberline.reports.charts.flow_sheet.parts import SMALL, Box, Moment, amount_text
from emberline.reports.text import wording
from emberline.reports.text.language import tr
from emberline.scenarios.assets import ELECTRICITY, Converter, Load, Named, Renewable, Storage
from emberline.scenarios.flows.asset_flows import flow, unused_mw

VISIBLE_FLOW = 0.05
"""Smaller flows only compensate a storage's own losses and are not shown."""


def connections(at: Moment) -> Iterator[Box]:
    """Grid and battery."""
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
    if at.step is None:
        lines.append(tr("in {amount}", amount=amount_text(takes, at.unit(carrier))))
        lines.append(tr("out {amount}", amount=amount_text(gives, at.unit(carrier))))
    elif gives - takes > VISIBLE_FLOW:
        lines.append(tr("out {amount}", amount=amount_text(gives - takes, at.unit(carrier))))
    elif takes - gives > VISIBLE_FLOW:
        lines.append(tr("in {amount}", amount=amount_text(takes - gives, at.unit(carrier))))
    return Box(name, lines, {carrier: gives - takes}, level / capacity if capacity else None)


@singledispatch
def asset_box(record: Named, at: Moment) -> Box:
    """Box of an asset, found by its kind; this one is for a single flow."""
    (carrier,) = record.flows.values()
    amount = at.amount(flow(at.run, record.name))
    return Box(record.name, [amount_text(amount, at.unit(carrier))], {carrier: amount})


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
    on = run["asset_on"].sel(machine=name).to_numpy()
    if at.step is None:
        hours = at.amount(on)
        lines = [amount_text(main, at.unit(record.carrier)), tr("on for {hours} h", hours=wording.number(hours, 0))]
    else:
        share = main / record.capacity if record.capacity else 0.0
        lines = [amount_text(main, at.unit(record.carrier)), tr("load {share}", share=wording.percent(share, 0))]
        lines = lines if main > SMALL or on[at.step] > SMALL else [tr("off")]
    return Box(name, lines, flows, machine=True)
