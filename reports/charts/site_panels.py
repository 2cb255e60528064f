"""Panels of the site: supply, demand and consumption of each carrier, and storage levels.

Supply is positive, consumption is negative; the black line is the demand that must be met. Names of assets are never
used as field names, because the browser evaluates fields as expressions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from emberline.planning.plan import Plan
from emberline.reports.charts import palette
from emberline.reports.charts.palette import BASELINE, BATTERY, IMPORT, INK, LIMIT, PALE, PAPER, PV
from emberline.reports.charts.view import View, shades, tips
from emberline.reports.text import current, mark, tr, wording
from emberline.reports.text.activities import columns, replay_of
from emberline.reports.text.numbers import symbols
from emberline.scenarios import Scenario
from emberline.scenarios.assets.base import Named
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.flows.process_flows import streams

ASSETS = ("#EE8866", "#44BB99", "#8C6BB1", "#AAAA00", "#99DDFF", "#B4543C", "#EEDD88", "#6B8E9E", "#FFAABB", "#BBCC33")
"""Colours of assets, the same in every panel (after Okabe and Ito, and Tol)."""
MARGIN = 64
"""Width of the vertical axis of every panel, so that all panels are aligned [px]."""
FIXED_COLOURS = {
    mark("grid import"): IMPORT, mark("export"): IMPORT, mark("PV"): PV, mark("battery"): BATTERY, mark("line"): INK,
    mark("vented"): PALE,
}  # fmt: skip
"""Suppliers and consumers other than assets, with their colours."""
SMALL = 1e-6
"""Flows that never exceed this value are not drawn."""
DIGITS = 3
BASE = mark("base load")
LOADS = {"heats": mark("line and base load"), "runs": mark("processes and base load")}
"""Labels of electricity demand by the producer's kind of output."""


@dataclass
class Balance:
    """Supply and consumption of a carrier by name [unit/h], shape (n_steps,); all values are positive."""

    carrier: str
    unit: str
    gives: dict[str, np.ndarray] = field(default_factory=dict)
    takes: dict[str, np.ndarray] = field(default_factory=dict)
    need: np.ndarray | None = None
    """Demand that must be met at every step; None if there is none."""


def balances(scenario: Scenario, run: xr.Dataset) -> dict[str, Balance]:
    """Return the balance of every carrier of a run, electricity first."""
    balances = {name: Balance(name, carrier.rate_unit) for name, carrier in scenario.site.carrier.items()}
    power = balances[ELECTRICITY]
    power.gives["grid import"] = run["import_mw"].to_numpy()
    power.takes["export"] = run["export_mw"].to_numpy()
    power.gives["battery"], power.takes["battery"] = run["discharge_mw"].to_numpy(), run["charge_mw"].to_numpy()
    power.need = run["line_mw"].to_numpy()
    loads, sun = {asset.name for asset in scenario.site.equipment if _is_need(asset)}, scenario.site.sun
    rates = _rows(run, "asset_rate")
    for (asset, carrier), rate in zip(columns(run, "flow", ("asset", "carrier")), rates, strict=True):
        balance = balances[carrier]
        if asset in loads:
            balance.need = -rate if balance.need is None else balance.need - rate
            continue
        name = "PV" if sun is not None and asset == sun.name else asset_label(asset)
        for side, amount in ((balance.gives, np.maximum(rate, 0.0)), (balance.takes, np.maximum(-rate, 0.0))):
            side[name] = side.get(name, 0.0) + amount
    for stream in streams(scenario) if "stream_rate" in run else ():
        if not stream.material:
            rate = run["stream_rate"].sel(stream=stream.label).to_numpy() * stream.sign
            side = balances[stream.place].gives if stream.direction == "out" else balances[stream.place].takes
            name = process_label(scenario, stream.process.name)
            side[name] = side.get(name, 0.0) + np.maximum(rate, 0.0)
    vented = run["carrier"].values.tolist() if "carrier" in run else []
    for name, rate in zip(vented, _rows(run, "dumped_rate"), strict=True):
        balances[name].takes["vented"] = rate
    for carrier in scenario.line.gives:
        # runs do not record the line's supply, so it is computed as the residual of the balance
        balance = balances[carrier]
        none = np.zeros(scenario.horizon.n_steps)
        demand = sum(balance.takes.values(), none) + (none if balance.need is None else balance.need)
        balance.gives["line"] = np.maximum(demand - sum(balance.gives.values(), none), 0.0)
    for balance in balances.values():
        for side in (balance.gives, balance.takes):
            for name in [name for name, amount in side.items() if not amount.max(initial=0.0) > SMALL]:
                del side[name]
    return balances


