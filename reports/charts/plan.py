"""Charts of a plan on a common time axis, for pages, reports and the Python API.

The axis is in minutes after the start of the horizon, labelled with the plant's local time. It stays correct when
clocks change: the repeated hour in autumn appears twice. Each colour has a fixed meaning and is safe for colour-blind
readers (Okabe and Ito; Tol's light scheme for orders, which keeps dark labels readable); each kind of line also has its
own dash.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from emberline.planning.plan import Plan
from emberline.reports.charts import gantt, process_panels, site_panels
from emberline.reports.charts.gantt import Layers
from emberline.reports.charts.palette import BASELINE, CARBON, POWER, PRICE
from emberline.reports.charts.site_panels import MARGIN, PanelData, y_axis
from emberline.reports.charts.view import View, shades, time_axis, tips
from emberline.reports.text import mark, sentence, tr
from emberline.reports.text.activities import of_site, replay_of
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY

MOMENT = "moment"
"""Name of the selection of the time under the pointer."""
NEAR_ZERO = 0.15
"""An axis starts at zero if its values come within this share of their range of zero."""
MAX_LEVELS = 10
"""Maximum number of levels in a file."""
WIDTH = 960
"""Width of the time axis outside a page [px]."""
SMALLEST = 11
"""Smallest font size [px]."""
PARTS = {
    "power": mark("Power by process"), "electricity": mark("Electricity"), "carriers": mark("Other carriers"),
    "levels": mark("Storage levels"), "market": mark("Intensity and price"), "rates": mark("Rates"),
    "stores": mark("Stores"), "deliveries": mark("Deliveries"),
}  # fmt: skip
"""Panels below the schedule."""
OF_SITE = ("electricity", "carriers", "levels", "market")
ORDER = {
    "heats": OF_SITE,
    "runs": ("power", "electricity", "market", "rates", "stores", "carriers", "levels", "deliveries"),
}
"""Order of the panels by the producer's kind of output; a site without production has those of ``OF_SITE``."""
FIRST = {"heats": OF_SITE, "runs": ("power", "market", "stores")}
"""Panels that are shown initially."""
OVERHANG = MARGIN + 40
"""Free space on the right [px], because Streamlit gives a panel the whole width without regard to its axis."""


def timeline(
    plan: Plan,
    baseline: bool = True,
    view: View | None = None,
    carriers: Sequence[str] | None = None,
    stores: Sequence[str] | None = None,
    selected: Sequence[str] | None = None,
) -> alt.VConcatChart:
    """Draw the panels of a plan without its Gantt chart, with a common pointer. Arguments as in ``timeline_panels``."""
    view = view or View.of(plan.scenario.horizon)
    return below_each_other(
        timeline_panels(plan, baseline, view, carriers, stores, selected=selected, units=False), view
    )


def timeline_panels(
    plan: Plan,
    baseline: bool = True,
    view: View | None = None,
    carriers: Sequence[str] | None = None,
    stores: Sequence[str] | None = None,
    *,
    whose: str = "plan",
    selected: Sequence[str] | None = None,
    units: bool = True,
    site: bool = False,
    pointer: bool = True,
) -> list[Any]:
    """Return the Gantt chart, if there are units, and the panels of ``ORDER`` below it.

    Args:
        plan: plan with a replay.
        baseline: whether to draw the baseline.
        view: visible part of the horizon and its resolution; None: all of it.
        carriers: carriers other than electricity; None: all except fuels.
        stores: stores of material; None: all.
        whose: label of the run.
        selected: names of ``PARTS``; None: all.
        units: whether to include the Gantt chart.
        site: whether the Gantt chart includes machines and stores of the site.
        pointer: whether a tooltip follows the pointer.
    """
    scenario, run = plan.scenario, replay_of(plan)
    view = view or View.of(scenario.horizon)
    table, x, colour_of = PanelData(view, pointer), time_axis(view), site_panels.colours(scenario)
    names = [name for name in _names(scenario, ORDER) if selected is None or name in selected]
    electricity, *others = _balances(plan, table, x, baseline, carriers)
    panels: dict[str, Callable[[], Iterable[Any]]] = {
        "power": lambda: [process_panels.power_panel(plan, table, x, baseline)],
        "electricity": lambda: [electricity],
        "carriers": lambda: others,
        "levels": lambda: (
            site_panels.level_panel(level, table, x, colour_of[level.name], baseline, whose)
            for level in site_panels.levels(plan)
        ),
        "market": lambda: _signals(scenario, table, title="deliveries" not in names),
        "rates": lambda: process_panels.rate_panels(plan, table, x, baseline, whose),
        "stores": lambda: process_panels.store_panels(
            plan, table, x, baseline, list(scenario.store) if stores is None else stores, whose
        ),
        "deliveries": lambda: [process_panels.delivery_panel(plan, table, time_axis(view, True, True), baseline)],
    }
    rows = [panel for name in names for panel in panels[name]()]
    if units and gantt.rows_of(scenario, of_site(scenario, run) if site else ()):
        rows.insert(0, gantt.of_run(scenario, run, plan.baseline if baseline else None, view, whose, site))
    return rows or _signals(scenario, table)


