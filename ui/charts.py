"""Charts of a plan, all on one time axis: minutes after the horizon's start, labelled with the plant's local time.

An axis of minutes stays right where the clocks change: the repeated hour of autumn stands twice on it. Colours have a
fixed meaning and can be told apart by colour-blind eyes (Okabe and Ito; Tol's light scheme for orders, which keeps dark
labels readable); each kind of line also has its own dash.
"""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import pandas as pd
import xarray as xr

from plans.front import Front, rows
from plans.plan import Plan
from scenarios import Scenario
from ui import wording

Layers = alt.LayerChart | alt.FacetChart
POWER, CARBON, PRICE, BATTERY, PV = "#2F88C9", "#D55E00", "#0B9E73", "#C46FA0", "#E0A100"
FOREMAN = "#8A929C"
ORDERS = ("#77AADD", "#EE8866", "#EEDD88", "#44BB99", "#FFAABB", "#99DDFF", "#BBCC33", "#DDDDDD", "#AAAA00")
LABEL = "#1C2530"
MARGIN = 64
"""Width of every panel's vertical axis, so that they stand exactly above each other [px]."""
OVERHANG = MARGIN + 40
"""Streamlit gives a panel the whole width and forgets its axis: keep this free at the right [px]."""
MOST_ORDERS_IN_LEGEND = 9
NARROWEST = 640
"""Width of the time axis for which names in bars are chosen [px]."""
MOST_MINUTES_WITH_LABELS = 36 * 60


def timeline(made: Plan, foreman: bool = True) -> alt.VConcatChart:
    """Gantt above power, carbon intensity, price and, where there is one, the battery's level."""
    scenario = made.scenario
    assert made.replay is not None
    steps = _steps(made)
    zoom = alt.selection_interval(bind="scales", encodings=["x"], zoom="wheel![event.shiftKey]")
    panels = [gantt(scenario, made.replay, made.baseline if foreman else None), _power(made, steps, foreman)]
    if scenario.site.battery is not None and scenario.site.battery.energy_mwh > 0:
        panels.append(_battery(made, steps, foreman))
    panels += _signals(scenario, steps)
    return (
        alt.vconcat(panels[0].add_params(zoom), *panels[1:], spacing=10)
        .resolve_scale(x="shared", color="independent")
        .configure_view(strokeOpacity=0.25)
        .configure_axis(titleFontWeight="normal")
    )