def _is_need(asset: Named) -> bool:
    """Return whether an asset is a fixed load, which no decision changes."""
    return asset.sign < 0 and not asset.decided


def bought_only(scenario: Scenario, run: xr.Dataset) -> set[str]:
    """Return the fuels: carriers that are bought and converted, but neither stored nor in demand themselves."""
    supplies = {asset_label(asset.name) for asset in scenario.site.assets if asset.sign > 0 and asset.emits}
    return {
        name
        for name, balance in balances(scenario, run).items()
        if balance.need is None and set(balance.gives) <= supplies and not set(balance.gives) & set(balance.takes)
    }


def colours(scenario: Scenario) -> dict[str, str]:
    """Return the colour of every supplier and consumer."""
    names = [asset_label(asset.name) for asset in scenario.site.assets if not _is_need(asset)]
    of_processes = {process_label(scenario, name): shade for name, shade in palette.of_processes(scenario).items()}
    used = {*of_processes.values(), *palette.of_modes(scenario).values()}
    free = [shade for shade in ASSETS if shade not in used] or ASSETS
    return FIXED_COLOURS | of_processes | {name: free[i % len(free)] for i, name in enumerate(names)}


def asset_label(asset: str) -> str:
    """Return the display key of an asset, with a suffix if its name is used by something other than an asset."""
    return f"{asset} (asset)" if asset in FIXED_COLOURS else asset


def process_label(scenario: Scenario, process: str) -> str:
    """Return the display key of a process, with a suffix if its name is used by an asset or anything else."""
    clash = process in FIXED_COLOURS or process in {asset.name for asset in scenario.site.assets}
    return f"{process} (process)" if clash else process


def display_name(name: str) -> str:
    """Translate a name of :func:`colours`; names of assets and processes stay as they are."""
    if name in (*FIXED_COLOURS, BASE, ELECTRICITY):
        return tr(name)
    for end, text in (("asset", mark("{name} (asset)")), ("process", mark("{name} (process)"))):
        if name.endswith(f" ({end})"):
            return tr(text, name=name.removesuffix(f" ({end})"))
    return name


class PanelData:
    """Data of all panels, with one row per interval of a view, so that it is sent only once.

    The last row has no length and only closes the last interval.

    Args:
        view: intervals of the rows.
        pointer: whether figures follow a pointer.
    """

    def __init__(self, view: View, pointer: bool = True) -> None:
        self.view, self.pointer = view, pointer
        at = view.edges_min.tolist()
        self.frame = pd.DataFrame({"start": at, "until": [*at[1:], at[-1]]})
        self.frame["clock"] = [wording.moment(view.horizon.instant(minutes)) for minutes in at]

    def mean(self, key: str, values: np.ndarray) -> str:
        """Add interval means of values by step; return the column name."""
        return self._added(key, self.view.mean(values))

    def highest(self, key: str, values: np.ndarray) -> str:
        """Add interval maxima; return the column name."""
        return self._added(key, self.view.highest(values))

    def level(self, key: str, start: float, ends: np.ndarray) -> str:
        """Add a level, given by its initial value and its value at the end of each step; return the column name."""
        self.frame[key] = self.view.at_edges(start, ends).round(DIGITS)
        return key

    def _added(self, key: str, values: np.ndarray) -> str:
        """Add a value for each interval, repeated at the end of the last one."""
        self.frame[key] = np.append(values, values[-1]).round(DIGITS)
        return key


