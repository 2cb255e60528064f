"""Violations in a run of the works: planned tonnes, deliveries, outages and planned stops, runs, rests, ramps, levels.

Where reality is disturbed only deliveries and the site's limits count: that a mill makes less than planned is what a
disturbance is, and that a turbine on its waste heat does so too.
"""

from __future__ import annotations

from collections.abc import Iterator

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

Violations = Iterator[Violation]
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
    violations = list(_deliveries(table, records))
    if not disturbed:
        for limit in (_shortfalls, _spans, _ramps, _unreached, _outages, _stops, _underfed):
            violations += limit(table, records)
    return violations


def off_locks(table: WorksTable, records: Records) -> Violations:
    """Locked runs that do not begin then [min to the nearest], and minutes in which fewer units run than are locked."""
    scenario, step = table.scenario, table.step_min
    edges = np.arange(table.n_steps) * step
    for (process, mode), locked in locked_runs(scenario.run_locks, scenario.processes, scenario.horizon).items():
        members = {u for u, machine in enumerate(table.machines) if machine.process.name == process}
        runs = [
            run for run in records.trajectory.runs
            if run.unit in members and table.machines[run.unit].ways[run.mode].name == mode
        ]  # fmt: skip
        for k, count in locked.begins.items():
            off = sorted(abs(run.begin - k * step) for run in runs)
            if sum(minutes <= SECOND for minutes in off) < count:
                amount = off[count - 1] if len(off) >= count else scenario.horizon.length_min
                yield Violation(ViolationKind.LOCK, "", process, k * step, amount, "min")
        running = sum(((edges > run.begin - SECOND) & (edges + step < run.end + SECOND)).astype(int) for run in runs)
        few = np.flatnonzero(running < locked.running)
        if len(few):
            yield Violation(ViolationKind.LOCK, "", process, float(few[0]) * step, len(few) * step, "min")


def _deliveries(table: WorksTable, records: Records) -> Violations:
    """Deliveries that fell short [t]."""
    loaded, demand = np.array(records.trajectory.loaded), np.array(records.trajectory.demand_t)
    for j, load in enumerate(table.loads):
        if load.order:
            short = load.amount_t - float(loaded[j].sum())
            if short > SHARE * load.amount_t:
                yield Violation(ViolationKind.DELIVERY, "", load.name, load.span[1] * table.step_min, short, "t")
            continue
        # what one step's rate is rounded by in a level counts as nothing, whatever the day is
        small = SHARE * max(float(demand[j].max(initial=0.0)), TOLERANCE)
        for day in range(int(table.day_of[-1]) + 1):
            steps = np.flatnonzero(table.day_of == day)
            behind = demand[j][steps] - loaded[j][steps]
            if behind.sum() > max(SHARE * float(demand[j][steps].sum()), small):
                at = int(steps[np.argmax(behind > small)]) * table.step_min
                yield Violation(ViolationKind.DELIVERY, "", load.name, at, float(behind.sum()), "t")


def _shortfalls(table: WorksTable, records: Records) -> Violations:
    """Planned tonnes that were not made."""
    setpoints = np.array([row[1] for row in records.trajectory.instructions]).T
    for u, machine in enumerate(table.machines):
        output = records.output_t[u].sum(axis=0)
        behind = setpoints[u] * table.step_h - output
        wrong = np.flatnonzero(behind > SHARE * machine.high * table.step_h)
        for stretch in np.split(wrong, np.flatnonzero(np.diff(wrong) > 1) + 1):
            if len(stretch):
                at, amount = float(stretch[0]) * table.step_min, float(behind[stretch].sum())
                yield Violation(ViolationKind.PROCESS, "", machine.name, at, amount, "t")


def _outages(table: WorksTable, records: Records) -> Violations:
    """Outages in which a unit was to run."""
    begins = np.arange(table.n_steps) * table.step_min
    modes = np.array([row[0] for row in records.trajectory.instructions]).T
    for u, machine in enumerate(table.machines):
        for begin, end in machine.outages:
            overlap = np.minimum(begins + table.step_min, end) - np.maximum(begins, begin)
            minutes = np.where(modes[u] >= 0, np.maximum(overlap, 0.0), 0.0)
            if minutes.sum() > SLIP_MIN:
                at = max(float(begins[np.argmax(minutes > 0)]), begin)
                yield Violation(ViolationKind.OUTAGE, "", machine.name, at, float(minutes.sum()), "min")


