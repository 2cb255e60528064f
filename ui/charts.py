"""Charts of a plan, all on one time axis: minutes after the horizon's start, labelled with the plant's local time.

An axis of minutes stays right where the clocks change: the repeated hour of autumn stands twice on it. Colours have a
fixed meaning and can be told apart by colour-blind eyes (Okabe and Ito; Tol's light scheme for orders, which keeps dark
labels readable); each kind of line also has its own dash.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import xarray as xr

from plans.front import Front, rows
from plans.plan import Plan
from scenarios import Scenario
from scenarios.assets import ELECTRICITY
from ui import panels, wording
from ui.panels import FOREMAN, MARGIN, Table, y_axis
from ui.view import View

Layers = alt.LayerChart | alt.FacetChart
POWER, CARBON, PRICE = "#2F88C9", "#D55E00", "#0B9E73"
ORDERS = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#99DDFF", "#BBCC33", "#DDDDDD", "#AAAA00")
LABEL = "#1C2530"
OVERHANG = MARGIN + 40
"""Streamlit gives a panel the whole width and forgets its axis: keep this free at the right [px]."""
MOST_ORDERS_IN_LEGEND = 9
NARROWEST = 640
"""Width of the time axis for which names in bars are chosen [px]."""
MOST_MINUTES_WITH_LABELS = 36 * 60
OPERATION = [
    "whose", "heat", "order", "grade", "stage", "unit", "start", "end", "middle", "starts", "ends", "waited", "energy",
]  # fmt: skip


def timeline(
    made: Plan, foreman: bool = True, view: View | None = None, carriers: Sequence[str] | None = None
) -> alt.VConcatChart:
    """Gantt, where there is a line, above electricity, other carriers, levels of stores, carbon intensity and price.

    Args:
        made: a plan that was found.
        foreman: whether to draw what the foreman does, too.
        view: what part of the horizon, and how fine; None: all of it.
        carriers: which ones beside electricity; None: all but fuels.
    """
    scenario = made.scenario
    assert made.replay is not None
    view = view or View.of(scenario.horizon)
    x, table = _x(view), Table(view)
    found = panels.balances(scenario, made.replay)
    if carriers is None:
        carriers = [name for name in found if name not in panels.bought_only(scenario, made.replay)]
    drawn: list[Any] = (
        [gantt(scenario, made.replay, made.baseline if foreman else None, view)] if scenario.heats else []
    )
    for name, balance in found.items():
        if name == ELECTRICITY:
            before = made.baseline["import_mw"].to_numpy() if foreman else None
            drawn.append(panels.balance_panel(scenario, balance, table, x, before))
        elif name in carriers:
            drawn.append(panels.balance_panel(scenario, balance, table, x, None))
    chosen = panels.colours(scenario)
    drawn += [panels.level_panel(level, table, x, chosen[level.name], foreman) for level in panels.levels(made)]
    return _below_each_other([*drawn, *_signals(scenario, table)])


def preview(scenario: Scenario) -> alt.VConcatChart:
    """What the day offers before anything is planned: carbon intensity and price."""
    return _below_each_other(_signals(scenario, Table(View.of(scenario.horizon)), height=110))


def _below_each_other(drawn: list[Any]) -> alt.VConcatChart:
    zoom = alt.selection_interval(bind="scales", encodings=["x"], zoom="wheel![event.shiftKey]")
    return (
        alt.vconcat(drawn[0].add_params(zoom), *drawn[1:], spacing=10)
        .resolve_scale(x="shared", color="independent")
        .configure_view(strokeOpacity=0.25)
        .configure_axis(titleFontWeight="normal")
    )


def search(history: tuple[tuple[float, float | None, float | None], ...], unit: str, factor: float) -> Layers:
    """Best plan so far and bound over the seconds of the search."""
    frame = pd.DataFrame(history, columns=["seconds", "best plan", "bound"]).astype(float)
    long = frame.melt("seconds", var_name="line", value_name="value").dropna()
    long["value"] *= factor
    colour = alt.Color(
        "line:N",
        scale=alt.Scale(domain=["best plan", "bound"], range=[POWER, FOREMAN]),
        legend=alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3),
    )
    base = alt.Chart(long, height=240).encode(
        x=alt.X("seconds:Q", title="time of the search [s]", axis=alt.Axis(tickCount=8)),
        y=alt.Y("value:Q", title=f"objective [{unit}]", scale=alt.Scale(zero=False)),
        color=colour,
        tooltip=[
            alt.Tooltip("line:N", title="line"),
            alt.Tooltip("seconds:Q", title="second", format=".1f"),
            alt.Tooltip("value:Q", title=unit, format=",.2f"),
        ],
    )
    dash = alt.StrokeDash("line:N", scale=alt.Scale(domain=["best plan", "bound"], range=[[1, 0], [5, 3]]), legend=None)
    return alt.layer(base.mark_line(interpolate="step-after").encode(strokeDash=dash), base.mark_circle(size=18))


def front(found: Front) -> Layers:
    """Cost over carbon from the cleanest to the cheapest point, what is proven below it, the knee and the foreman."""
    money = found.scenario.market.currency
    frame = pd.DataFrame(rows(found.data))
    frame["carbon"] = frame["carbon_kg"].astype(float) / 1000
    frame["kind"] = ["knee" if marked else "point" for marked in frame["knee"]]
    shown = ["carbon", "cost", "gap", "difference_per_t", "dual_per_t"]
    foreman = {"kind": "foreman", "carbon": found.baseline.carbon_kg / 1000, "cost": found.baseline.cost}
    marks = pd.DataFrame([*frame[[*shown, "kind", "point", "status"]].to_dict("records"), foreman])
    x = alt.X("carbon:Q", title="carbon [t CO2e]", scale=alt.Scale(zero=False))
    y = alt.Y("cost:Q", title=f"cost [{money}]", scale=alt.Scale(zero=False))
    kinds = {"point": (POWER, "circle"), "knee": (CARBON, "diamond"), "foreman": (FOREMAN, "cross")}
    colours, shapes = ([looks[i] for looks in kinds.values()] for i in (0, 1))
    legend = alt.Legend(title=None, orient="top")
    titles = (
        ("carbon", "carbon [t CO2e]", ",.2f"), ("cost", f"cost [{money}]", ",.0f"), ("gap", "gap", ".2%"),
        ("difference_per_t", f"against the next cheaper point [{money}/t]", ",.0f"),
        ("dual_per_t", f"shadow price of the cap [{money}/t]", ",.0f"),
    )  # fmt: skip
    points = alt.Chart(marks, height=320).mark_point(size=90, filled=True, opacity=1)
    points = points.encode(
        x=x,
        y=y,
        color=alt.Color("kind:N", scale=alt.Scale(domain=list(kinds), range=colours), legend=legend),
        shape=alt.Shape("kind:N", scale=alt.Scale(domain=list(kinds), range=shapes), legend=legend),
        tooltip=[
            alt.Tooltip("kind:N", title="is"),
            alt.Tooltip("point:Q", title="point"),
            *(alt.Tooltip(f"{name}:Q", title=title, format=form) for name, title, form in titles),
            alt.Tooltip("status:N", title="status"),
        ],
    )
    line = alt.Chart(frame[["carbon", "cost"]]).mark_line(color=POWER, strokeWidth=1.4)
    proven = frame[["carbon", "cost_bound"]].dropna().rename(columns={"cost_bound": "cost"})
    below = alt.Chart(proven).mark_line(color=FOREMAN, strokeDash=[5, 3], interpolate="step-after")
    return alt.layer(below.encode(x=x, y=y), line.encode(x=x, y=y), points)


def gantt(scenario: Scenario, run: xr.Dataset, foreman: xr.Dataset | None, view: View) -> Layers:
    """Units down, local time across; thick bars are the plan, thin ones below it the foreman."""
    orders = [order.name for order in scenario.orders]
    units = [unit.name for unit in scenario.line.units]
    colour = alt.Color(
        "order:N",
        sort=orders,
        scale=alt.Scale(domain=orders, range=[ORDERS[i % len(ORDERS)] for i in range(len(orders))]),
        legend=alt.Legend(title="order", orient="top", columns=MOST_ORDERS_IN_LEGEND, symbolStrokeWidth=0)
        if len(orders) <= MOST_ORDERS_IN_LEGEND
        else None,
    )
    tooltip = [
        alt.Tooltip(f"{name}:N", title=title)
        for name, title in (
            ("whose", "of"), ("heat", "heat"), ("order", "order"), ("grade", "grade"), ("stage", "stage"),
            ("unit", "unit"), ("starts", "start"), ("ends", "end"), ("waited", "waited"), ("energy", "electricity"),
        )
    ]  # fmt: skip
    y = alt.Y("unit:N", sort=units, title=None, axis=y_axis(ticks=False), scale=alt.Scale(domain=units))
    x, bars = _x(view, labels=True), _operations(scenario, run, "plan", view)
    base = alt.Chart(bars).encode(x=x, x2="end:Q", y=y, tooltip=tooltip)
    layers = [
        # the stroke keeps light colours apart from a light page
        base.mark_bar(height=17, yOffset=-4, stroke=LABEL, strokeWidth=0.5, strokeOpacity=0.6, clip=True).encode(
            color=colour
        )
    ]
    if foreman is not None:
        thin = _operations(scenario, foreman, "foreman", view)
        below = alt.Chart(thin).encode(x=x, x2="end:Q", y=y, tooltip=tooltip, color=colour)
        layers.append(below.mark_bar(height=5, yOffset=9, opacity=0.75, stroke=FOREMAN, strokeWidth=0.4, clip=True))
    if len(bars) and view.length_min <= MOST_MINUTES_WITH_LABELS:
        pixels = (bars["end"] - bars["start"]) / view.length_min * NARROWEST
        wide = bars[pixels >= 5.5 * bars["heat"].str.len()]
        names = alt.Chart(wide).encode(x="middle:Q", y=y, text="heat:N", tooltip=tooltip)
        layers.append(names.mark_text(yOffset=-4, fontSize=9.5, color=LABEL, clip=True))
    return alt.layer(*layers).properties(height=32 * len(units))


def _signals(scenario: Scenario, table: Table, height: int = 78) -> list[Layers]:
    currency, inputs, x = scenario.market.currency, scenario.inputs, _x(table.view)
    titles = {"clock": "from", "intensity": "average intensity [kg CO2e/MWh]"}
    given = {"intensity": inputs["carbon_intensity_kg_per_mwh"].to_numpy()}
    if "marginal_carbon_intensity_kg_per_mwh" in inputs:
        given["marginal"] = inputs["marginal_carbon_intensity_kg_per_mwh"].to_numpy()
        titles["marginal"] = "marginal intensity [kg CO2e/MWh]"
    spot = scenario.market.has_spot
    given["price"] = inputs["price_per_mwh"].to_numpy() if spot else first_block(scenario)
    titles["price"] = f"{'spot price' if spot else 'tariff, first block'} [{currency}/MWh]"
    for name, values in given.items():
        table.mean(name, values)
    base = alt.Chart(table.frame).encode(x=x)
    scale = alt.Scale(zero=False, nice=True)
    intensity = alt.Y("intensity:Q", title=["intensity", "[kg CO2e/MWh]"], axis=y_axis(), scale=scale)
    step: Any = {"interpolate": "step-after", "clip": True}
    carbon: list[Any] = [base.mark_line(color=CARBON, strokeWidth=1.6, **step).encode(y=intensity)]
    if "marginal" in given:
        line = base.mark_line(color=CARBON, strokeWidth=1, strokeDash=[4, 2], **step)
        carbon.append(line.encode(y="marginal:Q"))
    price = alt.Y("price:Q", title=["price" if spot else "tariff", f"[{currency}/MWh]"], axis=y_axis(), scale=scale)
    labelled = _x(table.view, labels=True, title=True)
    cost = base.mark_line(color=PRICE, strokeWidth=1.6, **step).encode(x=labelled, y=price)
    return [
        alt.layer(*carbon, panels.hover(table, x, titles)).properties(height=height),
        alt.layer(cost, panels.hover(table, labelled, titles)).properties(height=height),
    ]


def first_block(scenario: Scenario) -> np.ndarray:
    """What the tariff's first blocks take for a MWh in each step, taxes included [currency/MWh], shape (n_steps,)."""
    rates = scenario.rates
    if rates is None:
        return np.zeros(scenario.horizon.n_steps)
    price = sum((e.per_mwh[0] * rates.with_tax(e.kind) for e in rates.energy), np.zeros(len(rates)))
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    return np.asarray(np.repeat(price, meter // cell).reshape(-1, step // cell).mean(axis=1))


def _operations(scenario: Scenario, run: xr.Dataset, whose: str, view: View) -> pd.DataFrame:
    heats = {heat.name: heat for heat in scenario.heats}
    columns = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    rows = []
    first, last = view.span_min
    for heat, stage, unit, start, end, waited, energy in zip(
        *(run[f"op_{name}"].values.tolist() for name in columns), strict=True
    ):
        if end <= first or start >= last:
            continue
        rows.append(
            {
                "whose": whose,
                "heat": heat,
                "order": heats[heat].order,
                "grade": heats[heat].grade.name,
                "stage": stage,
                "unit": unit,
                "start": start,
                "end": end,
                "middle": (start + end) / 2,
                "starts": wording.moment(scenario.horizon.instant(start)),
                "ends": wording.moment(scenario.horizon.instant(end)),
                "waited": f"{wording.number(waited, 0)} min",
                "energy": f"{wording.number(energy, 1)} MWh",
            }
        )
    return pd.DataFrame(rows, columns=OPERATION)


def _x(view: View, labels: bool = False, title: bool = False) -> alt.X:
    horizon = view.horizon
    start, end = view.span_min
    texts = {str(round(minute)): text for minute, text in _labels(view)}
    first, ends = horizon.instant(start), horizon.instant(end)
    offsets = wording.offset(first)
    if first.utcoffset() != ends.utcoffset():
        offsets += f", later {wording.offset(ends)}"
    axis = alt.Axis(
        values=[int(minute) for minute in texts],
        labelExpr=f"({json.dumps(texts)})[datum.value] || ''",
        title=f"local time, {horizon.zone} ({offsets})" if title else None,
        labels=labels,
        ticks=labels,
        grid=True,
        gridOpacity=0.5,
        labelFlush=True,
        labelOverlap="parity",
    )
    return alt.X("start:Q", axis=axis, scale=alt.Scale(domain=[start, end], nice=False))


def _labels(view: View) -> Iterator[tuple[float, list[str]]]:
    """Minute and text of each label of the time axis: hours, days or months, as the view is long."""
    horizon, hours = view.horizon, view.length_min / 60
    every = 2 if hours <= 30 else 6 if hours <= 80 else 12 if hours <= 250 else 24
    start, end = view.span_min
    for minute in range(round(start) + (60 - horizon.instant(start).minute) % 60, round(end) + 1, 60):
        at = horizon.instant(minute)
        midnight = at.hour == 0 or minute == start
        month = wording.MONTHS[at.month - 1]
        if hours > 1500:
            if at.day == 1 and at.hour == 0:
                yield minute, [f"{at.day} {month}", str(at.year) if at.month == 1 or minute == start else ""]
        elif every == 24:
            if at.hour == 0:
                yield minute, [f"{at.day} {month}", wording.DAYS[at.weekday()]]
        elif at.hour % every == 0 or minute == start:
            yield minute, [f"{at:%H:%M}", f"{wording.DAYS[at.weekday()]} {at.day} {month}" if midnight else ""]