def balance_panel(scenario: Scenario, balance: Balance, table: PanelData, x: alt.X, baseline: np.ndarray | None) -> Any:
    """Draw the balance of one carrier: supply stacked upwards, consumption downwards, the demand as a line.

    Args:
        scenario: scenario with limits and colours.
        balance: balance of the plan.
        table: table that columns are added to.
        x: time axis.
        baseline: grid import of the baseline by step, drawn dashed; None: not drawn.
    """
    titles, number = {"clock": tr("from")}, list(scenario.site.carrier).index(balance.carrier)
    colour_of = colours(scenario)

    def column(key: str, values: np.ndarray, title: str) -> str:
        key = table.mean(f"c{number}{key}", values)
        titles[key] = f"{title} [{balance.unit}]"
        return key

    up = {column(f"u{i:02d}", rate, display_name(name)): name for i, (name, rate) in enumerate(balance.gives.items())}
    down = {
        column(f"d{i:02d}", -rate, tr("{name}, charging or export", name=display_name(name))): name
        for i, (name, rate) in enumerate(balance.takes.items())
    }
    lines: list[tuple[str, dict[str, Any]]] = []
    if balance.need is not None:
        load = next((LOADS[producer.table] for producer in scenario.producers), LOADS["heats"])
        title = tr(load) if balance.carrier == ELECTRICITY else tr("demand")
        need = column("need", balance.need, title)
        # light edge, since a dark line is invisible on a dark page
        lines.append((need, {"color": PAPER, "strokeWidth": 3.0, "opacity": 0.75}))
        lines.append((need, {"color": INK, "strokeWidth": 1.3}))
    if baseline is not None:
        before = column("baseline", baseline, tr("grid import, baseline"))
        # light dashes below the dark ones, since the line crosses areas and may be on a dark page
        lines.append((before, {"color": PAPER, "strokeWidth": 3.0, "strokeDash": [3, 3], "opacity": 0.75}))
        lines.append((before, {"color": INK, "strokeWidth": 1.1, "strokeDash": [3, 3], "opacity": 0.8}))
    if balance.carrier == ELECTRICITY and table.view.merged > 1 and "grid import" in balance.gives:
        highest = table.highest(f"c{number}top", balance.gives["grid import"])
        titles[highest] = f"{tr('grid import, highest step')} [{balance.unit}]"
        lines.append((highest, {"color": IMPORT, "strokeWidth": 1}))
    layers = stacked(table, x, [display_name(balance.carrier), f"[{balance.unit}]"], up, down, colour_of)
    base = alt.Chart(table.frame).encode(x=x)
    layers += [base.mark_line(interpolate="step-after", clip=True, **how).encode(y=f"{key}:Q") for key, how in lines]
    limit = scenario.site.grid.import_limit_mw
    if balance.carrier == ELECTRICITY and limit is not None:
        rule = alt.Chart(pd.DataFrame({"limit": [limit]}))
        layers.append(rule.mark_rule(color=LIMIT, strokeDash=[8, 3], strokeWidth=1).encode(y="limit:Q"))
    layers += hover(table, x, titles)
    return alt.layer(*layers).properties(height=170 if balance.carrier == ELECTRICITY else 105)


def stacked(
    table: PanelData,
    x: alt.X,
    title: list[str],
    up: dict[str, str],
    down: dict[str, str],
    colour_of: dict[str, str],
    top: float | None = None,
) -> list[Any]:
    """Draw stacked areas above and below zero, with their legend.

    Args:
        table: table with the columns.
        x: time axis.
        title: title of the vertical axis, with unit.
        up, down: names by column; a name in both has one entry in the legend.
        colour_of: colour by name.
        top: maximum of the vertical axis; None: automatic.
    """
    colour_by_key = {key: colour_of.get(name, BASELINE) for key, name in (up | down).items()}
    legend = up | {key: name for key, name in down.items() if name not in up.values()}
    labels = {key: display_name(name) for key, name in legend.items()}
    scale = alt.Undefined if top is None else alt.Scale(domainMax=top, nice=False)
    y = alt.Y("amount:Q", title=title, axis=y_axis(), stack="zero", scale=scale)
    look: dict[str, Any] = {"columns": 8, "padding": 0, "offset": 4, "symbolSize": 70, "labelLimit": 150}
    texts = f"({json.dumps(labels)})[datum.value]"
    entries = alt.Legend(title=None, orient="top", values=list(legend), labelExpr=texts, **look)
    colour = shades("key", colour_by_key, entries)
    layers = []
    for keys in (up, down):
        if keys:
            stack = alt.Chart(table.frame).transform_fold(list(keys), as_=["key", "amount"])
            area = stack.mark_area(interpolate="step-after", opacity=0.85, clip=True)
            layers.append(area.encode(x=x, y=y, color=colour, order=alt.Order("key:N", sort="ascending")))
    return layers


@dataclass(frozen=True)
class Level:
    """Level of a storage at the edges of the horizon's steps: the initial level, and the level at the end of each
    step."""

    number: int
    """Number of the storage; 0 is the battery."""
    name: str
    unit: str
    lowest: float
    highest: float
    capacity: float
    start: float
    plan: np.ndarray
    baseline: np.ndarray