def _stops(table: WorksTable, records: Records) -> Violations:
    """Planned stops that were not made as long as asked for, and standstills of units that must run."""
    stands = np.array(records.trajectory.modes).T < 0
    for u, machine in enumerate(table.machines):
        process, length = machine.process, 0
        if not process.must_run:
            continue
        window = process.stop_window(table.scenario.horizon)
        if window is not None:
            first, last, length = window
            spans = [int(stands[u, k : k + length].cumprod().sum()) for k in range(first, last + 1)]
            lacking_h = (length - max(spans)) * table.step_h
            if lacking_h:
                yield Violation(ViolationKind.STOP, "", machine.name, last * table.step_min, lacking_h, "h")
        standing = np.flatnonzero(stands[u] & ~table.closed[u])
        if len(standing) > length:
            at, hours = float(standing[length] * table.step_min), (len(standing) - length) * table.step_h
            yield Violation(ViolationKind.STANDSTILL, "", machine.name, at, hours, "h")


def _spans(table: WorksTable, records: Records) -> Violations:
    """Runs and rests that were too short."""
    for run in records.trajectory.runs:
        machine = table.machines[run.unit]
        short = machine.process.min_run_h * 60 - (run.end - run.begin)
        # an outage ends a run with the step that it begins in
        step = int(run.end / table.step_min + SLIP_MIN)
        if run.by_order and short > SLIP_MIN and not table.closed[run.unit, min(step, table.n_steps - 1)]:
            yield Violation(ViolationKind.RUN, "", machine.name, run.end, short / 60, "h")
    for rest in records.trajectory.rests:
        machine = table.machines[rest.unit]
        short = machine.process.min_rest_h * 60 - (rest.end - rest.begin)
        if short > SLIP_MIN:
            yield Violation(ViolationKind.REST, "", machine.name, rest.end, short / 60, "h")


def _ramps(table: WorksTable, records: Records) -> Violations:
    """Rates of neighbouring steps in which a unit runs all through; of the first step, against its rate before."""
    setpoints = np.array([row[1] for row in records.trajectory.instructions]).T
    for u, machine in enumerate(table.machines):
        if machine.process.ramp_tph_per_h is None:
            continue
        idle = all(way.low == 0 for way in machine.ways)
        before = machine.state.rate_tph if machine.mode >= 0 else None
        rates = np.concatenate([[before or 0.0], records.output_t[u].sum(axis=0) / table.step_h])
        going = _running(table, records, u) & ((setpoints[u] > 0) & (rates[1:] > 0) | idle)
        running = np.concatenate([[before is not None], going])
        over = np.abs(np.diff(rates)) - machine.process.ramp_tph_per_h * table.step_h
        for k in np.flatnonzero(running[1:] & running[:-1] & (over > SHARE * machine.high)).tolist():
            yield Violation(ViolationKind.RAMP, "", machine.name, k * table.step_min, float(over[k]), "t/h")


def _running(table: WorksTable, records: Records, u: int) -> np.ndarray:
    """Steps all through which a unit runs, at whatever rate, shape (n_steps,)."""
    edges = np.arange(table.n_steps) * table.step_min
    running = np.zeros(table.n_steps, dtype=bool)
    for run in records.trajectory.runs:
        if run.unit == u:
            running |= (run.begin <= edges + SLIP_MIN) & (run.end >= edges + table.step_min - SLIP_MIN)
    return running


def _unreached(table: WorksTable, records: Records) -> Violations:
    """Stores that end below what is wanted [t]."""
    for s, name in enumerate(table.stores):
        short = table.end_t[s] - records.trajectory.levels[s][-1]
        if short > SHARE * max(table.capacity[s], 1.0):
            yield Violation(ViolationKind.LEVEL, "", name, table.n_steps * table.step_min, short, "t")


def _underfed(table: WorksTable, records: Records) -> Violations:
    """Processes that do not draw a day's energy: what lacks or is too much, from the day's begin."""
    for process in table.scenario.processes:
        members = [u for u, machine in enumerate(table.machines) if machine.process is process]
        draw_mwh = np.array([records.trajectory.drawn_mwh[u] for u in members]).sum(axis=0)
        for steps, target_mwh in process.days(table.scenario.horizon):
            amount = abs(float(draw_mwh[steps.start : steps.stop].sum()) - target_mwh)
            if amount > SHARE * target_mwh:
                yield Violation(ViolationKind.ENERGY, "", process.name, steps.start * table.step_min, amount, "MWh")


def carrier_neighbours(scenario: Scenario) -> frozenset[str]:
    """Assets that share a carrier with processes, by way of others too: they miss a plan when those do."""
    assets = {asset.name: {name for _, name in asset.touches()} - {ELECTRICITY} for asset in scenario.site.assets}
    touched = {name for process in scenario.processes for _, name in carriers_of(process)}
    while more := {name for names in assets.values() if names & touched for name in names} - touched:
        touched |= more
    return frozenset(name for name, names in assets.items() if names & touched)
