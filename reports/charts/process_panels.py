"""Panels of processes on the common time axis: power by process, rates, store levels, deliveries and arrivals.

Names of processes, stores and deliveries are data, not field names, because the browser evaluates fields as
expressions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from emberline.planning.plan import Plan
from emberline.reports.charts import palette
from emberline.reports.charts.site_panels import BASE, PanelData, display_name, hover, stacked, y_axis
from emberline.reports.charts.view import tips
from emberline.reports.text import tr, wording
from emberline.reports.text.activities import replay_of
from emberline.scenarios import Scenario
from emberline.scenarios.flows.asset_flows import load_mw
from emberline.scenarios.process.delivery import Delivery

ROW, STORE, POWER, DELIVERED = 34, 84, 105, 80
"""Heights [px]."""
FEW_STORES = 3
"""Up to this number of stores, rows are tall."""
MAX_STORES = 8
"""Maximum number of stores drawn by default."""
ORDER_LINE = 6
"""Height of an order's line above the deliveries [px]."""
SIZE = 10.5
"""Font size of the text above a row [px]."""


def power_panel(plan: Plan, table: PanelData, x: alt.X, baseline: bool) -> Any:
    """Draw electricity by process, stacked on the base load; the dashed line is the baseline."""
    scenario, run = plan.scenario, replay_of(plan)
    names = {BASE: load_mw(scenario, run), **_by_process(scenario, run, "process_mw")}
    up = {table.mean(f"p{i:02d}", mw): name for i, (name, mw) in enumerate(names.items()) if mw.any()}
    titles = {"clock": tr("from"), **{key: f"{display_name(name)} [MW]" for key, name in up.items()}}
    layers = stacked(table, x, [tr("power"), "[MW]"], up, {}, {BASE: palette.PALE, **palette.of_processes(scenario)})
    if baseline:
        before = plan.baseline["process_mw"].sum("process").to_numpy() + load_mw(scenario, plan.baseline)
        layers += _dashed(table, x, table.mean("pbaseline", before))
        titles["pbaseline"] = f"{tr('total, baseline')} [MW]"
    return alt.layer(*layers, *hover(table, x, titles)).properties(height=POWER)


def rate_panels(plan: Plan, table: PanelData, x: alt.X, baseline: bool, whose: str = "plan") -> Iterator[Any]:
    """Yield a row for each process with a variable rate, for all of its units together."""
    scenario, run = plan.scenario, replay_of(plan)
    ours, before = (_by_process(scenario, data, "process_tph") for data in (run, plan.baseline))
    for i, process in enumerate(scenario.processes):
        if all(mode.rates.fixed for mode in process.all_modes):
            continue
        key = table.mean(f"r{i}", ours[process.name])
        titles = {"clock": tr("from"), key: f"{process.name}, {tr(whose)} [t/h]"}
        y = alt.Y(f"{key}:Q", title="[t/h]", axis=y_axis(tickCount=3), scale=alt.Scale(zero=False, nice=True))
        line = alt.Chart(table.frame).mark_line(color=palette.INK, strokeWidth=1.3, interpolate="step-after", clip=True)
        layers: list[Any] = [line.encode(x=x, y=y)]
        if baseline:
            old = table.mean(f"r{i}f", before[process.name])
            titles[old] = f"{tr('{name}, baseline', name=process.name)} [t/h]"
            layers.append(_thin(table, x, old, "step-after"))
        text = tr("{name}: rate", name=process.name)
        if process.count > 1:
            text = tr("{name}: rate of {count} units together", name=process.name, count=process.count)
        yield _row([*layers, *hover(table, x, titles)], text)


def store_panels(
    plan: Plan, table: PanelData, x: alt.X, baseline: bool, stores: Sequence[str], whose: str = "plan"
) -> Iterator[Any]:
    """Yield a row for each store, scaled to its capacity: level, required final level, and baseline level."""
    scenario, run, colour = plan.scenario, replay_of(plan), palette.of_stores(plan.scenario)
    high = len(stores) <= FEW_STORES
    for i, (name, store) in enumerate(scenario.store.items()):
        if name not in stores:
            continue
        start, full = store.start_t, store.capacity_t
        key = table.level(f"k{i}", start, run["stock_t"].sel(stock=name).to_numpy())
        titles = {"clock": tr("at"), key: f"{name}, {tr(whose)} [t]"}
        y = alt.Y(
            f"{key}:Q",
            title="[t]",
            axis=y_axis(values=[0, full / 2, full] if high else [0, full], format=",.0f"),
            scale=alt.Scale(domain=[0, full]),
        )
        base = alt.Chart(table.frame).encode(x=x)
        target = alt.Chart(pd.DataFrame({"wanted": [store.end_t]})).mark_rule(color=palette.INK, strokeDash=[1, 3])
        keeps = pd.DataFrame({"low": [store.keep_low * full], "high": [store.keep_high * full]})
        band = alt.Chart(keeps).mark_rect(color=palette.INK, opacity=0.08).encode(y=alt.Y("low:Q"), y2="high:Q")
        layers = [
            band,
            base.mark_area(color=colour[name], opacity=0.7, clip=True).encode(y=y),
            base.mark_line(color=palette.INK, strokeWidth=1, clip=True).encode(y=y),
            target.encode(y=alt.Y("wanted:Q")),
        ]
        if baseline:
            before = table.level(f"k{i}f", start, plan.baseline["stock_t"].sel(stock=name).to_numpy())
            titles[before] = f"{tr('{name}, baseline', name=name)} [t]"
            layers.append(_thin(table, x, before, "linear"))
        holds, end = (wording.number(tonnes, 0) for tonnes in (full, store.end_t))
        text = tr("{name}: capacity {amount} t, at the end at least {end} t", name=name, amount=holds, end=end)
        yield _row([*layers, *hover(table, x, titles)], text, STORE if high else ROW)