def levels(plan: Plan) -> Iterator[Level]:
    """Yield the levels of the battery and of every storage."""
    site, runs = plan.scenario.site, (replay_of(plan), plan.baseline)
    battery = plan.scenario.battery
    if battery is not None:
        full, start = battery.capacity, battery.start_level
        ends = (run["battery_mwh"].to_numpy() for run in runs)
        yield Level(0, "battery", "MWh", 0.0, full, full, start, *ends)
    for number, (name, store) in enumerate(site.stores.items(), start=1):
        ends = (run["asset_level"].sel(store=name).to_numpy() for run in runs)
        label, unit, band = asset_label(name), site.carrier[store.carrier].unit, (store.lowest, store.highest)
        yield Level(number, label, unit, *band, store.capacity, store.start_level, *ends)


def level_panel(level: Level, table: PanelData, x: alt.X, colour: str, baseline: bool, whose: str = "plan") -> Any:
    """Draw the level of a storage within its band; the area outside the band is shaded."""
    plan = table.level(f"s{level.number}", level.start, level.plan)
    name = display_name(level.name)
    titles = {"clock": tr("at"), plan: f"{name}, {tr(whose)} [{level.unit}]"}
    y = alt.Y(f"{plan}:Q", title=[name, f"[{level.unit}]"], axis=y_axis(), scale=alt.Scale(domain=[0, level.capacity]))
    base = alt.Chart(table.frame).encode(x=x)
    first, last = table.view.span_min
    outside = [(low, high) for low, high in ((0.0, level.lowest), (level.highest, level.capacity)) if high > low]
    bands = pd.DataFrame([{"start": first, "until": last, "low": low, "high": high} for low, high in outside])
    layers: list[Any] = []
    if outside:
        shaded = alt.Chart(bands).mark_rect(color=BASELINE, opacity=0.25)
        layers.append(shaded.encode(x=x, x2="until:Q", y=alt.Y("low:Q"), y2="high:Q"))
    if table.view.merged > 1:
        low, high = table.highest(f"s{level.number}l", -level.plan), table.highest(f"s{level.number}h", level.plan)
        table.frame[low] *= -1
        titles |= {low: f"{tr('lowest')} [{level.unit}]", high: f"{tr('highest')} [{level.unit}]"}
        reach = base.mark_area(interpolate="step-after", color=colour, opacity=0.35, clip=True)
        layers.append(reach.encode(y=alt.Y(f"{low}:Q"), y2=f"{high}:Q"))
    layers.append(base.mark_line(color=colour, strokeWidth=1.6, clip=True).encode(y=y))
    if baseline:
        before = table.level(f"s{level.number}f", level.start, level.baseline)
        titles[before] = f"{tr('{name}, baseline', name=name)} [{level.unit}]"
        line = base.mark_line(color=BASELINE, strokeWidth=1, strokeDash=[4, 2], clip=True)
        layers.append(line.encode(y=f"{before}:Q"))
    return alt.layer(*layers, *hover(table, x, titles)).properties(height=70)


def hover(table: PanelData, x: alt.X, titles: dict[str, str]) -> list[alt.Chart]:
    """Return invisible bars over each interval with its figures as a tooltip; empty without a pointer."""
    if not table.pointer:
        return []
    tooltip = tips({name: title if name == "clock" else (title, ",.2f") for name, title in titles.items()})
    return [alt.Chart(table.frame).mark_rect(opacity=0, clip=True).encode(x=x, x2="until:Q", tooltip=tooltip)]


def grouped() -> str:
    """Return the number format of axes, with the usual thousands separator; in English it is a thin space."""
    apart = "\u2009" if current() == "en" else symbols(current())[0]
    return f"replace(datum.label, /,/g, '{apart}')"


def y_axis(ticks: bool = True, widest: int = MARGIN, **remaining: Any) -> alt.Axis:
    """Return the vertical axis of a panel, always of the same width; labels may be wider if there is no title."""
    labels = {"labelExpr": grouped()} if ticks else {}
    options = {"tickCount": 4, "titlePadding": 4, "titleLimit": 120, **labels, **remaining}
    return alt.Axis(minExtent=MARGIN, maxExtent=MARGIN, ticks=ticks, labelLimit=widest, **options)


def _rows(run: xr.Dataset, name: str) -> list[np.ndarray]:
    return list(run[name].to_numpy()) if name in run else []
