"""A Gantt drawn in the cells of a sheet: units down, time across, in the colours of the page's charts."""

from __future__ import annotations

import math
from typing import Any

from emberline.reports.charts import palette
from emberline.reports.charts.gantt import colours, key, makes
from emberline.reports.exports.texts import printable
from emberline.reports.text.activities import activities, called, of_site, units
from emberline.reports.text.language import tr
from emberline.runs.store.run_folder import StoredRun

MOST_CELLS = 1_000
"""Cells of a row: steps are merged where there would be more."""
MONTH_MIN = 28 * 24 * 60
"""In a longer horizon a day of the month comes twice."""
ACROSS = 100
"""Cells that can be read on one page."""
MOST_IN_LEGEND = 24
PALE = "#E6E9EC"
"""A unit that gets ready and makes nothing."""


def draw(sheet: Any, book: Any, run: StoredRun) -> None:
    """Fill a sheet: a cell is coloured where its unit works in any part of it; its name stands in the first one."""
    plan = run.plan
    assert plan.replay is not None
    scenario, horizon = plan.scenario, plan.scenario.horizon
    steps = math.ceil(horizon.n_steps / MOST_CELLS)
    cell_min, n = steps * horizon.step_min, math.ceil(horizon.n_steps / steps)
    rows = list(units(scenario, plan.replay))
    shades = colours(scenario, of_site(scenario, plan.replay))
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "vcenter"})
    clock = book.add_format({"rotation": 90, "font_size": 8, "bottom": 1, "valign": "bottom"})
    fills = {
        shade: book.add_format({"bg_color": shade, "font_color": palette.INK, "font_size": 9, "valign": "vcenter"})
        for shade in {*shades.values(), PALE}
    }
    corner = tr("unit ({zone})", zone=horizon.zone)
    if steps > 1:
        corner = tr("unit ({zone}, a cell is {hours} h)", zone=horizon.zone, hours=f"{cell_min / 60:g}")
    sheet.write_string(0, 0, corner, head)
    clocks = "%d %H:%M" if horizon.length_min <= MONTH_MIN else "%m-%d %H:%M"
    if horizon.clocks_change:
        clocks += " %z"
    for i in range(n):
        at = horizon.instant(i * cell_min)
        sheet.write_string(0, i + 1, at.strftime(clocks), clock)
    for row, unit in enumerate(rows, start=1):
        sheet.write_string(row, 0, printable(called(unit, scenario)), head)
        sheet.set_row(row, 24)
    used: dict[str, Any] = {}
    for activity in activities(scenario, plan.replay):
        first = max(math.floor(activity.start_min / cell_min + 1e-9), 0)
        last = min(math.ceil(activity.end_min / cell_min - 1e-9), n)
        fill = fills[shades[key(activity)] if makes(activity) else PALE]
        if makes(activity):
            used[key(activity)] = fill
        row = rows.index(activity.unit) + 1
        for i in range(first, last):
            named = i == first and makes(activity) and activity.of != "site"
            sheet.write_string(row, i + 1, printable(activity.name)[:100] if named else "", fill)
    _legend(sheet, used, len(rows) + 2)
    sheet.set_row(0, 52)
    sheet.set_column(0, 0, 20)
    sheet.set_column(1, n, 1.3)
    sheet.freeze_panes(1, 1)
    sheet.repeat_rows(0)
    sheet.repeat_columns(0)
    sheet.fit_to_pages(math.ceil(n / ACROSS), 0)
    sheet.print_area(0, 0, len(rows) + 3 + min(len(used), MOST_IN_LEGEND), n)


def _legend(sheet: Any, fills: dict[str, Any], row: int) -> None:
    for i, (name, fill) in enumerate(list(fills.items())[:MOST_IN_LEGEND]):
        sheet.write_string(row + i, 1, "", fill)
        sheet.write_string(row + i, 3, printable(name)[:100])