def delivery_panel(plan: Plan, table: PanelData, x: alt.X, baseline: bool) -> Any:
    """Draw deliveries as positive and arrivals as negative values by store; lines at the top show the time windows of
    orders."""
    scenario, run = plan.scenario, replay_of(plan)
    up, titles = _by_store(scenario, run, table, "delivered_t", "delivery")
    down, comes = _by_store(scenario, run, table, "arrived_t", "arrival")
    titles = {"clock": tr("from"), **titles, **comes}
    lines: list[Any] = []
    highest = [table.frame[list(up)].sum(axis=1).max() if up else 0.0]
    if baseline and up:
        delivered = plan.baseline["delivered_t"].sum("delivery").to_numpy()
        before = table.mean("dbaseline", delivered / scenario.horizon.step_h)
        titles[before] = f"{tr('total out, baseline')} [t/h]"
        lines = _dashed(table, x, before)
        highest.append(table.frame[before].max())
    rows = list(_rows_of_orders(scenario))
    # orders are drawn above the deliveries
    above = ORDER_LINE * (1 + max(row for _, row in rows)) + 4 if rows else 0
    height = DELIVERED + above
    top = max(highest) * height / DELIVERED if rows else None
    areas = stacked(table, x, [tr("deliveries"), "[t/h]"], up, down, palette.of_stores(scenario), top or None)
    orders = (_order(plan, order, row, x) for order, row in rows)
    return alt.layer(*areas, *lines, *hover(table, x, titles), *orders).properties(height=height)


def _rows_of_orders(scenario: Scenario) -> Iterator[tuple[Delivery, int]]:
    """Yield each order and the row of its line, such that lines do not overlap."""
    ends: list[int] = []
    orders = [delivery for delivery in scenario.deliveries if delivery.amount_t is not None]
    for order in sorted(orders, key=lambda order: order.span(scenario.horizon)):
        first, last = order.span(scenario.horizon)
        row = next((i for i, end in enumerate(ends) if end <= first), len(ends))
        ends[row : row + 1] = [last]
        yield order, row


def _order(plan: Plan, order: Delivery, row: int, x: alt.X) -> Any:
    """Draw a line from release to due time."""
    horizon = plan.scenario.horizon
    first, last = (step * horizon.step_min for step in order.span(horizon))
    leaves = float(replay_of(plan)["delivered_t"].sel(delivery=order.name).sum())
    texts = {
        "order": (tr("order"), order.name),
        "store": (tr("store"), order.store),
        "asked": (tr("ordered"), f"{wording.number(order.amount_t, 0)} t"),
        "leaves": (tr("delivered"), f"{wording.number(leaves, 0)} t"),
        "from": (tr("from"), wording.moment(horizon.instant(first))),
        "due": (tr("due"), wording.moment(horizon.instant(last))),
    }
    data = pd.DataFrame([{"start": first, "until": last, **{name: text for name, (_, text) in texts.items()}}])
    mark = alt.Chart(data).mark_rule(color=palette.of_stores(plan.scenario)[order.store], strokeWidth=4, clip=True)
    tooltip = tips({name: title for name, (title, _) in texts.items()})
    return mark.encode(x=x, x2="until:Q", y=alt.value(3 + ORDER_LINE * row), tooltip=tooltip)


def _by_store(
    scenario: Scenario, run: xr.Dataset, table: PanelData, name: str, label: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the columns by store (negative for arrivals), and the titles of the columns of single deliveries or
    arrivals."""
    items = scenario.deliveries if label == "delivery" else scenario.arrivals
    sums: dict[str, np.ndarray] = {}
    titles = {}
    for i, item in enumerate(items):
        rate = run[name].sel({label: item.name}).to_numpy() / scenario.horizon.step_h
        rate = rate if label == "delivery" else -rate
        sums[item.store] = sums.get(item.store, 0.0) + rate
        titles[table.mean(f"{label[0]}i{i}", rate)] = f"{item.name} [t/h]"
    stores = [(i, store) for i, store in enumerate(scenario.store) if store in sums]
    return {table.mean(f"{label[0]}s{i:02d}", sums[store]): store for i, store in stores}, titles


def _by_process(scenario: Scenario, run: xr.Dataset, name: str) -> dict[str, np.ndarray]:
    return {p.name: run[name].sel(process=list(p.units)).sum("process").to_numpy() for p in scenario.processes}


def _dashed(table: PanelData, x: alt.X, key: str) -> list[Any]:
    """Draw a dashed line over areas, with a light background."""
    line = alt.Chart(table.frame).encode(x=x, y=f"{key}:Q")
    step: dict[str, Any] = {"interpolate": "step-after", "clip": True}
    return [
        line.mark_line(color=palette.PAPER, strokeWidth=2.6, opacity=0.6, **step),
        line.mark_line(color=palette.INK, strokeWidth=1.1, strokeDash=[3, 3], opacity=0.8, **step),
    ]


def _thin(table: PanelData, x: alt.X, key: str, interpolate: Any) -> Any:
    line = alt.Chart(table.frame).encode(x=x, y=f"{key}:Q")
    return line.mark_line(color=palette.BASELINE, strokeWidth=1, strokeDash=[4, 2], interpolate=interpolate, clip=True)


def _row(layers: list[Any], text: str, height: int = ROW) -> Any:
    title = alt.TitleParams(text, anchor="start", frame="group", fontSize=SIZE, fontWeight="normal", offset=3)
    return alt.layer(*layers).properties(height=height, title=title)
