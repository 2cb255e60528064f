"""Sweep: a plan for every combination of some values, as a table and a heat map."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.reports.charts.analyses import heat_map
from emberline.reports.text.language import mark, tr
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import number, percent, signed
from emberline.runs.work.analyses import StoredAnalysis
from emberline.scenarios import Scenario, ScenarioError
from emberline.studies import sweep as sweeps
from emberline.ui.pages.analyses.shape import Analysis, Question, cache_key, scenario_of, table
from emberline.ui.pages.request.form import Request
from emberline.ui.pages.session import chart_cache, navigation, session

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
    "carbon_kg": (mark("carbon [t CO2e]"), 1e-3, 2),
    "cost": (mark("cost [{unit}]"), 1.0, 0),
    "peak_mw": (mark("peak [MW]"), 1.0, 1),
}
"""Title, factor and digits."""
SAVED = {
    "carbon_kg": (mark("carbon saved [t CO2e]"), 1e-3, 2),
    "cost": (mark("cost saved [{unit}]"), 1.0, 0),
}


def ask(request: Request) -> Question:
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
            values = st.text_input(
                tr("Values"), "10, 20, 30" if place == 0 else "", key=f"sweep.values.{place}",
                placeholder="10, 20, 30", help=tr("Separated by commas, in the unit of the key"),
            )  # fmt: skip
        if key and values.strip():
            texts.append(f"{key}=[{values.strip()}]")
    if not texts:
        return Question(problem=tr("Choose a key and give its values."))
    try:
        axes, _ = sweeps.axes(texts)
    except ScenarioError as error:
        return Question(problem="\n".join(map(str, error.problems)))
    count = 1
    for axis in axes:
        count *= len(axis.values)
    limit = scenario.goal.time_limit_s
    st.caption(
        tr("{count} plans of up to {seconds} s each; every plan is stored.", count=count, seconds=number(limit, 0))
    )
    return Question({"axes": texts})


def _offered(scenario: Scenario) -> list[str]:
    site = scenario.site
    absent = {"site.pv.peak_mw"} if site.pv is None else set()
    absent |= {"site.battery.energy_mwh", "site.battery.power_mw"} if site.battery is None else set()
    return [key for key in KEYS if key not in absent]


def title(key: str, currency: str) -> str:
    """A key in words, with its unit; one that is not known as it is."""
    return tr(KEYS[key], unit=currency) if key in KEYS else key


def show(stored: StoredAnalysis) -> None:
    """Draw the result."""
    result = stored.result
    money, keys = result["currency"], list(result["keys"])
    st.text(tr("{done} of {of} plans were made.", done=result["planned"], of=len(result["plans"])))
    options = [f"figures {name}" for name in FIGURES] + [f"saved {name}" for name in SAVED]
    figure = st.segmented_control(
        tr("Figure"), options, default=options[0], required=True,
        format_func=lambda option: _figure(option, money)[0], key=f"sweep.figure.{stored.id}",
    )  # fmt: skip
    if len(keys) <= 2 and any(row["figures"] for row in result["plans"]):
        _chart(stored, figure or options[0], keys)
    table([_row(row, keys, money) for row in result["plans"]])
    for row in result["plans"]:
        if row["status"] == "failed" or (row["run"] and not row["acceptable"]):
            st.caption(f"{_setting(row, keys, money)}: {say(row['says'])}")
    _open(result["plans"], keys, money)


def _figure(option: str, money: str) -> tuple[str, float, int]:
    """Title, factor and digits of a figure of a plan, or of what it saves."""
    of, name = option.split()
    text, factor, digits = (FIGURES if of == "figures" else SAVED)[name]
    return tr(text, unit=money), factor, digits


def _chart(stored: StoredAnalysis, option: str, keys: list[str]) -> None:
    result = stored.result
    of, name = option.split()
    label, factor, digits = _figure(option, result["currency"])
    titles = [title(key, result["currency"]) for key in keys]
    rows: list[dict[str, Any]] = []
    for row in result["plans"]:
        value = row[of].get(name)
        setting = [row["setting"][key] for key in keys]
        rows.append(
            {
                "x": str(setting[0]) if len(keys) == 2 else setting[0],
                "y": str(setting[-1]),
                "value": None if value is None else value * factor,
                "says": _status(row),
            }
        )

    def build() -> Any:
        if len(keys) == 2:
            return heat_map.over_two(rows, (titles[0], titles[1]), label, digits)
        return heat_map.along_one(rows, titles[0], label, digits)

    chart_cache.chart(
        (*cache_key("sweep", stored), option), build, tr("{figure} of each plan, as in the table below.", figure=label)
    )  # fmt: skip


def _status(row: dict[str, Any]) -> str:
    gap = "" if row["gap"] is None else f", {tr('gap {gap}', gap=percent(row['gap']))}"
    refused = f", {tr('not acceptable')}" if row["run"] and not row["acceptable"] else ""
    return f"{say(row['status'])}{gap}{refused}"


def _row(row: dict[str, Any], keys: list[str], money: str) -> dict[str, str]:
    cells = {title(key, money): _value(row["setting"][key]) for key in keys}
    for of, names in (("figures", FIGURES), ("saved", SAVED)):
        for name in names:
            label, factor, digits = _figure(f"{of} {name}", money)
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
        run = st.selectbox(
            tr("Open as a plan"), list(runs), index=None, format_func=runs.__getitem__, placeholder=tr("choose one"),
            key="sweep.run",
        )  # fmt: skip
        if st.button(tr("Open"), disabled=run is None, key="sweep.open"):
            session.choose(str(run))
            navigation.go("plan")


ANALYSIS = Analysis(
    title=mark("Sweep"),
    says=mark(
        "What do other values give? The scenario is planned for every combination of them, such as PV and battery "
        "sizes."
    ),
    start=mark("Plan every combination"),
    of_plan=False,
    ask=ask,
    show=show,
    keep=mark("Stop and keep the plans made so far"),
)
