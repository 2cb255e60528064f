"""The baseline schedule of the works, and their envelope for the optimizer."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios import Case
from emberline.scenarios.datasets import SCHEDULE, Policy, check
from emberline.twin.processes.missed import missed
from emberline.twin.processes.network import WorksTable, works_table
from emberline.twin.processes.recorder import Records
from emberline.twin.processes.rule.policy import ProcessBaseline
from emberline.twin.processes.scatter import planned_rate
from emberline.twin.processes.works import Works
from emberline.twin.site.site import SiteGrid, balance, variables


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
    table: WorksTable = works_table(scenario)
    planned = [planned_rate(scenario.disturbances, m.name, m.process.name) for m in table.machines]
    names = np.array([machine.name for machine in table.machines], dtype=np.str_)
    columns = {
        "process_available": (("process", "time"), 1.0 - table.closed),
        "process_planned": ("process", np.array(planned)),
        "stock_start_t": ("stock", np.array(table.start_t)),
    }
    return columns, {"process": names, "stock": np.array(table.stores, dtype=np.str_)}
