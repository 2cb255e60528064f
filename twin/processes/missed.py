"""Violations in a run of the works: planned tonnes, deliveries, outages and planned stops, runs, rests, ramps, levels.

Where reality is disturbed only deliveries and the site's limits count: that a mill makes less than planned is what a
disturbance is, and that a turbine on its waste heat does so too.
"""

from __future__ import annotations

import numpy as np

from emberline.scenarios import Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.datasets import ViolationKind
from emberline.scenarios.process.locks import locked_runs
from emberline.scenarios.process.record import carriers_of
from emberline.scenarios.records.locks import SECOND
from emberline.twin.processes.network import WorksTable
from emberline.twin.processes.recorder import Records
from emberline.twin.run_variables import TOLERANCE, Violation

SHARE = 1e-5
"""Share of a rate, an amount or a level that counts as nothing, seconds of a day: far above what rates are rounded by
in a schedule, of which errors add up in a store; far below any reading."""
SLIP_MIN = 1e-6
"""Time that counts as nothing."""


def missed(table: WorksTable, records: Records, *, disturbed: bool) -> list[Violation]:
    """Violations of a run, in no order.

    Kinds ``process`` (planned tonnes not made; one per unit and stretch of steps), ``delivery`` (not served; one per
    demand and local day, an order as a whole), ``outage`` (minutes that a unit was to run while it is not available),
    ``stop`` (hours that a planned stop lacks), ``standstill`` (hours that a unit stood which must run), ``energy``
    (of a local day, drawn otherwise than asked for), ``run`` and ``rest`` (hours short), ``ramp`` (t/h too fast) and
    ``level`` (end level below what is wanted).
    """
    violations = deliveries(table, records)
    if not disturbed:
        violations += (
            _shortfalls(table, records) + _spans(table, records) + _ramps(table, records) + unreached(table, records)
        )
        violations += _outages(table, records) + _stops(table, records)
        violations += [
            Violation(ViolationKind.ENERGY, "", name, at, amount, "MWh")
            for name, at, amount in underfed(table, records)
        ]
    return violations


def off_locks(table: WorksTable, records: Records) -> list[Violation]:
    """Locked runs that do not begin then [min to the nearest], and minutes in which fewer units run than are locked."""
    scenario, step, violations = table.scenario, table.step_min, list[Violation]()
    for (process, mode), locked in locked_runs(scenario.run_locks, scenario.processes, scenario.horizon).items():
        members = {u for u, machine in enumerate(table.machines) if machine.process.name == process}
        runs = [
            run for run in records.course.runs
            if run.unit in members and table.machines[run.unit].ways[run.mode].name == mode
        ]  # fmt: skip
        for k, count in locked.begins.items():
            off = sorted(abs(run.begin - k * step) for run in runs)
            if sum(minutes <= SECOND for minutes in off) < count:
                amount = off[count - 1] if len(off) >= count else scenario.horizon.length_min
                violations.append(Violation(ViolationKind.LOCK, "", process, k * step, amount, "min"))
        edges = np.arange(table.n_steps) * step
        running = sum(
            ((edges > run.begin - SECOND) & (edges + step < run.end + SECOND)).astype(int) for run in runs
        )  # fmt: skip
        few = np.flatnonzero(running < locked.running)
        if len(few):
            at, amount = float(few[0]) * step, len(few) * step
            violations.append(Violation(ViolationKind.LOCK, "", process, at, amount, "min"))
    return violations


def deliveries(table: WorksTable, records: Records) -> list[Violation]:
    """Deliveries that fell short [t]."""
    violations: list[Violation] = []
    loaded, demand = np.array(records.course.loaded), np.array(records.course.demand_t)
    for j, load in enumerate(table.loads):
        if load.order:
            short = load.amount_t - float(loaded[j].sum())
            if short > SHARE * load.amount_t:
                violations.append(
                    Violation(ViolationKind.DELIVERY, "", load.name, load.span[1] * table.step_min, short, "t")
                )
            continue
        # what one step's rate is rounded by in a level counts as nothing, whatever the day is
        small = SHARE * max(float(demand[j].max(initial=0.0)), TOLERANCE)
        for day in range(int(table.day_of[-1]) + 1):
            steps = np.flatnonzero(table.day_of == day)
            behind = demand[j][steps] - loaded[j][steps]
            if behind.sum() > max(SHARE * float(demand[j][steps].sum()), small):
                first = int(steps[np.argmax(behind > small)])
                violations.append(
                    Violation(ViolationKind.DELIVERY, "", load.name, first * table.step_min, float(behind.sum()), "t")
                )
    return violations


def _shortfalls(table: WorksTable, records: Records) -> list[Violation]:
    violations: list[Violation] = []
    setpoints = np.array([row[1] for row in records.course.instructions]).T
    for u, machine in enumerate(table.machines):
        output = records.output_t[u].sum(axis=0)
        behind = setpoints[u] * table.step_h - output
        small = SHARE * max(way.high for way in machine.ways) * table.step_h
        wrong = np.flatnonzero(behind > small)
        for stretch in np.split(wrong, np.flatnonzero(np.diff(wrong) > 1) + 1):
            if len(stretch):
                at, amount = float(stretch[0]) * table.step_min, float(behind[stretch].sum())
                violations.append(Violation(ViolationKind.PROCESS, "", machine.name, at, amount, "t"))
    return violations


