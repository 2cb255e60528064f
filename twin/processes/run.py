"""Runs of the works: following a schedule, or the baseline's rule; and their envelope for the optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case, effort
from emberline.scenarios.columns import Columns
from emberline.scenarios.datasets import RUN, SCHEDULE, Policy, ViolationKind, check, metered
from emberline.twin.processes.following import Mix, SchedulePolicy
from emberline.twin.processes.missed import carrier_neighbours, missed, off_locks
from emberline.twin.processes.network import WorksTable, works_table
from emberline.twin.processes.recorder import Records
from emberline.twin.processes.rule.policy import ProcessBaseline
from emberline.twin.processes.scatter import planned_rate, scatter
from emberline.twin.processes.works import Controller, Works
from emberline.twin.run_variables import Act, recourse_variables, run_attrs, stop_variables, violation_variables
from emberline.twin.site.site import Setpoints, SiteGrid, balance, variables

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
        self.scenario = scenario
        self.table = works_table(scenario)
        self.grid = SiteGrid(scenario)
        by_rule = schedule is None or schedule.attrs.get("policy") == Policy.BASELINE
        self._follow = None if schedule is None or by_rule else SchedulePolicy(self.table, schedule)
        # the baseline's assets answer to the load as it is; a schedule's set-points are followed
        self._neighbours = carrier_neighbours(scenario)
        self._setpoints = None if schedule is None or by_rule else Setpoints.read(schedule)

    def run(self, seed: int, replication: int, disturbed: bool) -> xr.Dataset:
        """Follow it once; a dataset of table ``RUN``."""
        grid, horizon = self.grid, self.scenario.horizon
        data_vars, coordinates, attrs = self._course(seed, replication, disturbed)
        times = {
            "time": horizon.times,
            "meter": metered(horizon.times, horizon.step_min, grid.meter_min),
        }
        data = xr.Dataset(data_vars, coords={**times, **coordinates})
        data.attrs = attrs
        return check(data, RUN)

    def columns(self, seed: int, replication: int) -> Columns:
        """One disturbed run as plain arrays."""
        return Columns(*self._course(seed, replication, True, plain=True))

    def _course(
        self, seed: int, replication: int, disturbed: bool, *, plain: bool = False
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Variables, coordinates and attributes of a run, of ``Columns`` where it is ``plain``."""
        table, grid = self.table, self.grid
        policy: Controller = self._follow or ProcessBaseline(table, grid)
        mix: Mix = self._follow.mix if self._follow else {}
        works = Works(table, policy, scatter(table, seed, replication) if disturbed else None)
        parts = len(self.scenario.process_modes) + len(self.scenario.stores)
        effort.spend(PER_PART * parts * self.scenario.horizon.n_steps)
        course = works.run()
        records = Records(table, course, grid, mix)
        acts: list[Act] = []
        flows, violations = balance(
            grid, records.line_mw, self._setpoints, records.gives(), answering=disturbed, relieving=disturbed, acts=acts
        )
        if disturbed:
            violations = [
                row for row in violations if row.kind != ViolationKind.ASSET or row.unit not in self._neighbours
            ]
        late = missed(table, records, disturbed=disturbed)
        if self._follow and not disturbed:
            late += off_locks(table, records)
        columns = {
            **NO_OPERATIONS,
            **violation_variables(late + violations),
            **stop_variables((u.machine.name, at, halt) for u in works.units for at, halt in u.stops),
            **recourse_variables(acts),
            **variables(flows, plain=plain),
            **records.variables(),
        }
        attrs = {
            **run_attrs(seed, replication, disturbed, Policy.SCHEDULE if self._follow else Policy.BASELINE),
            "tonnes": records.delivered_t,
            "heats": 0,
            "complete": int(not any(row.kind in (ViolationKind.DELIVERY, ViolationKind.LEVEL) for row in late)),
            "metered_interval_min": float(grid.meter_min),
            "start": self.scenario.horizon.start_utc.isoformat(),
        }
        return columns, records.coordinates(), attrs


def dispatch_works(scenario: Case) -> xr.Dataset:
    """The baseline schedule, a dataset of table ``SCHEDULE``: what it tells the units when nothing disturbs them.

    The attribute ``complete`` is 0 where a delivery is missed, an end level is not reached, a unit is stopped that must
    run, breaks a least run, a least rest or its ramp, or a process does not draw its daily energy; ``unplaced`` names
    those.
    """
    table, grid = works_table(scenario), SiteGrid(scenario)
    baseline = ProcessBaseline(table, grid)
    course = Works(table, baseline).run()
    records = Records(table, course, grid, {})
    flows, _ = balance(grid, records.line_mw, None, records.gives())
    left_out = dict.fromkeys(row.unit for row in missed(table, records, disturbed=False))
    left_out.update(dict.fromkeys(baseline.stood))
    horizon = scenario.horizon
    nothing: Any = np.zeros((0, 0))
    data = xr.Dataset(
        {
            "unit": (("heat", "stage"), nothing.astype("U1")),
            **dict.fromkeys(("start_min", "end_min", "extra_mwh"), (("heat", "stage"), nothing)),
            **variables(flows),
            **records.variables(),
        },
        coords={
            "heat": np.zeros(0, dtype="U1"),
            "stage": np.zeros(0, dtype="U1"),
            "time": horizon.times,
            "meter": metered(horizon.times, horizon.step_min, grid.meter_min),
            **records.coordinates(),
        },
        attrs={"policy": Policy.BASELINE.value, "complete": int(not left_out), "unplaced": ", ".join(left_out)},
    )
    return check(data, SCHEDULE)


def envelope_variables(scenario: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables of table ``ENVELOPE`` that are of processes, and their coordinates; none where there are none."""
    if not scenario.processes:
        return {}, {}
    table: WorksTable = works_table(scenario)
    planned = [planned_rate(scenario.disturbances, m.name, m.process.name) for m in table.machines]
    names = np.array([machine.name for machine in table.machines], dtype=np.str_)
    columns = {
        "process_available": (("process", "time"), 1.0 - table.closed),
        "process_planned": ("process", np.array(planned)),
        "stock_start_t": ("stock", np.array(table.start_t)),
    }
    return columns, {"process": names, "stock": np.array(table.stores, dtype=np.str_)}
