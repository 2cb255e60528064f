"""The flow sheet of a plant in numbers: flows between its boxes at a moment, or totals.

Drawn by ``reports/charts/flow_sheet/drawing.py``.
"""

from __future__ import annotations

import pandas as pd
import xarray as xr

from emberline.reports.charts.flow_sheet.parts import SMALL, Box, Lane, Moment, Sheet, amount_text
from emberline.reports.charts.flow_sheet.production import processes, stages, stores, unit_power
from emberline.reports.charts.flow_sheet.site import asset_box, connections
from emberline.reports.charts.site_panels import display_name
from emberline.reports.text import wording
from emberline.reports.text.language import tr
from emberline.scenarios import Case

__all__ = ["Box", "Lane", "Moment", "Sheet", "sheet", "table", "unit_power"]


def sheet(scenario: Case, run: xr.Dataset, step: int | None) -> Sheet:
    """The flow sheet of a run.

    Args:
        scenario: with site, line, processes and stores.
        run: a dataset of table ``RUN``.
        step: of the horizon; None: totals over the horizon, levels at its end.
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
    """The flow sheet as table rows: state, inputs and outputs of each box, level of each store."""
    units = {lane.name: lane.unit for lane in (*sheet.carriers, *sheet.stores)}
    rows = []
    for box in (*sheet.site, *sheet.machines, *sheet.production):
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
