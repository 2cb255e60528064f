"""A judge of plans of a line: reads the scenario and the exported table of heats, and nothing that makes plans.

Every rule is written here once more, from the records of the scenario: routes, units, set-ups, transfers, longest
waits, casts, releases, due times, outages, locks, the horizon, the metered import limit and the energy of each heat. It
imports neither models nor twin nor plans, and reads no table that those read.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from emberline.scenarios import Case
from emberline.scenarios.case.line import Grade, Stage

SECOND = 1 / 60
"""Times of a table are rounded to the second [min]."""
MWH = 1e-3
"""Energies of a table are rounded to the kilowatt-hour [MWh]."""


@dataclass(frozen=True)
class Row:
    """One operation of the exported table; times after the start of the horizon [min]."""

    heat: str
    stage: str
    unit: str
    start: float
    end: float
    mwh: float


def from_table(scenario: Case, records: Iterable[Mapping[str, Any]]) -> list[Row]:
    """The operations of an exported table of heats, as its records or lines of its CSV."""

    def minutes(text: str) -> float:
        return scenario.horizon.minutes(datetime.fromisoformat(text))

    return [
        Row(
            str(row["heat"]), str(row["stage"]), str(row["unit"]), minutes(row["start"]), minutes(row["end"]),
            float(row["energy_mwh"]),
        )
        for row in records
    ]  # fmt: skip


def from_file(scenario: Case, path: Path) -> list[Row]:
    """The operations of an exported CSV or JSON file."""
    text = path.read_text(encoding="utf-8")
    records = json.loads(text)["heats"] if path.suffix == ".json" else csv.DictReader(text.split("\n"))
    return from_table(scenario, records)


def faults(
    scenario: Case, rows: Sequence[Row], flows: Mapping[str, np.ndarray] | None = None, *, on_steps: bool = True
) -> list[str]:
    """Every rule that a plan breaks, in words; empty for a plan that keeps them all.

    Args:
        scenario: what was asked.
        rows: the exported table of heats.
        flows: the exported table of steps, or some columns of it: ``line_mw``, ``import_mw`` and ``export_mw``; with
            those of ``site_faults``, ``meter_mw`` among them, the balance is judged too.
        on_steps: operations must begin on steps, as those of a search do; the baseline's may begin between.
    """
    judge = _Judge(scenario, rows, flows or {})
    return [*judge.faults(), *(judge.grid() if on_steps else ())]


def site_faults(scenario: Case, flows: Mapping[str, np.ndarray]) -> Iterator[str]:
    """What a plan's site does that no battery and no connection can, in words.

    Args:
        scenario: what was asked.
        flows: columns of the exported table of steps, and ``meter_mw`` of the exported file by metered interval.
    """
    site, hours = scenario.site, scenario.horizon.step_h
    out = site.grid.export_limit_mw * (1 + 1e-5) + 1e-5
    for name in ("meter_mw", "import_mw"):
        limit = site.grid.import_limit_mw if name == "meter_mw" else None
        if name in flows and limit is not None and flows[name].max(initial=0.0) > limit * (1 + 1e-5) + 1e-5:
            yield f"imports {flows[name].max():g} MW, at most {limit:g}"
    if "meter_mw" in flows and (-flows["meter_mw"]).max(initial=0.0) > out:
        yield f"exports {(-flows['meter_mw']).max():g} MW in a metered interval, at most {site.grid.export_limit_mw:g}"
    battery = site.battery
    if battery is None or not battery.energy_mwh:
        return
    charge, discharge, stated = (flows[name] for name in ("charge_mw", "discharge_mw", "battery_mwh"))
    into, away, size = battery.charge_efficiency, battery.discharge_efficiency, battery.energy_mwh
    both = np.minimum(charge, discharge)
    if into * away < 1 and both.max(initial=0.0) > 1e-4 * battery.power_mw:
        yield f"charges and discharges {both.max():g} MW at once in step {int(both.argmax())}"
    if max(charge.max(initial=0.0), discharge.max(initial=0.0)) > battery.power_mw * (1 + 1e-5) + 1e-5:
        yield f"charges or discharges more than {battery.power_mw:g} MW"
    start = scenario.state.battery_level_mwh
    level = battery.level_share * size if start is None else start
    end = level if battery.end_level_share is None else battery.end_level_share * size
    retention = (1 - battery.self_loss_per_h) ** hours
    effective = hours if retention == 1 else (1 - retention) / -np.log(1 - battery.self_loss_per_h)
    for t, (a, b) in enumerate(zip(charge.tolist(), discharge.tolist(), strict=True)):
        level = level * retention + effective * (a * into - b / away)
        if abs(level - stated[t]) > 1e-4 * max(size, 1.0) or not -1e-4 * size <= level <= size * (1 + 1e-4):
            yield f"holds {stated[t]:g} MWh at the end of step {t}, by its flows {level:g} of {size:g}"
            return
    if level < end - 1e-4 * max(size, 1.0):
        yield f"ends with {level:g} MWh, wanted {end:g}"


class _Judge:
    def __init__(self, scenario: Case, rows: Sequence[Row], flows: Mapping[str, np.ndarray]) -> None:
        self.scenario, self.rows, self.flows = scenario, rows, flows
        self.stages = list(scenario.line.stages)
        self.names = [stage.name for stage in self.stages]
        self.unit = {unit.name: (unit, stage) for stage in self.stages for unit in stage.units}
        self.heat = {heat.name: heat for heat in scenario.heats}
        self.started = {(item.heat, item.stage): item for item in scenario.state.started}
        self.transfer = {(item.start, item.end): item.minutes for item in scenario.line.transfers}
        self.changeover = {(one.unit, one.before, one.after): one.setup_min for one in scenario.line.changeovers}
        self.of_heat: dict[str, list[Row]] = {}
        for row in sorted(rows, key=lambda row: row.start):
            self.of_heat.setdefault(row.heat, []).append(row)
        last = self.stages[-1]
        self.cast = {heat.name: heat.order if last.campaign else heat.name for heat in scenario.heats}

    def faults(self) -> Iterator[str]:
        wrong = list(self._places())
        yield from wrong
        if wrong:
            return  # the rest would speak of heats and units that there are not
        checks = (self._spans, self._lags, self._units, self._casts, self._limits, self._locks, self._energy)
        for check in (*checks, self._balance):
            yield from check()

    def _minutes(self, grade: Grade, unit: str) -> float | None:
        entry = grade.duration_min.get(unit)
        return grade.duration_min.get(self.unit[unit][1].name) if entry is None else entry

    def _route(self, heat: str) -> list[Stage]:
        """Stages that a heat has still to run through, or has begun."""
        grade = self.heat[heat].grade
        route = [s for s in self.stages if any(self._minutes(grade, unit.name) is not None for unit in s.units)]
        reached = max((self.names.index(stage) for name, stage in self.started if name == heat), default=-1)
        return [s for s in route if self.names.index(s.name) >= reached or (heat, s.name) in self.started]

    def _old(self, row: Row) -> bool:
        return (row.heat, row.stage) in self.started

    def _places(self) -> Iterator[str]:
        """Each heat once at each stage of its route, on a unit that may take it."""
        for row in self.rows:
            if row.heat not in self.heat or row.unit not in self.unit:
                yield f"heat {row.heat} or unit {row.unit} is none of the scenario"
        orders = {order.name: order for order in self.scenario.orders}
        for name in self.heat:
            route = [stage.name for stage in self._route(name)]
            rows = [row.stage for row in self.of_heat.get(name, [])]
            if sorted(rows) != sorted(route):
                yield f"heat {name} runs through {', '.join(rows) or 'nothing'}, not once through {', '.join(route)}"
        for row in self.rows:
            if row.heat not in self.heat or row.unit not in self.unit:
                continue
            named = orders[self.heat[row.heat].order].units if row.stage == self.names[-1] else ()
            if self.unit[row.unit][1].name != row.stage:
                yield f"{row.unit} is no unit of {row.stage}"
            elif self._minutes(self.heat[row.heat].grade, row.unit) is None or (named and row.unit not in named):
                yield f"heat {row.heat} cannot run on {row.unit}"

    def _spans(self) -> Iterator[str]:
        """Durations, what has begun, release, due time and horizon."""
        # with changeovers, due times break ties between orders
        late = self.scenario.goal.minimize == "lateness" or bool(self.changeover)
        for row in self.rows:
            heat = self.heat[row.heat]
            nominal = self._minutes(heat.grade, row.unit) or 0.0
            if self._old(row):
                item = self.started[row.heat, row.stage]
                if row.unit != item.unit or abs(row.start - self.scenario.horizon.minutes(item.start)) > SECOND:
                    yield f"{_operation(row)} has begun elsewhere or at another time"
                continue
            short = row.end - row.start < nominal - SECOND
            if short or (not self._followed(row) and row.end - row.start > nominal + SECOND):
                yield f"{_operation(row)} takes {row.end - row.start:g} min instead of {nominal:g}"
            if row.start < max(heat.release_min, 0.0) - SECOND:
                yield f"{_operation(row)} starts before its release"
            if row.end > self.scenario.horizon.length_min + SECOND and not late:
                yield f"{_operation(row)} ends after the horizon"
        for name, mine in self.of_heat.items():
            if mine[-1].end > self.heat[name].due_min + SECOND and not late:
                yield f"{_operation(mine[-1])} ends {mine[-1].end:g}, due {self.heat[name].due_min:g}"

    def _followed(self, row: Row) -> bool:
        """Whether another heat of the cast comes after it: a caster keeps the pace of the plan until then."""
        if not self.unit[row.unit][1].campaign:
            return False
        mine = [name for name in self.heat if self.cast[name] == self.cast[row.heat]]
        return row.heat != mine[-1]

    def _lags(self) -> Iterator[str]:
        """Stages in order, transfers and longest waits."""
        for mine in self.of_heat.values():
            for one, two in pairwise(mine):
                if self._old(two):
                    continue
                stage = self.unit[one.unit][1]
                if self.names.index(one.stage) >= self.names.index(two.stage):
                    yield f"{_operation(two)} comes after {one.stage}"
                least = self.transfer.get((one.unit, two.unit), stage.transfer_min)
                if two.start < one.end + least - SECOND:
                    yield f"{_operation(two)} starts {two.start:g}, there at {one.end + least:g}"
                longest = stage.longest_wait_min
                if longest is not None and two.start > one.end + longest + SECOND:
                    yield f"{_operation(two)} waits {two.start - one.end:g} min after {one.stage}, at most {longest:g}"

    def _units(self) -> Iterator[str]:
        """One heat, or cast, at a time on each unit, its set-up between; none in an outage."""
        minutes = self.scenario.horizon.minutes
        for name, (unit, stage) in self.unit.items():
            mine = sorted((row for row in self.rows if row.unit == name), key=lambda row: (row.start, row.end))
            for one, two in pairwise(mine):
                together = stage.campaign and self.cast[one.heat] == self.cast[two.heat]
                grades = self.heat[one.heat].grade.name, self.heat[two.heat].grade.name
                setup = self.changeover.get((name, *grades), unit.setup_min)
                least = one.end + (0.0 if together else setup)
                if not self._old(two) and two.start < least - SECOND:
                    yield f"{_operation(two)} starts {two.start:g} on {name}, taken until {least:g} by {one.heat}"
            for item in self.scenario.state.outages:
                for row in mine if item.unit == name else ():
                    begin, end = max(row.start, minutes(item.start)), min(row.end, minutes(item.end))
                    if end - begin > SECOND and not self._old(row):
                        yield f"{_operation(row)} runs {end - begin:g} min in an outage"

    def _casts(self) -> Iterator[str]:
        """Heats of a cast in order, on one caster, without a gap and without another heat between them."""
        stage = self.stages[-1]
        if not stage.campaign:
            return
        for order in self.scenario.orders:
            of_order = [name for name in self.heat if self.heat[name].order == order.name]
            mine = [row for name in of_order for row in self.of_heat[name] if row.stage == stage.name]
            if len({row.unit for row in mine}) > 1:
                yield f"cast {order.name} is on {', '.join(sorted({row.unit for row in mine}))}"
            for one, two in pairwise(mine):
                if not self._old(two) and abs(two.start - one.end) > SECOND and one.end >= 0:
                    yield f"{_operation(two)} starts {two.start - one.end:g} min after {one.heat}, of the same cast"
                if two.start < one.start:
                    yield f"{_operation(two)} is cast before {one.heat}"

    def _locks(self) -> Iterator[str]:
        """Each lock by itself, as it stands in the scenario."""
        minutes = self.scenario.horizon.minutes
        for i, lock in enumerate(self.scenario.locks):
            row = next(row for row in self.of_heat[lock.heat] if row.stage == lock.stage)
            if self._old(row):
                continue
            if lock.unit is not None and row.unit != lock.unit:
                yield f"locks.{i}: {_operation(row)}, locked on {lock.unit}"
            if lock.start is not None and abs(row.start - minutes(lock.start)) > SECOND:
                yield f"locks.{i}: {_operation(row)} starts {row.start:g}, locked at {minutes(lock.start):g}"
            if lock.earliest is not None and row.start < minutes(lock.earliest) - SECOND:
                yield f"locks.{i}: {_operation(row)} starts {row.start:g}, locked from {minutes(lock.earliest):g}"
            if lock.latest is not None and row.start > minutes(lock.latest) + SECOND:
                yield f"locks.{i}: {_operation(row)} starts {row.start:g}, locked until {minutes(lock.latest):g}"

    def grid(self) -> Iterator[str]:
        """Operations begin on steps, of a cast the first one."""
        step = self.scenario.horizon.step_min
        if self.scenario.goal.minimize in ("lateness", "makespan") or self.changeover:
            return
        firsts = {self.cast[name]: name for name in reversed(list(self.heat))}
        for row in self.rows:
            later = self.unit[row.unit][1].campaign and firsts[self.cast[row.heat]] != row.heat
            if not self._old(row) and not later and abs(row.start - round(row.start / step) * step) > SECOND:
                yield f"{_operation(row)} starts {row.start:g}, between steps of {step:g} min"

    def _nominal(self, row: Row) -> float:
        """Electricity of an operation without reheating [MWh]."""
        grade, unit = self.heat[row.heat].grade, self.unit[row.unit][0]
        per_tonne = grade.energy_kwh_per_t.get(row.unit, grade.energy_kwh_per_t.get(row.stage))
        if per_tonne is not None:
            return per_tonne * grade.mass_t / 1000
        mean = sum(phase.share * phase.power_mw for phase in unit.phases) if unit.phases else unit.power_mw or 0.0
        return mean * (self._minutes(grade, row.unit) or 0.0) / 60

    def _reheat(self, row: Row) -> float:
        """What a heat lost while it waited, made good at the reheating stage [MWh]."""
        loss = self.scenario.line.heat_loss
        if loss is None or row.stage != loss.reheating_stage:
            return 0.0
        waited = 0.0
        chain = [one for one in self.of_heat[row.heat] if self.names.index(one.stage) <= self.names.index(row.stage)]
        for one, two in pairwise(chain):
            here, there = self.unit[one.unit][1], self.unit[two.unit][1]
            quickest = min(
                self.transfer.get((a.name, b.name), here.transfer_min) for a in here.units for b in there.units
            )
            waited += max(two.start - one.end - quickest, 0.0)
        per_tonne = loss.rate_k_per_min * loss.reheat_kwh_per_t_k * waited
        return per_tonne * self.heat[row.heat].grade.mass_t / 1000

    def _energy(self) -> Iterator[str]:
        """Energy of each heat: nominal, and what it lost while waiting."""
        for row in self.rows:
            target = self._nominal(row) + self._reheat(row)
            within = row.start >= 0 and row.end <= self.scenario.horizon.length_min
            if within and abs(row.mwh - target) > MWH + 1e-6 * target:
                yield f"{_operation(row)} draws {row.mwh:g} MWh instead of {target:g}"

    def _line_mwh(self, edges: np.ndarray) -> np.ndarray:
        """Electricity of the line between edges [MWh]; phase by phase, reheating evenly."""
        total = np.zeros(len(edges) - 1)
        for row in self.rows:
            unit = self.unit[row.unit][0]
            phases = [(phase.share, phase.power_mw) for phase in unit.phases] or [(1.0, unit.power_mw or 0.0)]
            parts = [share * power for share, power in phases]
            if sum(parts) <= 0:
                parts = [share for share, _ in phases]
            at = row.start + (row.end - row.start) * np.cumsum([0.0, *(share for share, _ in phases)])
            result = np.concatenate([[0.0], np.cumsum(parts)]) / sum(parts) * self._nominal(row)
            total += np.diff(np.interp(edges, at, result))
            total += np.diff(np.interp(edges, [row.start, row.end], [0.0, self._reheat(row)]))
        return total

    def _balance(self) -> Iterator[str]:
        """PV is what is left of the balance of steps and metered intervals: from 0 to what is available."""
        horizon, grid, inputs, flows = self.scenario.horizon, self.scenario.site.grid, self.scenario.inputs, self.flows
        idle = any(unit.states is not None for unit, _ in self.unit.values())
        if "meter_mw" not in flows or self.scenario.site.assets or idle:
            return
        steps = np.arange(horizon.n_steps + 1) * horizon.step_min
        meter = np.arange(len(flows["meter_mw"]) + 1) * grid.metered_interval_min
        others = inputs["base_load_mw"].to_numpy() + flows["charge_mw"] - flows["discharge_mw"]
        net = flows["import_mw"] - flows["export_mw"]
        for edges, mean, kind in ((steps, net, "step"), (meter, flows["meter_mw"], "metered interval")):

            def mwh(mw: np.ndarray, edges: np.ndarray = edges) -> np.ndarray:
                return np.diff(np.interp(edges, steps, np.concatenate([[0.0], np.cumsum(mw * horizon.step_h)])))

            used = self._line_mwh(edges) + mwh(others) - mean * np.diff(edges) / 60
            off = np.maximum(used - mwh(inputs["pv_available_mw"].to_numpy()), -used)
            if off.max(initial=0.0) > MWH + 1e-6 * float(np.abs(mean).max(initial=0.0)):
                yield f"the balance of {kind} {int(off.argmax())} is off by {off.max():g} MWh"

    def _limits(self) -> Iterator[str]:
        """Power of the line as it is reported, and the import limit in the mean over a metered interval."""
        scenario, grid = self.scenario, self.scenario.site.grid
        step, interval, length = scenario.horizon.step_min, grid.metered_interval_min, scenario.horizon.length_min
        idle = any(unit.states is not None for unit, _ in self.unit.values())
        steps = np.arange(scenario.horizon.n_steps + 1) * step
        start = any(row.start < 0 for row in self.rows)
        if "line_mw" in self.flows and not idle and not start:
            off = np.abs(self._line_mwh(steps) * 60 / step - self.flows["line_mw"])
            if off.max(initial=0.0) > 1e-3:
                yield f"the line's power is off by {off.max():g} MW at {steps[int(off.argmax())]:g} min"
        if grid.import_limit_mw is None:
            return
        limit = grid.import_limit_mw * (1 + 1e-6) + 1e-6
        if "import_mw" in self.flows and interval % step == 0:
            net = self.flows["import_mw"] - self.flows.get("export_mw", 0.0)
            mean = net.reshape(-1, round(interval / step)).mean(axis=1)
            if mean.max(initial=0.0) > limit:
                yield f"imports {mean.max():g} MW in the mean over {interval:g} min, at most {grid.import_limit_mw:g}"
        if scenario.site.assets or scenario.site.battery is not None or idle:
            return
        edges = np.arange(round(length / interval) + 1) * interval
        inputs = scenario.inputs
        others = (inputs["base_load_mw"] - inputs["pv_available_mw"]).to_numpy() * step / 60
        remaining = np.interp(edges, steps, np.concatenate([[0.0], np.cumsum(others)]))
        mean = (self._line_mwh(edges) + np.diff(remaining)) * 60 / interval
        if mean.max(initial=0.0) > limit + MWH * 60 / interval:
            yield f"needs {mean.max():g} MW in the mean over {interval:g} min, at most {grid.import_limit_mw:g}"


def _operation(row: Row) -> str:
    return f"heat {row.heat} at {row.stage} on {row.unit}"