def preview(scenario: Scenario) -> alt.VConcatChart:
    """What the day offers before anything is planned: carbon intensity and price."""
    steps = _of_inputs(scenario)
    return (
        alt.vconcat(*_signals(scenario, steps, height=110), spacing=10)
        .resolve_scale(x="shared")
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


def gantt(scenario: Scenario, run: xr.Dataset, foreman: xr.Dataset | None) -> Layers:
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
    y = alt.Y("unit:N", sort=units, title=None, axis=_y_axis(ticks=False), scale=alt.Scale(domain=units))
    bars, thin = _operations(scenario, run, "plan"), pd.DataFrame()
    base = alt.Chart(bars).encode(x=_x(scenario, labels=True), x2="end:Q", y=y, tooltip=tooltip)
    layers = [
        # the stroke keeps light colours apart from a light page
        base.mark_bar(height=17, yOffset=-4, stroke=LABEL, strokeWidth=0.5, strokeOpacity=0.6, clip=True).encode(
            color=colour
        )
    ]
    if foreman is not None:
        thin = _operations(scenario, foreman, "foreman")
        below = alt.Chart(thin).encode(x=_x(scenario, labels=True), x2="end:Q", y=y, tooltip=tooltip, color=colour)
        layers.append(below.mark_bar(height=5, yOffset=9, opacity=0.75, stroke=FOREMAN, strokeWidth=0.4, clip=True))
    if scenario.horizon.length_min <= MOST_MINUTES_WITH_LABELS:
        pixels = (bars["end"] - bars["start"]) / scenario.horizon.length_min * NARROWEST
        wide = bars[pixels >= 5.5 * bars["heat"].str.len()]
        names = alt.Chart(wide).encode(x="middle:Q", y=y, text="heat:N", tooltip=tooltip)
        layers.append(names.mark_text(yOffset=-4, fontSize=9.5, color=LABEL, clip=True))
    return alt.layer(*layers).properties(height=32 * len(units))


def _power(made: Plan, steps: pd.DataFrame, foreman: bool) -> Layers:
    scenario = made.scenario
    y = alt.Y("import_mw:Q", title=["grid import", "[MW]"], axis=_y_axis())
    base = alt.Chart(steps).encode(x=_x(scenario))
    layers: list[Any] = [
        base.mark_area(interpolate="step-after", color=POWER, opacity=0.22).encode(y=y),
        base.mark_line(interpolate="step-after", color=POWER, strokeWidth=1.8).encode(y=y),
    ]
    if foreman:
        line = base.mark_line(interpolate="step-after", color=FOREMAN, strokeWidth=1, strokeDash=[4, 2])
        layers.append(line.encode(y="foreman_mw:Q"))
    if scenario.site.pv is not None and scenario.site.pv.peak_mw > 0:
        line = base.mark_line(interpolate="step-after", color=PV, strokeWidth=1.4, strokeDash=[1, 2])
        layers.append(line.encode(y="pv_mw:Q"))
    limit = scenario.site.grid.import_limit_mw
    if limit is not None:
        rule = alt.Chart(pd.DataFrame({"limit": [limit]}))
        layers.append(rule.mark_rule(color=CARBON, strokeDash=[8, 3], strokeWidth=1).encode(y="limit:Q"))
    return alt.layer(*layers, _hover(scenario, steps)).properties(height=130)


def _signals(scenario: Scenario, steps: pd.DataFrame, height: int = 78) -> list[Layers]:
    currency = scenario.market.currency
    base = alt.Chart(steps).encode(x=_x(scenario))
    scale = alt.Scale(zero=False, nice=True)
    intensity = alt.Y("intensity:Q", title=["intensity", "[kg CO2e/MWh]"], axis=_y_axis(), scale=scale)
    carbon: list[Any] = [
        base.mark_line(interpolate="step-after", color=CARBON, strokeWidth=1.6).encode(y=intensity),
    ]
    if "marginal" in steps:
        line = base.mark_line(interpolate="step-after", color=CARBON, strokeWidth=1, strokeDash=[4, 2])
        carbon.append(line.encode(y="marginal:Q"))
    price = alt.Y("price:Q", title=["price", f"[{currency}/MWh]"], axis=_y_axis(), scale=scale)
    cost = base.mark_line(interpolate="step-after", color=PRICE, strokeWidth=1.6).encode(y=price)
    hover = _hover(scenario, steps)
    last = alt.layer(cost.encode(x=_x(scenario, labels=True, title=True)), _hover(scenario, steps, last=True))
    return [alt.layer(*carbon, hover).properties(height=height), last.properties(height=height)]


def _battery(made: Plan, steps: pd.DataFrame, foreman: bool) -> Layers:
    assert made.replay is not None
    assert made.scenario.site.battery is not None
    first = float(made.envelope["battery_level_mwh"])  # the runs tell the level at the end of each step
    levels = pd.DataFrame(
        {
            "start": steps["start"],
            "plan": [first, *made.replay["battery_mwh"].values.tolist()],
            "foreman": [first, *made.baseline["battery_mwh"].values.tolist()],
        }
    )
    base = alt.Chart(levels).encode(x=_x(made.scenario))
    full = alt.Scale(domain=[0, made.scenario.site.battery.energy_mwh])
    y = alt.Y("plan:Q", title=["battery", "[MWh]"], axis=_y_axis(), scale=full)
    layers: list[Any] = [base.mark_line(color=BATTERY, strokeWidth=1.6).encode(y=y)]
    if foreman:
        line = base.mark_line(color=FOREMAN, strokeWidth=1, strokeDash=[4, 2])
        layers.append(line.encode(y="foreman:Q"))
    return alt.layer(*layers, _hover(made.scenario, steps)).properties(height=78)


def _hover(scenario: Scenario, steps: pd.DataFrame, last: bool = False) -> alt.Chart:
    """Unseen bars over each step that tell its figures."""
    currency = scenario.market.currency
    names = {
        "clock": ("from", "N"), "import_mw": ("grid import, plan [MW]", "Q"),
        "foreman_mw": ("grid import, foreman [MW]", "Q"), "pv_mw": ("PV [MW]", "Q"),
        "battery_mwh": ("battery at the step's end, plan [MWh]", "Q"),
        "intensity": ("average intensity [kg CO2e/MWh]", "Q"),
        "marginal": ("marginal intensity [kg CO2e/MWh]", "Q"), "price": (f"price [{currency}/MWh]", "Q"),
    }  # fmt: skip
    tooltip = [
        alt.Tooltip(f"{name}:Q", title=title, format=",.1f") if kind == "Q" else alt.Tooltip(f"{name}:N", title=title)
        for name, (title, kind) in names.items()
        if name in steps
    ]
    bars = alt.Chart(steps[:-1]).mark_rect(opacity=0)
    return bars.encode(x=_x(scenario, last, last), x2="until:Q", tooltip=tooltip)


def _operations(scenario: Scenario, run: xr.Dataset, whose: str) -> pd.DataFrame:
    heats = {heat.name: heat for heat in scenario.heats}
    columns = ("heat", "stage", "unit", "start_min", "end_min", "waited_min", "energy_mwh")
    rows = []
    for heat, stage, unit, start, end, waited, energy in zip(
        *(run[f"op_{name}"].values.tolist() for name in columns), strict=True
    ):
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
    return pd.DataFrame(rows)


def _of_inputs(scenario: Scenario) -> pd.DataFrame:
    """Price and intensity by step; the last row closes the last step."""
    step, n = scenario.horizon.step_min, scenario.horizon.n_steps
    inputs = scenario.inputs
    table: dict[str, Any] = {
        "start": [i * step for i in range(n)],
        "until": [(i + 1) * step for i in range(n)],
        "clock": [wording.moment(scenario.horizon.instant(i * step)) for i in range(n)],
        "price": inputs["price_per_mwh"].to_numpy(),
        "intensity": inputs["carbon_intensity_kg_per_mwh"].to_numpy(),
    }
    if "marginal_carbon_intensity_kg_per_mwh" in inputs:
        table["marginal"] = inputs["marginal_carbon_intensity_kg_per_mwh"].to_numpy()
    return _closed(pd.DataFrame(table))


def _steps(made: Plan) -> pd.DataFrame:
    assert made.replay is not None
    frame = _of_inputs(made.scenario)[:-1].assign(
        import_mw=made.replay["import_mw"].to_numpy(), foreman_mw=made.baseline["import_mw"].to_numpy()
    )
    site = made.scenario.site
    if site.pv is not None and site.pv.peak_mw > 0:
        frame["pv_mw"] = made.replay["pv_mw"].to_numpy()
    if site.battery is not None and site.battery.energy_mwh > 0:
        frame["battery_mwh"] = made.replay["battery_mwh"].to_numpy()
    return _closed(frame)


def _closed(frame: pd.DataFrame) -> pd.DataFrame:
    last = frame.iloc[[-1]].assign(start=frame["until"].iloc[-1])
    return pd.concat([frame, last], ignore_index=True)


def _y_axis(ticks: bool = True) -> alt.Axis:
    return alt.Axis(minExtent=MARGIN, maxExtent=MARGIN, ticks=ticks, tickCount=4, titlePadding=4, labelLimit=MARGIN)


def _x(scenario: Scenario, labels: bool = False, title: bool = False) -> alt.X:
    horizon = scenario.horizon
    hours = horizon.length_min / 60
    every = 2 if hours <= 30 else 6 if hours <= 80 else 12
    texts: dict[str, list[str]] = {}
    first = horizon.instant(0)
    for minute in range((60 - first.minute) % 60, round(horizon.length_min) + 1, 60):
        at = horizon.instant(minute)
        if at.hour % every == 0 or minute == 0:
            day = f"{wording.DAYS[at.weekday()]} {at.day} {wording.MONTHS[at.month - 1]}"
            texts[str(minute)] = [f"{at:%H:%M}", day if at.hour == 0 or minute == 0 else ""]
    ends = horizon.instant(horizon.length_min)
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
    return alt.X("start:Q", axis=axis, scale=alt.Scale(domain=[0, horizon.length_min], nice=False))
