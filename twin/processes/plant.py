"""Works on one day: they run to any step, say what has happened, and go on under the same schedule or another one.

What has happened is never touched again. Rates, demands and failures are those of the day whatever is followed, so that
schedules are compared with common random numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case, effort
from emberline.scenarios.columns import Columns
from emberline.scenarios.datasets import RUN, SCHEDULE, Policy, ViolationKind, check
from emberline.twin.power import Ahead, Trace
from emberline.twin.processes.following import Mix, SchedulePolicy, joined_mix
from emberline.twin.processes.missed import carrier_neighbours, missed, off_locks
from emberline.twin.processes.network import WorksTable
from emberline.twin.processes.observed import Observations
from emberline.twin.processes.recorder import Records
from emberline.twin.processes.rule.policy import ProcessBaseline
from emberline.twin.processes.scatter import planned_rate, scatter
from emberline.twin.processes.works import Controller, Observed, Works
from emberline.twin.run_variables import (
    Act,
    Violation,
    recourse_variables,
    run_attrs,
    stop_variables,
    violation_variables,
)
from emberline.twin.site.assets.setpoints import Setpoints, joined
from emberline.twin.site.site import Flows, SiteGrid, balance, variables

NO_OPERATIONS = {
    **{f"op_{name}": ("operation", np.zeros(0, dtype="U1")) for name in ("heat", "stage", "unit")},
    **{
        f"op_{name}": ("operation", np.zeros(0))
        for name in ("start_min", "end_min", "waited_min", "energy_mwh", "extra_mwh", "down_min")
    },
}
"""Operations of heats, of which processes have none."""
PER_PART = 6e-5
"""Work of a run for each mode or store, and step."""


class WorksFollower:
    """A schedule of processes made ready to be followed any number of times."""

    def __init__(self, scenario: Case, schedule: xr.Dataset | None) -> None:
        """``schedule`` None, or of policy ``baseline``: the baseline decides step by step as things are.

        Raises:
            ValueError: the schedule lacks a unit, or names a mode that it has not.
        """
        self.scenario, self.schedule = scenario, schedule
        self.table = WorksTable(scenario)
        self.grid = SiteGrid(scenario)
        by_rule = schedule is None or schedule.attrs.get("policy") == Policy.BASELINE
        self.policy = None if schedule is None or by_rule else SchedulePolicy(self.table, schedule)
        self.neighbours = carrier_neighbours(scenario)
        # the baseline's assets answer to the load as it is; a schedule's set-points are followed
        self.setpoints = None if schedule is None or by_rule else Setpoints.read(schedule)


@dataclass(frozen=True)
class WorksTrajectory:
    """Records of the works, flows of the site, and every limit that was missed."""

    records: Records
    flows: Flows
    violations: list[Violation]
    acts: list[Act]
    complete: bool


class WorksPlant:
    """Works with their site on one day."""

    def __init__(
        self, follower: WorksFollower, seed: int, replication: int, *, disturbed: bool = True,
        observed: Iterable[Observed] = (),
    ) -> None:  # fmt: skip
        """Begin the day.

        Args:
            follower: the schedule that is followed at first, made ready.
            seed, replication: of the day.
            disturbed: whether rates and demands scatter and units break down.
            observed: of the plant that is simulated, in the order of their times.
        """
        self.follower, self.table = follower, follower.table
        self.seed, self.replication, self.disturbed = seed, replication, disturbed
        self.now = 0.0
        self.setpoints, self.schedule = follower.setpoints, follower.schedule
        """The schedule that is followed now."""
        table, scenario = self.table, follower.scenario
        self._by_rule = follower.policy is None
        policy: Controller = follower.policy or ProcessBaseline(table, follower.grid)
        self._mix: Mix = follower.policy.mix if follower.policy else {}
        self.works = Works(table, policy, scatter(table, seed, replication) if disturbed else None, observed)
        self._changes: list[tuple[float, xr.Dataset]] = []
        parts = len(scenario.process_modes) + len(scenario.stores)
        effort.spend(PER_PART * parts * scenario.horizon.n_steps)
        self._history = self.works.history()

    def run(self, until_min: float = math.inf) -> None:
        """Run to a moment, or to the end; within a step to the beginning of the next one, where set-points change."""
        length, step = self.follower.scenario.horizon.length_min, self.table.step_min
        until = min(math.ceil(until_min / step - 1e-9) * step if until_min < length else length, length)
        self.now = max(self.now, until)
        self._history = self.works.run(round(self.now / step))

    def follow(self, schedule: xr.Dataset) -> None:
        """Follow another schedule (table ``SCHEDULE`` over the whole horizon) from the step that begins now on.

        Raises:
            ValueError: as of ``WorksFollower``.
        """
        if self._by_rule and schedule.attrs.get("policy") == Policy.BASELINE:
            return
        self._changes.append((self.now, schedule))
        k = round(self.now / self.table.step_min)
        # what the rules have come to, so that the past stays as it was
        before = Setpoints.read(self.dataset()) if self.setpoints is None and k else self.setpoints
        self.setpoints = joined(before, Setpoints.read(schedule), k)
        policy = SchedulePolicy(self.table, schedule, onward=k > 0)
        self._mix = joined_mix(self._mix, policy.mix, k, self.table.n_steps)
        self.works.policy, self.schedule, self._by_rule = policy, schedule, False

    def ahead(self) -> Ahead:
        """The day to its end, under what is followed now; the plant stands where it is."""
        plant = WorksPlant(self.follower, self.seed, self.replication, disturbed=self.disturbed)
        for at_min, schedule in self._changes:
            plant.run(at_min)
            plant.follow(schedule)
        plant.run()
        machines, history = self.table.machines, plant.works.history()
        powers = {machine.name: Trace.of(rows) for machine, rows in zip(machines, history.power, strict=True)}
        runs = [
            (machines[run.unit].name, machines[run.unit].ways[run.mode].name, run.begin, run.end)
            for run in history.runs
        ]  # fmt: skip
        return Ahead(plant.dataset(), powers, plant.stops(), runs)

    def stops(self) -> list[tuple[str, float, float]]:
        """Breakdowns until now: unit, when and how long [min]."""
        return [(unit.machine.name, at, stop_min) for unit in self.works.units for at, stop_min in unit.stops]

    # ---- the day as a run -----------------------------------------------------------------------------------------

    def trajectory(self) -> WorksTrajectory:
        """Records of the works and flows of the site until now, and every limit that was missed."""
        table, grid, disturbed = self.table, self.follower.grid, self.disturbed
        records = Records(table, self._history, grid, self._mix)
        acts: list[Act] = []
        flows, violations = balance(
            grid, records.line_mw, self.setpoints, records.gives(), answering=disturbed, relieving=disturbed, acts=acts
        )
        if disturbed:
            near = self.follower.neighbours
            violations = [row for row in violations if row.kind != ViolationKind.ASSET or row.unit not in near]
        late = missed(table, records, disturbed=disturbed)
        if not self._by_rule and not disturbed:
            late += off_locks(table, records)
        complete = not any(row.kind in (ViolationKind.DELIVERY, ViolationKind.LEVEL) for row in late)
        return WorksTrajectory(records, flows, late + violations, acts, complete)

    def violations(self) -> list[Violation]:
        """Limits missed until now, in the order of their moments."""
        return sorted(self.trajectory().violations, key=lambda row: row.at_min)

    def columns(self) -> Columns:
        """The day as plain arrays; after the end."""
        return Columns(*self._variables(plain=True))

    def state(self) -> xr.Dataset:
        """History until now and the states of units, a dataset of table ``RUN``, as those who plan on read it
        (``twin.state.later``); steps to come are empty."""
        data = self.dataset()
        return check(data.assign(Records(self.table, self._history, self.follower.grid, {}).standings()), RUN)

    def dataset(self) -> xr.Dataset:
        """The day, a dataset of table ``RUN``; after the end."""
        data_vars, coordinates, attrs = self._variables()
        data = self.follower.grid.dataset(data_vars, coordinates)
        data.attrs = attrs
        return check(data, RUN)

    def _variables(self, *, plain: bool = False) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Variables, coordinates and attributes of the run, of ``Columns`` where it is ``plain``."""
        ran = self.trajectory()
        columns = {
            **NO_OPERATIONS,
            **violation_variables(ran.violations),
            **stop_variables(self.stops()),
            **recourse_variables(ran.acts),
            **variables(ran.flows, plain=plain),
            **ran.records.variables(),
        }
        policy = Policy.BASELINE if self._by_rule else Policy.SCHEDULE
        attrs = {
            **run_attrs(self.seed, self.replication, self.disturbed, policy),
            "tonnes": ran.records.delivered_t,
            "heats": 0,
            "complete": int(ran.complete),
            **self.follower.grid.attrs,
        }
        return columns, ran.records.coordinates(), attrs


