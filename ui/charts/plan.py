"""Charts of a plan, all on one time axis: minutes after the horizon's start, labelled with the plant's local time.

An axis of minutes stays right where the clocks change: the repeated hour of autumn stands twice on it. Colours have a
fixed meaning and can be told apart by colour-blind eyes (Okabe and Ito; Tol's light scheme for orders, which keeps dark
labels readable); each kind of line also has its own dash.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.plans.exports import palette
from emberline.plans.plan import Plan
from emberline.scenarios import Scenario
from emberline.scenarios.assets import ELECTRICITY
from emberline.ui.charts import gantt, process_panels, site_panels
from emberline.ui.charts.axis import time_axis
from emberline.ui.charts.site_panels import BASELINE, INK, MARGIN, Table, y_axis
from emberline.ui.charts.view import View
from emberline.ui.text.language import tr

Layers = alt.LayerChart | alt.FacetChart
POWER, CARBON, PRICE = palette.POWER, palette.CARBON, palette.PRICE
PARTS = ("#DDCC77", "#EE8866", "#44BB99", "#AA4499", "#88CCEE", "#999933", "#BBBBBB")
"""Colours of where carbon is from (after Tol)."""
OVERHANG = MARGIN + 40
"""Streamlit gives a panel the whole width and forgets its axis: keep this free at the right [px]."""


def timeline(
    made: Plan,
    baseline: bool = True,
    view: View | None = None,
    carriers: Sequence[str] | None = None,
    stores: Sequence[str] | None = None,
    picked: alt.Parameter | None = None,
) -> alt.VConcatChart:
    """The panels of a plan below each other, linked: what is zoomed in one is zoomed in all; arguments as of
    ``timeline_panels``."""
    return below_each_other(timeline_panels(made, baseline, view, carriers, stores, picked=picked))


def timeline_panels(
    made: Plan,
    baseline: bool = True,
    view: View | None = None,
    carriers: Sequence[str] | None = None,
    stores: Sequence[str] | None = None,
    *,
    whose: str = "plan",
    picked: alt.Parameter | None = None,
) -> list[Any]:
    """Gantt, where there is a line or processes, above electricity, other carriers, levels of stores, carbon intensity
    and price. Of processes intensity and price stand below the power; rates, stores and deliveries follow.

    Args:
        made: a plan that was found.
        baseline: whether to draw what the baseline does, too.
        view: what part of the horizon, and how fine; None: all of it.
        carriers: which ones beside electricity; None: all but fuels.
        stores: which stores of material; None: all.
        whose: what the run that is drawn is called.
        picked: a selection of heats in the Gantt; None: nothing can be picked.
    """
    scenario = made.scenario
    assert made.replay is not None
    view = view or View.of(scenario.horizon)
    x, table = time_axis(view), Table(view)
    before = made.baseline if baseline else None
    balances = _balances(made, table, x, baseline, carriers)
    chosen = site_panels.colours(scenario)
    levels = [
        site_panels.level_panel(level, table, x, chosen[level.name], baseline, whose)
        for level in site_panels.levels(made)
    ]
    if not scenario.processes:
        heats = [gantt.of_heats(scenario, made.replay, before, view, whose, picked)] if scenario.heats else []
        return [*heats, *balances, *levels, *_signals(scenario, table)]
    last = time_axis(view, labels=True, title=True)
    rows = list(process_panels.rate_panels(made, table, x, baseline, whose))
    rows += process_panels.store_panels(
        made, table, x, baseline, list(scenario.store) if stores is None else stores, whose
    )
    leaves = (
        [process_panels.delivery_panel(made, table, last, baseline)] if scenario.deliveries or scenario.arrivals else []
    )
    return [
        gantt.of_units(scenario, made.replay, before, view, whose),
        process_panels.power_panel(made, table, x, baseline),
        balances[0],
        *_signals(scenario, table, title=not leaves),
        *rows,
        *balances[1:],
        *levels,
        *leaves,
    ]


def _balances(made: Plan, table: Table, x: alt.X, baseline: bool, carriers: Sequence[str] | None) -> list[Any]:
    """Electricity, and the carriers that are asked for."""
    scenario = made.scenario
    assert made.replay is not None
    found = site_panels.balances(scenario, made.replay)
    if carriers is None:
        carriers = [name for name in found if name not in site_panels.bought_only(scenario, made.replay)]
    before = made.baseline["import_mw"].to_numpy() if baseline else None
    return [
        site_panels.balance_panel(scenario, balance, table, x, before if name == ELECTRICITY else None)
        for name, balance in found.items()
        if name == ELECTRICITY or name in carriers
    ]


def preview(scenario: Scenario) -> alt.VConcatChart:
    """What the day offers before anything is planned: carbon intensity and price."""
    return below_each_other(_signals(scenario, Table(View.of(scenario.horizon)), height=110))


def below_each_other(drawn: list[Any]) -> alt.VConcatChart:
    """Panels on one time axis; zooming the first zooms all."""
    zoom = alt.selection_interval(bind="scales", encodings=["x"], zoom="wheel![event.shiftKey]")
    return (
        alt.vconcat(drawn[0].add_params(zoom), *drawn[1:], spacing=10)
        .resolve_scale(x="shared", color="independent")
        .configure_view(strokeOpacity=0.25)
        .configure_axis(titleFontWeight="normal")
    )


def search(history: tuple[tuple[float, float | None, float | None], ...], unit: str, factor: float) -> Layers:
    """Best plan so far and bound over the seconds of the search."""
    best, bound = tr("best plan"), tr("bound")
    frame = pd.DataFrame(history, columns=["seconds", best, bound]).astype(float)
    long = frame.melt("seconds", var_name="line", value_name="value").dropna()
    long["value"] *= factor
    colour = alt.Color(
        "line:N",
        scale=alt.Scale(domain=[best, bound], range=[POWER, BASELINE]),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3),
    )
    base = alt.Chart(long, height=240).encode(
        x=alt.X("seconds:Q", title=tr("time of the search [s]"), axis=alt.Axis(tickCount=8)),
        y=alt.Y("value:Q", title=tr("objective [{unit}]", unit=unit), scale=alt.Scale(zero=False)),
        color=colour,
        tooltip=[
            alt.Tooltip("line:N", title=tr("line")),
            alt.Tooltip("seconds:Q", title=tr("second"), format=".1f"),
            alt.Tooltip("value:Q", title=unit, format=",.2f"),
        ],
    )
    dash = alt.StrokeDash("line:N", scale=alt.Scale(domain=[best, bound], range=[[1, 0], [5, 3]]), legend=None)
    return alt.layer(base.mark_line(interpolate="step-after").encode(strokeDash=dash), base.mark_circle(size=18))


def _signals(scenario: Scenario, table: Table, height: int = 78, title: bool = True) -> list[Layers]:
    currency, inputs, x = scenario.market.currency, scenario.inputs, time_axis(table.view)
    titles = {"clock": tr("from"), "intensity": f"{tr('average intensity')} [kg CO2e/MWh]"}
    given = {"intensity": inputs["carbon_intensity_kg_per_mwh"].to_numpy()}
    if "marginal_carbon_intensity_kg_per_mwh" in inputs:
        given["marginal"] = inputs["marginal_carbon_intensity_kg_per_mwh"].to_numpy()
        titles["marginal"] = f"{tr('marginal intensity')} [kg CO2e/MWh]"
    spot = scenario.market.has_spot
    given["price"] = inputs["price_per_mwh"].to_numpy() if spot else first_block(scenario)
    titles["price"] = f"{tr('spot price') if spot else tr('tariff, first block')} [{currency}/MWh]"
    for name, values in given.items():
        table.mean(name, values)
    base = alt.Chart(table.frame).encode(x=x)
    scale = alt.Scale(zero=False, nice=True)
    intensity = alt.Y("intensity:Q", title=[tr("intensity"), "[kg CO2e/MWh]"], axis=y_axis(), scale=scale)
    step: Any = {"interpolate": "step-after", "clip": True}
    carbon: list[Any] = [base.mark_line(color=CARBON, strokeWidth=1.6, **step).encode(y=intensity)]
    if "marginal" in given:
        line = base.mark_line(color=CARBON, strokeWidth=1, strokeDash=[4, 2], **step)
        carbon.append(line.encode(y="marginal:Q"))
    price = alt.Y(
        "price:Q", title=[tr("price") if spot else tr("tariff"), f"[{currency}/MWh]"], axis=y_axis(), scale=scale
    )
    labelled = time_axis(table.view, labels=True, title=title)
    cost = base.mark_line(color=PRICE, strokeWidth=1.6, **step).encode(x=labelled, y=price)
    return [
        alt.layer(*carbon, site_panels.hover(table, x, titles)).properties(height=height),
        alt.layer(cost, site_panels.hover(table, labelled, titles)).properties(height=height),
    ]


def per_tonne(table: pd.DataFrame, parts: Sequence[str]) -> alt.Chart:
    """Carbon for each tonne of each product, by where it is from, as bars.

    Args:
        table: column ``product`` and one for each part [kg CO2e/t].
        parts: names of the columns, in the order of the bars' pieces.
    """
    long = table.melt("product", list(parts), var_name="from", value_name="kg")
    long["kg"] = long["kg"].round(2)
    long = long[long["kg"] > 0]
    long["order"] = long["from"].map({name: i for i, name in enumerate(parts)})
    colours = [PARTS[i % len(PARTS)] for i in range(len(parts))]
    products = table["product"].tolist()
    # the page counts axis and legend in
    bars = alt.Chart(long, height=22 * len(products) + 134).mark_bar(height=14, stroke=INK, strokeWidth=0.4)
    return bars.encode(
        y=alt.Y(
            "product:N",
            sort=products,
            title=None,
            axis=alt.Axis(ticks=False, labelLimit=160, labelOverlap=False),
            scale=alt.Scale(domain=products),
        ),
        x=alt.X("kg:Q", title=tr("carbon [kg CO2e/t]"), stack="zero"),
        color=alt.Color(
            "from:N",
            scale=alt.Scale(domain=list(parts), range=colours),
            legend=alt.Legend(title=None, orient="top", offset=4, symbolStrokeWidth=0),
        ),
        order=alt.Order("order:Q", sort="ascending"),
        tooltip=[
            alt.Tooltip("product:N", title=tr("product")),
            alt.Tooltip("from:N", title=tr("source")),
            alt.Tooltip("kg:Q", title="kg CO2e/t", format=",.1f"),
        ],
    )


def first_block(scenario: Scenario) -> np.ndarray:
    """What the tariff's first blocks take for a MWh in each step, taxes included [currency/MWh], shape (n_steps,)."""
    rates = scenario.rates
    if rates is None:
        return np.zeros(scenario.horizon.n_steps)
    price = sum((e.per_mwh[0] * rates.with_tax(e.kind) for e in rates.energy), np.zeros(len(rates)))
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    return np.asarray(np.repeat(price, meter // cell).reshape(-1, step // cell).mean(axis=1))
