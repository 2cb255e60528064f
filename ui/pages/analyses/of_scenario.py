"""Analyses that plan a scenario several times: at lower loads, without levers, with other values, as time goes on."""

from __future__ import annotations

import math
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from emberline.reports.charts import studies
from emberline.reports.text import mark, number, percent, say, sentence, signed, tr
from emberline.reports.text import studies as words_of
from emberline.reports.text.numbers import clock
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios import Scenario, ScenarioError
from emberline.scenarios.records.horizon import Horizon
from emberline.studies import sweep as sweeps
from emberline.studies.levers import refused
from emberline.studies.rolling import How, refuse
from emberline.ui.pages.analyses.shape import Analysis, Question, scenario_of, table
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.session import chart_cache, navigation, session, widgets
from emberline.ui.pages.session.widgets import caption, paragraph, warning

LOADS = tuple(range(30, 101, 10))
DEFAULT = (50, 60, 70, 80, 90, 100)


def ask_headroom(request: Request) -> Question:
    """The form: loads and the smallest saving that counts."""
    scenario = scenario_of(request)
    if not any(producer.demand for producer in scenario.producers):
        return Question(problem=tr("A site alone makes nothing, so there is no order load."))
    if scenario.by_the_minute:
        return Question(problem=tr("Lateness weighs neither carbon nor cost; choose one of them as the goal."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = tr("One plan is made for each, within the time limit at the side")
        loads = st.multiselect(tr("Order loads [%]"), LOADS, default=list(DEFAULT), key="headroom.loads", help=words)
        least = tr("Smallest saving that counts [%]")
        threshold = widgets.number(least, "headroom.threshold", 1.0, 0.0, 50.0, step=0.5)
    if not loads:
        return Question(problem=tr("Choose at least one load."))
    return Question({"loads": [load / 100 for load in sorted(loads)], "threshold": threshold / 100})


def show_headroom(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    st.markdown(f"**{sentence(say(result['says']))}**")
    if any(load["goal_share"] is not None for load in result["loads"]):
        build = partial(studies.saving_by_load, result["loads"], result["threshold"])
        words = tr("Saving of the goal by order load; the table below has the same values.")
        chart_cache.chart(("headroom", stored.id), build, words)
        caption(
            "Line: the mean of the disturbed replays with its 95 % interval, where there are any, else the "
            "undisturbed day. Grey: what a better plan could save at most, by the bound. Dashed: the smallest "
            "saving that counts."
        )
    table(words_of.load_rows(result))


HEADROOM = Analysis(
    title=mark("Headroom"),
    says=mark(
        "How much is saved when the plant is not full, and at which load does flexibility end? The same plant is "
        "planned with a part of its orders."
    ),
    start=mark("Plan at each load"),
    ask=ask_headroom,
    show=show_headroom,
    keep=mark("Stop and keep the loads planned so far"),
)


COLUMNS = ("first", "last")
"""Of the waterfall."""


def ask_levers(request: Request) -> Question:
    """The form: nothing but the scenario."""
    return Question(problem=say(refused(scenario_of(request))))


def show_levers(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    together = result["together"]
    _headline(result)
    if together is None:
        warning("No plan was found with all levers: allow more time, or ask why there is no plan.")
    elif result["levers"]:
        _waterfall(stored)
        table(words_of.lever_rows(result))
        st.caption(
            tr(
                "Each alone: on the baseline's production. Each as the last one: taken away from the joint plan, "
                "production not planned again. Levers overlap, so neither column adds up; the rest is "
                "their interaction."
            )
            + " "
            + tr("By rules: the baseline without the lever, less that with it.")
        )
    if result["needed"]:
        st.text(tr("The site cannot run without {names}.", names=", ".join(result["needed"])))
    for lever in result["levers"]:
        if lever["reason"]:
            st.caption(f"{words_of.lever_name(lever['name'])}: {say(lever['reason'])}")
    st.markdown(f"**{tr('The plans compared')}**")
    table(words_of.case_rows(result), "cases")


def _headline(result: dict[str, Any]) -> None:
    saved, money = result["saved"]["baseline"], result["currency"]
    if saved is not None:
        tonnes, cost = number(saved["carbon_kg"] / 1000, 1), number(saved["cost"], 0)
        saving = tr("{tonnes} t CO2e, {cost} {currency}", tonnes=tonnes, cost=cost, currency=money)
        text = tr("Planned together, the plant saves {saving} compared with the baseline.", saving=saving)
        st.markdown(f"**{text}**")
    search = result["searches"]["joint"]
    gap = tr("no bound proven in time") if result["gap"] is None else tr("gap {gap}", gap=percent(result["gap"]))
    st.text(tr("Joint search: {status}, {gap}.", status=say(search["status"]), gap=gap))


def _waterfall(stored: StoredAnalysis) -> None:
    result = stored.result
    with st.container(horizontal=True):
        figures = {"carbon": mark("carbon"), "cost": mark("cost")}
        first = "carbon" if result["goal"] == "carbon" else "cost"
        figure = widgets.choose(tr("Figure"), figures, first, "levers.figure")
        column = widgets.choose(
            tr("Saving"), {name: words_of.LEVER_COLUMNS[name] for name in COLUMNS}, "first", "levers.column"
        )
    key, factor, digits = words_of.LEVER_FIGURES[str(figure)]
    remaining = result["interaction"][column]
    if remaining is None:
        caption("A lever has no plan on its own, so its part of the sum is not known.")
        return
    rows = [(words_of.lever_name(lever["name"]), lever[column][key] * factor) for lever in result["levers"]]
    rows.append((tr("interaction"), remaining[key] * factor))
    unit = "t CO2e" if figure == "carbon" else result["currency"]
    words = tr("Saving by lever and their interaction; the table below has the same values.")
    build = partial(studies.waterfall, rows, unit, digits)
    chart_cache.chart(("levers", stored.id, figure, column), build, words)


LEVERS = Analysis(
    title=mark("Levers"),
    says=mark(
        "What does each lever save: shifting production, the battery, each store, engine and heat recovery? Two "
        "searches are made, each within the time limit at the side, then one for each lever."
    ),
    start=mark("Weigh the levers"),
    ask=ask_levers,
    show=show_levers,
    keep=mark("Stop searching and weigh the best plans so far"),
)


KEYS = {
    "site.pv.peak_mw": mark("PV [MW]"),
    "site.battery.energy_mwh": mark("battery [MWh]"),
    "site.battery.power_mw": mark("battery [MW]"),
    "site.grid.import_limit_mw": mark("import limit [MW]"),
    "market.carbon_price.per_t": mark("carbon price [{unit}/t]"),
    "goal.caps.extra_cost_share": mark("extra cost at most [share]"),
    "goal.minimize": mark("goal"),
    "market.price_per_mwh.scale": mark("price factor [1]"),
}
"""Keys offered by name, with units; any other key of the scenario can be typed."""
FIGURES = {
    "figures carbon_kg": (mark("carbon [t CO2e]"), 1e-3, 2),
    "figures cost": (mark("cost [{unit}]"), 1.0, 0),
    "figures peak_mw": (mark("peak [MW]"), 1.0, 1),
    "saved carbon_kg": (mark("carbon saved [t CO2e]"), 1e-3, 2),
    "saved cost": (mark("cost saved [{unit}]"), 1.0, 0),
}
"""Title, factor and digits of a figure of a plan, and of what it saves."""


EXAMPLE = "10, 20, 30"
"""Values of a key."""


def ask_sweep(request: Request) -> Question:
    """The form: one or two keys with their values."""
    scenario = scenario_of(request)
    texts = []
    for place, label in enumerate((tr("First key"), tr("Second key (optional)"))):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            key = st.selectbox(
                label, _offered(scenario), index=0 if place == 0 else None, accept_new_options=True,
                format_func=lambda key: title(key, scenario.market.currency), placeholder=tr("choose or type a key"),
                key=f"sweep.key.{place}",
            )  # fmt: skip
            words, first = tr("Separated by commas, in the unit of the key"), "" if place else EXAMPLE
            name = f"sweep.values.{place}"
            values = st.text_input(tr("Values"), first, key=name, placeholder=EXAMPLE, help=words)
        if key and values.strip():
            texts.append(f"{key}=[{values.strip()}]")
    if not texts:
        return Question(problem=tr("Choose a key and give its values."))
    try:
        axes, _ = sweeps.axes(texts)
    except ScenarioError as error:
        return Question(problem="\n".join(map(str, error.problems)))
    count = math.prod(len(axis.values) for axis in axes)
    effort = number(scenario.goal.budget, 0)
    st.caption(tr("{count} plans, each with an effort of up to {effort}; all are stored.", count=count, effort=effort))
    return Question({"axes": texts})


def _offered(scenario: Scenario) -> list[str]:
    site = scenario.site
    absent = {"site.pv.peak_mw"} if site.pv is None else set()
    absent |= {"site.battery.energy_mwh", "site.battery.power_mw"} if site.battery is None else set()
    return [key for key in KEYS if key not in absent]


def title(key: str, currency: str) -> str:
    """A key in words, with its unit; one that is not known as it is."""
    return tr(KEYS[key], unit=currency) if key in KEYS else key


def show_sweep(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    money, keys = result["currency"], list(result["keys"])
    paragraph("{done} of {of} plans were made.", done=result["planned"], of=len(result["plans"]))
    first, key = next(iter(FIGURES)), f"sweep.figure.{stored.id}"
    figure = widgets.choose(tr("Figure"), [*FIGURES], first, key, lambda option: _figure(option, money)[0])
    if len(keys) <= 2 and any(row["figures"] for row in result["plans"]):
        _chart(stored, figure or first, keys)
    table([_row(row, keys, money) for row in result["plans"]])
    for row in result["plans"]:
        if row["status"] == "failed" or (row["run"] and not row["acceptable"]):
            st.caption(f"{_setting(row, keys, money)}: {say(row['says'])}")
    _open(result["plans"], keys, money)


def _figure(option: str, money: str) -> tuple[str, float, int]:
    text, factor, digits = FIGURES[option]
    return tr(text, unit=money), factor, digits


def _chart(stored: StoredAnalysis, option: str, keys: list[str]) -> None:
    result = stored.result
    of, name = option.split()
    label, factor, digits = _figure(option, result["currency"])
    titles = [title(key, result["currency"]) for key in keys]
    rows: list[dict[str, Any]] = []
    for row in result["plans"]:
        value = None if row[of].get(name) is None else row[of][name] * factor
        first, last = row["setting"][keys[0]], row["setting"][keys[-1]]
        x = str(first) if len(keys) == 2 else first
        rows.append({"x": x, "y": str(last), "value": value, "says": _status(row)})

    two = partial(studies.over_two, rows, (titles[0], titles[-1]))
    draw = two if len(keys) == 2 else partial(studies.along_one, rows, titles[0])
    words = tr("{figure} of each plan, as in the table below.", figure=label)
    chart_cache.chart(("sweep", stored.id, option), partial(draw, label, digits), words)


def _status(row: dict[str, Any]) -> str:
    gap = "" if row["gap"] is None else f", {tr('gap {gap}', gap=percent(row['gap']))}"
    refused = f", {tr('not acceptable')}" if row["run"] and not row["acceptable"] else ""
    return f"{say(row['status'])}{gap}{refused}"


def _row(row: dict[str, Any], keys: list[str], money: str) -> dict[str, str]:
    cells = {title(key, money): _value(row["setting"][key]) for key in keys}
    for option in FIGURES:
        label, factor, digits = _figure(option, money)
        of, name = option.split()
        write = number if of == "figures" else signed
        cells[label] = write(row[of][name] * factor, digits) if name in row[of] else "–"
    successes = tr("{held} of {n}", held=row["held"], n=row["replications"]) if row["replications"] else "–"
    return {**cells, tr("held"): successes, say("status"): _status(row)}


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _setting(row: dict[str, Any], keys: list[str], money: str) -> str:
    return " · ".join(f"{title(key, money)} {_value(row['setting'][key])}" for key in keys)


def _open(plans: list[dict[str, Any]], keys: list[str], money: str) -> None:
    runs = {row["run"]: _setting(row, keys, money) for row in plans if row["run"]}
    if not runs:
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run = widgets.pick(tr("Open as a plan"), runs, "sweep.run", runs.__getitem__, none=tr("choose one"))
        if st.button(tr("Open"), disabled=run is None, key="sweep.open"):
            session.choose(str(run))
            navigation.go("plan")


SWEEP = Analysis(
    title=mark("Sweep"),
    says=mark(
        "What do other values give? The scenario is planned for every combination of them, such as PV and battery "
        "sizes."
    ),
    start=mark("Plan every combination"),
    ask=ask_sweep,
    show=show_sweep,
    keep=mark("Stop and keep the plans made so far"),
)


SPANS = (15, 30, 60, 120, 180, 240, 360, 720, 1440)
"""Planning intervals offered [min]."""


def ask_roll(request: Request) -> Question:
    """The form: period, how often and how far ahead, what is frozen."""
    scenario = scenario_of(request)
    first, last = _days(scenario.horizon)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        period = tr("From and to (included)")
        days = st.date_input(period, (first, last), key=f"roll.days.{first}.{last}", format="YYYY-MM-DD")
        words = tr("The first one is the roll; the others are compared with it")
        how: dict[str, Any] = {"format_func": words_of.roll_span, "key": "roll.every", "help": words}
        every = st.multiselect(tr("Plan every"), SPANS, default=[60], **how)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        ahead = widgets.number(tr("Look ahead [h]"), "roll.ahead", 48, 1, 24 * 14)
        frozen = widgets.number(tr("Frozen after each planning [h]"), "roll.frozen", 0, 0, 72)
        words = tr("A new plan that is better by less is not adopted")
        keep = widgets.number(tr("Keep the previous plan below [%]"), "roll.keep", 0.1, 0.0, 50.0, step=0.1, help=words)
    with st.container(horizontal=True):
        foresight = st.toggle(tr("Also with prices and intensities known"), value=True, key="roll.foresight")
        disturbed = st.toggle(tr("With disturbances of the line"), key="roll.disturbed")
    picks = [*days]
    if len(picks) < 2:
        return Question(problem=tr("Choose the first and the last day."))
    if not every:
        return Question(problem=tr("Choose how often to plan."))
    as_it_is = (picks[0], picks[1]) == (first, last)
    try:
        for minutes in every if as_it_is else ():
            refuse(scenario, How(minutes, 60.0 * ahead, 60.0 * frozen, keep / 100), disturbed=disturbed)
    except ScenarioError as error:
        return Question(problem="\n".join(map(str, error.problems)))
    start, end = (None, None) if as_it_is else (picks[0].isoformat(), picks[1].isoformat())
    return Question(
        {
            "start": start,
            "end": end,
            "every_min": list(every),
            "look_ahead_min": 60.0 * ahead,
            "frozen_min": 60.0 * frozen,
            "keep_share": keep / 100,
            "foresight": foresight,
            "replication": 0 if disturbed else None,
        }
    )


def _days(horizon: Horizon) -> tuple[date, date]:
    return horizon.instant(0).date(), (horizon.instant(horizon.length_min) - timedelta(minutes=1)).date()


def show_roll(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    st.text("\n".join(words_of.roll_says(result)))
    table(words_of.side_rows(result))
    missed = result["roll"]["violations"]
    if missed:
        warning("The roll missed {count} limits.", count=len(missed))
    _moments(stored)


def _moments(stored: StoredAnalysis) -> None:
    """The roll at a moment that is chosen, with its now-line."""
    result = stored.result
    horizon, steps = Horizon.model_validate(result["horizon"]), result["roll"]["steps"]
    if not steps:
        return
    st.markdown(f"**{tr('The day as it was rolled')}**")
    places = list(range(len(steps)))
    place = places[0]
    if len(places) > 1:
        clocks = [clock(horizon.instant(step["at_min"])) for step in steps]
        how: dict[str, Any] = {"format_func": clocks.__getitem__, "key": f"roll.now.{stored.id}"}
        place = st.select_slider(tr("Now"), places, value=places[len(places) // 2], **how)
    step = steps[place]
    runs = {name: np.array(values) for name, values in result["import_mw"].items()}
    planned = np.array(result["planned_mw"][place])
    build = partial(studies.now_line, step["at_min"], step["begin_min"], planned, runs, horizon)
    words = tr("Grid import up to the moment, as planned at that moment, and of the baseline.")
    chart_cache.chart(("now", stored.id, place), build, words)
    adopted = tr("adopted") if step["laid"] else tr("not adopted, the previous plan continued")
    better = ""
    if step["better"] is not None:
        better = f", {tr('better by {amount}', amount=words_of.roll_amount(step['better'], result))}"
    moved = tr("{energy} MWh moved", energy=signed(step["moved_mwh"], 1).lstrip("+"))
    st.text(f"{say(step['status'])}, {tr('gap {gap}', gap=percent(step['gap']))}{better}; {adopted}; {moved}")


ROLL = Analysis(
    title=mark("Rolling day"),
    says=mark(
        "What does planning again as time goes on gain? The twin is the plant; each plan knows its state and the "
        "forecasts issued by then."
    ),
    start=mark("Roll through the period"),
    ask=ask_roll,
    show=show_roll,
    keep=mark("Stop and end with the plans made so far"),
)