def expect_works(scenario: Case, schedule: xr.Dataset, observations: Observations, now_min: float) -> xr.Dataset:
    """The run that is expected at a moment, a dataset of table ``RUN``: undisturbed but for what was observed.

    Args:
        scenario: with processes.
        schedule: that is followed (table ``SCHEDULE``).
        observations: of the plant until then.
        now_min: the moment.
    """
    follower = WorksFollower(scenario, schedule)
    seed, observed = scenario.disturbances.seed, observations.acts(follower.table, now_min)
    plant = WorksPlant(follower, seed, 0, disturbed=False, observed=observed)
    plant.run()
    return plant.state()


def dispatch_works(scenario: Case) -> xr.Dataset:
    """The baseline schedule, a dataset of table ``SCHEDULE``: what it tells the units when nothing disturbs them.

    The attribute ``complete`` is 0 where a delivery is missed, an end level is not reached, a unit is stopped that must
    run, breaks a least run, a least rest or its ramp, or a process does not draw its daily energy; ``unplaced`` names
    those.
    """
    table, grid = WorksTable(scenario), SiteGrid(scenario)
    baseline = ProcessBaseline(table, grid)
    trajectory = Works(table, baseline).run()
    records = Records(table, trajectory, grid, {})
    flows, _ = balance(grid, records.line_mw, None, records.gives())
    left_out = dict.fromkeys(row.unit for row in missed(table, records, disturbed=False))
    left_out.update(dict.fromkeys(baseline.stood))
    nothing: Any = np.zeros((0, 0))
    data = grid.dataset(
        {
            "unit": (("heat", "stage"), nothing.astype("U1")),
            **dict.fromkeys(("start_min", "end_min", "extra_mwh"), (("heat", "stage"), nothing)),
            **variables(flows),
            **records.variables(),
        },
        {"heat": np.zeros(0, dtype="U1"), "stage": np.zeros(0, dtype="U1"), **records.coordinates()},
    )
    data.attrs = {"policy": Policy.BASELINE.value, "complete": int(not left_out), "unplaced": ", ".join(left_out)}
    return check(data, SCHEDULE)


def envelope_variables(scenario: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables of table ``ENVELOPE`` that are of processes, and their coordinates; none where there are none."""
    if not scenario.processes:
        return {}, {}
    table = WorksTable(scenario)
    planned = [planned_rate(scenario.disturbances, m.name, m.process.name) for m in table.machines]
    names = np.array([machine.name for machine in table.machines], dtype=np.str_)
    columns = {
        "process_available": (("process", "time"), 1.0 - table.closed),
        "process_planned": ("process", np.array(planned)),
        "stock_start_t": ("stock", np.array(table.start_t)),
    }
    return columns, {"process": names, "stock": np.array(table.stores, dtype=np.str_)}
