"""Charts of a plan, all on one time axis: minutes after the horizon's start, labelled with the plant's local time.

An axis of minutes stays correct where the clocks change: the repeated hour in autumn appears twice. Colours have a
fixed meaning and are safe for colour-blind readers (Okabe and Ito; Tol's light scheme for orders, which keeps dark
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
from emberline.ui.charts.site_panels import BASELINE, MARGIN, PanelData, y_axis
from emberline.ui.charts.view import View
from emberline.ui.text.language import tr

Layers = alt.LayerChart | alt.FacetChart
POWER, CARBON, PRICE = palette.POWER, palette.CARBON, palette.PRICE
OVERHANG = MARGIN + 40
"""Streamlit gives a panel the whole width and ignores its axis: keep this free at the right [px]."""


def timeline(
    plan: Plan,
    baseline: bool = True,
    view: View | None = None,
    carriers: Sequence[str] | None = None,
    stores: Sequence[str] | None = None,
    all_panels: bool = True,
) -> alt.VConcatChart:
    """The panels of a plan below each other, without its Gantt; zooming one zooms all.

    Args:
        plan, baseline, view, carriers, stores: as of ``timeline_panels``.
        all_panels: False: of processes only power, electricity, intensity and price.
    """
    scenario = plan.scenario
    panels = timeline_panels(plan, baseline, view, carriers, stores)
    if scenario.processes and not all_panels:
        last = _signals(scenario, PanelData(view or View.of(scenario.horizon)))
        return below_each_other([*panels[1:3], *last])
    return below_each_other(panels[1:] if scenario.heats or scenario.processes else panels)


def timeline_panels(
    plan: Plan,
    baseline: bool = True,
    view: View | None = None,
    carriers: Sequence[str] | None = None,
    stores: Sequence[str] | None = None,
    *,
    whose: str = "plan",
) -> list[Any]:
    """Gantt (if there is a line or processes), electricity, other carriers, storage levels, carbon intensity and price.
    For processes, intensity and price come directly below the power, followed by rates, stores and deliveries.

    Args:
        plan: with a replay.
        baseline: whether to draw the baseline too.
        view: the part of the horizon and its resolution; None: all of it.
        carriers: other than electricity; None: all but fuels.
        stores: of material; None: all.
        whose: name of the run.
    """
    scenario = plan.scenario
    assert plan.replay is not None
    view = view or View.of(scenario.horizon)
    x, table = time_axis(view), PanelData(view)
    before = plan.baseline if baseline else None
    balances = _balances(plan, table, x, baseline, carriers)
    colour_of = site_panels.colours(scenario)
    levels = [
        site_panels.level_panel(level, table, x, colour_of[level.name], baseline, whose)
        for level in site_panels.levels(plan)
    ]
    if not scenario.processes:
        heats = [gantt.of_heats(scenario, plan.replay, before, view, whose)] if scenario.heats else []
        return [*heats, *balances, *levels, *_signals(scenario, table)]
    last = time_axis(view, labels=True, title=True)
    rows = list(process_panels.rate_panels(plan, table, x, baseline, whose))
    rows += process_panels.store_panels(
        plan, table, x, baseline, list(scenario.store) if stores is None else stores, whose
    )
    leaves = (
        [process_panels.delivery_panel(plan, table, last, baseline)] if scenario.deliveries or scenario.arrivals else []
    )
    return [
        gantt.of_units(scenario, plan.replay, before, view, whose),
        process_panels.power_panel(plan, table, x, baseline),
        balances[0],
        *_signals(scenario, table, title=not leaves),
        *rows,
        *balances[1:],
        *levels,
        *leaves,
    ]


def _balances(plan: Plan, table: PanelData, x: alt.X, baseline: bool, carriers: Sequence[str] | None) -> list[Any]:
    """Electricity and the requested carriers."""
    scenario = plan.scenario
    assert plan.replay is not None
    balances = site_panels.balances(scenario, plan.replay)
    if carriers is None:
        carriers = [name for name in balances if name not in site_panels.bought_only(scenario, plan.replay)]
    before = plan.baseline["import_mw"].to_numpy() if baseline else None
    return [
        site_panels.balance_panel(scenario, balance, table, x, before if name == ELECTRICITY else None)
        for name, balance in balances.items()
        if name == ELECTRICITY or name in carriers
    ]


def preview(scenario: Scenario) -> alt.VConcatChart:
    """Carbon intensity and price, before anything is planned."""
    return below_each_other(_signals(scenario, PanelData(View.of(scenario.horizon)), height=110))


def below_each_other(panels: list[Any]) -> alt.VConcatChart:
    """Panels on one time axis; zooming the first zooms all."""
    zoom = alt.selection_interval(bind="scales", encodings=["x"], zoom="wheel![event.shiftKey]")
    return (
        alt.vconcat(panels[0].add_params(zoom), *panels[1:], spacing=10)
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


def _signals(scenario: Scenario, table: PanelData, height: int = 78, title: bool = True) -> list[Layers]:
    currency, inputs, x = scenario.market.currency, scenario.inputs, time_axis(table.view)
    titles = {"clock": tr("from"), "intensity": f"{tr('average intensity')} [kg CO2e/MWh]"}
    series = {"intensity": inputs["carbon_intensity_kg_per_mwh"].to_numpy()}
    if "marginal_carbon_intensity_kg_per_mwh" in inputs:
        series["marginal"] = inputs["marginal_carbon_intensity_kg_per_mwh"].to_numpy()
        titles["marginal"] = f"{tr('marginal intensity')} [kg CO2e/MWh]"
    spot = scenario.market.has_spot
    series["price"] = inputs["price_per_mwh"].to_numpy() if spot else first_block(scenario)
    titles["price"] = f"{tr('spot price') if spot else tr('tariff, first block')} [{currency}/MWh]"
    for name, values in series.items():
        table.mean(name, values)
    base = alt.Chart(table.frame).encode(x=x)
    scale = alt.Scale(zero=False, nice=True)
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
        alt.layer(*carbon, site_panels.hover(table, x, titles)).properties(height=height),
        alt.layer(cost, site_panels.hover(table, labelled, titles)).properties(height=height),
    ]


def first_block(scenario: Scenario) -> np.ndarray:
    """Price of one MWh in the first blocks of the tariff in each step, with taxes [currency/MWh], shape (n_steps,)."""
    rates = scenario.rates
    if rates is None:
        return np.zeros(scenario.horizon.n_steps)
    price = sum((e.per_mwh[0] * rates.with_tax(e.kind) for e in rates.energy), np.zeros(len(rates)))
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    return np.asarray(np.repeat(price, meter // cell).reshape(-1, step // cell).mean(axis=1))
