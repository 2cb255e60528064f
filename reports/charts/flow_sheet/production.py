"""Production on the flow sheet: stages of a line with their heats, processes, stores of material."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from emberline.reports.charts.flow_sheet.parts import SMALL, Box, Lane, Moment, amount_text
from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr, trn
from emberline.scenarios import Scenario
from emberline.scenarios.assets import ELECTRICITY
from emberline.scenarios.case.line import phase_power
from emberline.scenarios.flows.process_flows import streams
from emberline.scenarios.process import Process


def stages(at: Moment) -> Iterator[Box]:
    """Stages with the state of each unit, and their output of other carriers."""
    scenario, run = at.scenario, at.run
    power = unit_power(scenario, run)
    step = scenario.horizon.step_min
    names = ("heat", "stage", "unit", "start_min", "end_min")
    rows = list(zip(*(run[f"op_{name}"].values.tolist() for name in names), strict=True))
    rates = {carrier: at.run["line_rate"].sel(given=carrier).to_numpy() for carrier in _line_gives(at)}
    for i, stage in enumerate(scenario.line.stages):
        lines, load = [], 0.0
        for unit in stage.units:
            mw = at.amount(power[unit.name])
            load += mw
            mine = [(heat, start, end) for heat, _, of, start, end in rows if of == unit.name]
            if at.step is None:
                count = trn("{count} heat", "{count} heats", len(mine))
                lines.append(f"{unit.name}: {count}")
                continue
            begin, over = at.step * step, (at.step + 1) * step
            inside = [heat for heat, start, end in mine if start < over and end > begin]
            lines.append(f"{unit.name}: {', '.join(inside) or tr('idle')}")
        flows = {ELECTRICITY: -load}
        for carrier, rate in rates.items():
            # by weight and electricity, as in the line's own balance
            parts = [
                w * sum(power[u.name] for u in s.units)
                for w, s in zip(scenario.line.gives[carrier], scenario.line.stages, strict=True)
            ]
            whole = np.sum(parts, axis=0)
            share = np.divide(parts[i], whole, out=np.zeros_like(whole), where=whole > 0)
            if scenario.line.gives[carrier][i]:
                flows[carrier] = at.amount(rate * share)
        yield Box(stage.name, [amount_text(load, at.unit(ELECTRICITY)), *lines], flows, onwards=True)


def _line_gives(at: Moment) -> list[str]:
    return list(at.scenario.line.gives) if "line_rate" in at.run else []


def unit_power(scenario: Scenario, run: xr.Dataset) -> dict[str, np.ndarray]:
    """Power of each unit of the line for its heats in each step [MW], shape (n_steps,); without idling."""
    horizon, grades = scenario.horizon, {heat.name: heat.grade for heat in scenario.heats}
    edges = np.arange(horizon.n_steps + 1) * horizon.step_min
    by_unit = {unit.name: np.zeros(horizon.n_steps) for unit in scenario.line.units}
    names = ("heat", "unit", "start_min", "end_min", "energy_mwh")
    for heat, unit, start, end, energy in zip(*(run[f"op_{name}"].values.tolist() for name in names), strict=True):
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
        if parts.sum() > 0:  # the run's energy is that within the horizon; reheating is included
            parts *= energy / parts.sum()
        by_unit[unit][first:last] += parts / horizon.step_h
    return by_unit


def processes(at: Moment) -> Iterator[Box]:
    """Processes: output and power, and the state of each unit if there are several."""
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
    """Output of a unit, and its mode if it has several."""
    tonnes = at.amount(at.run["process_tph"].sel(process=unit).to_numpy())
    says = f"{wording.number(tonnes, 0)} {at.tonnes}"
    if at.step is None:
        return says
    if tonnes <= SMALL:
        return tr("getting ready") if float(at.run["process_mw"].sel(process=unit)[at.step]) > SMALL else tr("idle")
    mode = str(at.run["process_mode"].sel(process=unit).values[at.step])
    return f"{mode}, {says}" if mode and len(process.all_modes) > 1 else says


def stores(at: Moment) -> Iterator[Lane]:
    """Stores of material: level, output of the processes, arrivals and deliveries."""
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
        says = [
            tr(text, amount=wording.number(amount, 0), unit=at.tonnes)
            for amount, text in ((comes, mark("{amount} {unit} in")), (leaves, mark("{amount} {unit} out")))
            if amount > SMALL
        ]
        level = at.level(run["stock_t"].sel(stock=name).to_numpy(), store.start_t)
        into = at.amount(run["stock_in_t"].sel(stock=name).to_numpy() / hours)
        yield Lane(name, at.tonnes, into, level, store.capacity_t, ", ".join(says))