def _outages(table: WorksTable, records: Records) -> list[Violation]:
    """Outages in which a unit was to run."""
    violations: list[Violation] = []
    begins = np.arange(table.n_steps) * table.step_min
    modes = np.array([row[0] for row in records.course.instructions]).T
    for u, machine in enumerate(table.machines):
        for begin, end in machine.outages:
            overlap = np.minimum(begins + table.step_min, end) - np.maximum(begins, begin)
            minutes = np.where(modes[u] >= 0, np.maximum(overlap, 0.0), 0.0)
            if minutes.sum() > SLIP_MIN:
                at = max(float(begins[np.argmax(minutes > 0)]), begin)
                violations.append(Violation(ViolationKind.OUTAGE, "", machine.name, at, float(minutes.sum()), "min"))
    return violations


def _stops(table: WorksTable, records: Records) -> list[Violation]:
    """Planned stops that were not made as long as asked for, and standstills of units that must run."""
    violations: list[Violation] = []
    stands = np.array(records.course.modes).T < 0
    for u, machine in enumerate(table.machines):
        process, length = machine.process, 0
        if not process.must_run:
            continue
        window = process.stop_window(table.scenario.horizon)
        if window is not None:
            first, last, length = window
            spans = [int(stands[u, k : k + length].cumprod().sum()) for k in range(first, last + 1)]
            lacking = length - max(spans)
            if lacking:
                violations.append(
                    Violation(ViolationKind.STOP, "", machine.name, last * table.step_min, lacking * table.step_h, "h")
                )
        standing = np.flatnonzero(stands[u] & ~table.closed[u])
        if len(standing) > length:
            at = float(standing[length] * table.step_min)
            violations.append(
                Violation(ViolationKind.STANDSTILL, "", machine.name, at, (len(standing) - length) * table.step_h, "h")
            )
    return violations


def _spans(table: WorksTable, records: Records) -> list[Violation]:
    violations: list[Violation] = []
    for run in records.course.runs:
        machine = table.machines[run.unit]
        short = machine.process.min_run_h * 60 - (run.end - run.begin)
        # an outage ends a run with the step that it begins in
        step = int(run.end / table.step_min + SLIP_MIN)
        if run.by_order and short > SLIP_MIN and not table.closed[run.unit, min(step, table.n_steps - 1)]:
            violations.append(Violation(ViolationKind.RUN, "", machine.name, run.end, short / 60, "h"))
    for rest in records.course.rests:
        machine = table.machines[rest.unit]
        short = machine.process.min_rest_h * 60 - (rest.end - rest.begin)
        if short > SLIP_MIN:
            violations.append(Violation(ViolationKind.REST, "", machine.name, rest.end, short / 60, "h"))
    return violations


def _ramps(table: WorksTable, records: Records) -> list[Violation]:
    """Rates of neighbouring steps in which a unit runs all through; of the first step, against its rate before."""
    violations: list[Violation] = []
    setpoints = np.array([row[1] for row in records.course.instructions]).T
    for u, machine in enumerate(table.machines):
        if machine.process.ramp_tph_per_h is None:
            continue
        most = machine.process.ramp_tph_per_h * table.step_h
        idle = all(way.low == 0 for way in machine.ways)
        before = machine.state.rate_tph if machine.mode >= 0 and machine.state.rate_tph is not None else 0.0
        rates = np.concatenate([[before], records.output_t[u].sum(axis=0) / table.step_h])
        has_rate = machine.mode >= 0 and machine.state.rate_tph is not None
        running = np.concatenate(
            [[has_rate], _running(table, records, u) & ((setpoints[u] > 0) & (rates[1:] > 0) | idle)]
        )
        over = np.abs(np.diff(rates)) - most
        wrong = running[1:] & running[:-1] & (over > SHARE * max(way.high for way in machine.ways))
        for k in np.flatnonzero(wrong).tolist():
            violations.append(
                Violation(ViolationKind.RAMP, "", machine.name, k * table.step_min, float(over[k]), "t/h")
            )
    return violations


def _running(table: WorksTable, records: Records, u: int) -> np.ndarray:
    """Steps all through which a unit runs, at whatever rate, shape (n_steps,)."""
    edges = np.arange(table.n_steps) * table.step_min
    running = np.zeros(table.n_steps, dtype=bool)
    for run in records.course.runs:
        if run.unit == u:
            running |= (run.begin <= edges + SLIP_MIN) & (run.end >= edges + table.step_min - SLIP_MIN)
    return running


def unreached(table: WorksTable, records: Records) -> list[Violation]:
    """Stores that end below what is wanted [t]."""
    violations: list[Violation] = []
    for s, name in enumerate(table.stores):
        short = table.end_t[s] - records.course.levels[s][-1]
        if short > SHARE * max(table.capacity[s], 1.0):
            violations.append(Violation(ViolationKind.LEVEL, "", name, table.n_steps * table.step_min, short, "t"))
    return violations


def underfed(table: WorksTable, records: Records) -> list[tuple[str, float, float]]:
    """Processes that do not draw a day's energy: name, when that day begins [min], what lacks or is too much [MWh]."""
    days = []
    for process in table.scenario.processes:
        members = [u for u, machine in enumerate(table.machines) if machine.process is process]
        draw_mwh = np.array([records.course.drawn_mwh[u] for u in members]).sum(axis=0)
        for steps, target_mwh in process.days(table.scenario.horizon):
            amount = abs(float(draw_mwh[steps.start : steps.stop].sum()) - target_mwh)
            if amount > SHARE * target_mwh:
                days.append((process.name, steps.start * table.step_min, amount))
    return days


def carrier_neighbours(scenario: Scenario) -> frozenset[str]:
    """Assets that share a carrier with processes, by way of others too: they miss a plan when those do."""
    assets = {asset.name: {name for _, name in asset.touches()} - {ELECTRICITY} for asset in scenario.site.assets}
    touched = {name for process in scenario.processes for _, name in carriers_of(process)}
    while more := {name for names in assets.values() if names & touched for name in names} - touched:
        touched |= more
    return frozenset(name for name, names in assets.items() if names & touched)