def _names(scenario: Scenario, order: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the names of non-empty panels, ordered by the producers' kinds of output."""
    there = {
        "levels": bool(scenario.battery or scenario.site.stores),
        "stores": bool(scenario.stores),
        "deliveries": bool(scenario.deliveries or scenario.arrivals),
    }
    names = [name for producer in scenario.producers for name in order[producer.table]] or OF_SITE
    return [name for name in dict.fromkeys(names) if there.get(name, True)]


def marks(scenario: Scenario, view: View, baseline: bool = True, pointer: bool = True) -> Iterator[str]:
    """Yield explanations of the lines that have no legend."""
    yield tr("Above zero: supply; below: charging and export. Black line: demand.")
    if baseline:
        yield tr("Dashed: the baseline (for electricity: its grid import).")
    if scenario.site.grid.import_limit_mw is not None:
        yield tr("Red, dashed: contracted import.")
    if scenario.market.marginal_carbon_intensity_kg_per_mwh is not None:
        yield tr("Intensity: average solid, marginal dashed.")
    if view.says:
        yield sentence(view.says if pointer else view.says_short)
        yield tr("Blue line: highest step of the import; shaded: range of levels.")


def drawing(plan: Plan, selected: Sequence[str] | None = None, units: bool = True) -> alt.VConcatChart:
    """Draw the Gantt chart and the panels of a plan as a standalone chart. Arguments as in ``timeline_panels``."""
    view = View.of(plan.scenario.horizon)
    return _wide(below_each_other(timeline_panels(plan, view=view, selected=selected, units=units), view))


def schedule(plan: Plan, fonts: str) -> str:
    """Return the Gantt chart with the site, electricity, carbon intensity and price as SVG in the given fonts."""
    view = View.of(plan.scenario.horizon)
    panels = timeline_panels(plan, view=view, carriers=(), selected=("electricity", "market"), site=True, pointer=False)
    return _svg(panels, view, "schedule", fonts)


def levels(plan: Plan, fonts: str) -> str:
    """Return the levels of batteries and stores as SVG in the given fonts; empty if there are none."""
    view = View.of(plan.scenario.horizon)
    table, x, colour_of = PanelData(view, pointer=False), time_axis(view), site_panels.colours(plan.scenario)
    panels = [
        site_panels.level_panel(level, table, x, colour_of[level.name], True) for level in site_panels.levels(plan)
    ]
    panels += process_panels.store_panels(plan, table, x, True, list(plan.scenario.store))
    panels = panels[:MAX_LEVELS]
    for layer in panels[-1].layer if panels else ():
        if isinstance(layer.encoding.x, alt.X):
            layer.encoding.x = time_axis(view, labels=True, title=True)
    return _svg(panels, view, "levels", fonts) if panels else ""


def _wide(chart: alt.VConcatChart) -> alt.VConcatChart:
    """Set the width of a chart that is not on a page."""
    chart.config.view.continuousWidth = WIDTH
    return chart


def _svg(panels: list[Any], view: View, name: str, fonts: str) -> str:
    """Return panels below each other as one SVG.

    Args:
        panels: panels with the same time axis.
        view: visible part of the horizon.
        name: prefix of the ids, which must be unique among the charts of a page.
        fonts: font families as in CSS.
    """
    import vl_convert

    chart = _wide(below_each_other(panels, view, pointer=False))
    chart.config.background, chart.config.font = "white", fonts
    version = ".".join(alt.SCHEMA_VERSION.removeprefix("v").split(".")[:2])
    # validating the data row by row against altair's schema would take longer than drawing
    svg: str = vl_convert.vegalite_to_svg(chart.to_dict(validate=False), vl_version=version)
    return re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", svg)


def parts(scenario: Scenario, first: bool = False) -> list[str]:
    """Return the panels of ``PARTS`` that a plan of a scenario has; ``first``: only those shown initially."""
    several = len(scenario.site.carriers) > 1
    return [name for name in _names(scenario, FIRST if first else ORDER) if several or name != "carriers"]


def _balances(plan: Plan, table: PanelData, x: alt.X, baseline: bool, carriers: Sequence[str] | None) -> list[Any]:
    """Return the panels of electricity and of the requested carriers."""
    scenario, run = plan.scenario, replay_of(plan)
    balances = site_panels.balances(scenario, run)
    if carriers is None:
        carriers = [name for name in balances if name not in site_panels.bought_only(scenario, run)]
    before = plan.baseline["import_mw"].to_numpy() if baseline else None
    return [
        site_panels.balance_panel(scenario, balance, table, x, before if name == ELECTRICITY else None)
        for name, balance in balances.items()
        if name == ELECTRICITY or name in carriers
    ]


def preview(scenario: Case) -> alt.VConcatChart:
    """Draw carbon intensity and price of a scenario without a plan."""
    view = View.of(scenario.horizon)
    return below_each_other(_signals(scenario, PanelData(view), height=110), view)


def below_each_other(panels: list[Any], view: View, pointer: bool = True) -> alt.VConcatChart:
    """Stack panels on one time axis, with the time under the pointer marked in all of them.

    Args:
        panels: panels from top to bottom.
        view: visible part of the horizon.
        pointer: whether the time under the pointer is marked.
    """
    edges = pd.DataFrame({"start": view.edges_min[:-1], "until": view.edges_min[1:]})
    rows = []
    for i, panel in enumerate(panels if pointer else []):
        x = time_of(panel)  # use the panel's axis, so that the browser need not choose between two
        fields = alt.Chart(edges, name=f"{MOMENT}{i}").mark_rect(opacity=0, clip=True).encode(x=x, x2="until:Q")
        line = alt.Chart(pd.DataFrame([{"start": view.span_min[0]}])).encode(x=x)
        line = line.transform_filter(f"isValid({MOMENT}.start)").transform_calculate(start=f"{MOMENT}.start[0]")
        # the line is absent without a pointer, so there is nothing for screen readers
        line = line.mark_rule(color=BASELINE, strokeWidth=1, clip=True, aria=False)
        rows.append(layered(panel, before=[fields], after=[line]))
    # set everything at once: each chart method copies the whole chart
    whole = alt.vconcat(
        *(rows or panels),
        spacing=8,
        resolve=alt.Resolve(scale=alt.ScaleResolveMap(x="shared", color="independent")),
        config=alt.Config(
            view=alt.ViewConfig(strokeOpacity=0.25),
            axis=alt.AxisConfig(titleFontWeight="normal", labelFontSize=SMALLEST, titleFontSize=SMALLEST),
            legend=alt.LegendConfig(labelFontSize=SMALLEST, titleFontSize=SMALLEST),
        ),
    )
    views = [row.layer[0].name for row in whole.vconcat] if pointer else []  # final layer names within the whole chart
    under: dict[str, Any] = {"type": "point", "fields": ["start"], "on": "pointerover", "clear": "pointerout"}
    before: Any = whole.params
    for one in () if before is alt.Undefined else before:
        if isinstance(one, alt.TopLevelSelectionParameter):
            one.views = one.views[:1]  # keep one view of the row, otherwise its signals would be duplicated
    if pointer:
        selection = alt.TopLevelSelectionParameter(name=MOMENT, select=under, views=views)
        whole.params = [*([] if before is alt.Undefined else before), selection]
    return whole


def layered(panel: Any, before: Sequence[Any] = (), after: Sequence[Any] = ()) -> Layers:
    """Add layers below and above those of a panel without nesting, which would copy them many times."""
    # properties shared by the layers belong to the panel
    shared = {name: panel[name] for name in ("data", "height", "title", "params") if panel[name] is not alt.Undefined}
    return alt.layer(*before, *panel.layer, *after, **shared)


def time_of(panel: Any) -> alt.X:
    """Return the time axis of a panel from the first layer that has one; bands over the whole width have none."""
    return next(x for x in _axes(panel) if isinstance(x, alt.X))


def _axes(panel: Any) -> Iterator[Any]:
    """Yield the horizontal axis of each layer."""
    for layer in getattr(panel, "layer", []):
        yield from _axes(layer)
    if not hasattr(panel, "layer"):
        yield panel.encoding.x


def search(
    history: tuple[tuple[float, float | None, float | None], ...], unit: str, factor: float, limit_s: float = 0.0
) -> Layers:
    """Draw the incumbent and the bound over the time of the search, up to its limit."""
    ends = [0.0, max(limit_s, history[-1][0] if history else 0.0, 1.0)]
    best, bound = tr("best plan"), tr("bound")
    frame = pd.DataFrame(history, columns=["seconds", best, bound]).astype(float)
    long = frame.melt("seconds", var_name="line", value_name="value").dropna()
    long["value"] *= factor
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3)
    colour = shades("line", {best: POWER, bound: BASELINE}, legend)
    base = alt.Chart(long, height=240).encode(
        x=alt.X(
            "seconds:Q",
            title=tr("time of the search [s]"),
            axis=alt.Axis(tickCount=8),
            scale=alt.Scale(domain=ends, nice=False),
        ),
        y=alt.Y(
            "value:Q",
            title=[tr("objective [{unit}]", unit=unit), tr("(axis not from 0)")],
            scale=alt.Scale(zero=False),
            axis=alt.Axis(tickCount=5, format=",.4~g"),
        ),
        color=colour,
        tooltip=tips({"line": tr("line"), "seconds": (tr("second"), ".1f"), "value": (unit, ",.2f")}),
    )
    dash = alt.StrokeDash("line:N", scale=alt.Scale(domain=[best, bound], range=[[1, 0], [5, 3]]), legend=legend)
    return alt.layer(base.mark_line(interpolate="step-after").encode(strokeDash=dash), base.mark_circle(size=18))


def _signals(scenario: Case, table: PanelData, height: int = 78, title: bool = True) -> list[Layers]:
    currency, inputs, x = scenario.market.currency, scenario.inputs, time_axis(table.view)
    titles = {"clock": tr("from"), "intensity": f"{tr('average intensity')} [kg CO2e/MWh]"}
    series = {"intensity": inputs["carbon_intensity_kg_per_mwh"].to_numpy()}
    if "marginal_carbon_intensity_kg_per_mwh" in inputs:
        series["marginal"] = inputs["marginal_carbon_intensity_kg_per_mwh"].to_numpy()
        titles["marginal"] = f"{tr('marginal intensity')} [kg CO2e/MWh]"
    spot = scenario.market.has_spot
    series["price"] = inputs["price_per_mwh"].to_numpy()
    if not spot and scenario.rates is not None:
        series["price"] = scenario.rates.first_blocks(scenario.horizon.n_steps)
    titles["price"] = f"{tr('spot price') if spot else tr('tariff, first block')} [{currency}/MWh]"
    for name, values in series.items():
        table.mean(name, values)
    base = alt.Chart(table.frame).encode(x=x)
    scale = alt.Scale(zero=False, nice=True)

    def broken(values: Any) -> list[Any]:
        """Return a note if the axis does not start at zero."""
        low, high = float(values.min()), float(values.max())
        if low <= NEAR_ZERO * (high - low) and high > low:
            return []
        text = alt.Chart(pd.DataFrame([{"says": tr("axis not from 0")}]))
        text = text.mark_text(align="left", baseline="bottom", fontSize=SMALLEST, color=BASELINE)
        return [text.encode(x=alt.value(3), y=alt.value(height - 3), text="says:N")]

    intensity = alt.Y("intensity:Q", title=[tr("intensity"), "[kg CO2e/MWh]"], axis=y_axis(), scale=scale)
    step: Any = {"interpolate": "step-after", "clip": True}
    carbon: list[Any] = [base.mark_line(color=CARBON, strokeWidth=1.6, **step).encode(y=intensity)]
    if "marginal" in series:
        line = base.mark_line(color=CARBON, strokeWidth=1, strokeDash=[4, 2], **step)
        carbon.append(line.encode(y="marginal:Q"))
    price = alt.Y(
        "price:Q", title=[tr("price") if spot else tr("tariff"), f"[{currency}/MWh]"], axis=y_axis(), scale=scale
    )
    labelled = time_axis(table.view, labels=True, title=title)
    cost = base.mark_line(color=PRICE, strokeWidth=1.6, **step).encode(x=labelled, y=price)
    return [
        alt.layer(*layers, *broken(series[name]), *site_panels.hover(table, axis, titles)).properties(height=height)
        for name, layers, axis in (("intensity", carbon, x), ("price", [cost], labelled))
    ]
