"""The input widgets by group, and the corresponding overrides of the scenario."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import streamlit as st

from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import GOALS, caps, in_use
from emberline.ui.pages.request.amounts import END, NOW, casts, levels, orders_override, stores_override
from emberline.ui.text import numbers, wording
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.messages import say

PV_OF_ITS_OWN = {"table": "pv_typical", "column": "capacity_factor"}
"""Yield of a PV plant that the scenario does not have."""
COVERS = {"direct": mark("scope 1 only"), "all": mark("scope 1 and 2")}
SIGNALS = {"average": mark("average"), "marginal": mark("marginal")}
WIDGETS = "widgets"
"""Key in the seeds: prefix of the widgets' keys; otherwise the scenario's name."""


def draw(original: Scenario, seeds: dict[str, Any]) -> tuple[dict[str, Any], list[str], Any]:
    """Draw all widgets of a scenario.

    Args:
        original: the scenario without changes.
        seeds: initial values of the widgets by name, including ``WIDGETS``.

    Returns:
        Values by name that differ from the scenario's, the overrides, and the place of the goal's caps.
    """
    values: dict[str, Any] = {}
    overrides: list[str] = []
    _when(original, seeds, values, overrides)
    place = _goal(original, seeds, values, overrides)
    _market(original, seeds, values, overrides)
    _site(original, seeds, values, overrides)
    if original.orders:
        _casts(original, seeds, values, overrides)
    if original.stores:
        _stores(original, seeds, values, overrides)
    _search(original, seeds, values, overrides)
    return values, overrides, place


def show_caps(place: Any, scenario: Scenario) -> None:
    """Say below the goal what else a plan must keep."""
    clauses = [say(cap) for cap in caps(scenario.goal, scenario.market.currency)]
    if clauses:
        place.caption(wording.sentence(numbers.clauses(clauses)))


def _of(original: Scenario, seeds: dict[str, Any]) -> str:
    return str(seeds.get(WIDGETS, original.name))


def _number(
    label: str, key: str, original: Scenario, seeds: dict[str, Any], values: dict[str, Any], value: float, **limits: Any
) -> float:
    """A number input that starts with the scenario's value and is recorded if it differs."""
    first = float(seeds.get(key, value))
    limits = {"format": "%g", **limits}
    answer = float(st.number_input(label, value=first, key=f"{_of(original, seeds)}.{key}", **limits))
    if answer != value:
        values[key] = answer
    return answer


def _when(original: Scenario, seeds: dict[str, Any], values: dict[str, Any], overrides: list[str]) -> None:
    start = original.horizon.instant(0).date()
    first = date.fromisoformat(seeds.get("start", start.isoformat()))
    answer = st.date_input(
        tr("First day"),
        first,
        key=f"{_of(original, seeds)}.start",
        min_value=date(2000, 1, 1),
        max_value=date(2099, 12, 31),
    )
    if answer != start:
        values["start"] = answer.isoformat()
        overrides.append(f"horizon.start={answer.isoformat()}")


def _goal(original: Scenario, seeds: dict[str, Any], values: dict[str, Any], overrides: list[str]) -> Any:
    goals = [name for name in GOALS if name in in_use(original)]
    first = seeds.get("goal", original.goal.minimize)
    answer = st.selectbox(
        tr("Goal"),
        goals,
        index=goals.index(first),
        format_func=lambda g: tr(GOALS[g]),
        key=f"{_of(original, seeds)}.goal",
    )
    if answer != original.goal.minimize:
        values["goal"] = answer
        overrides.append(f"goal.minimize={answer}")
    place = st.empty()
    if original.market.marginal_carbon_intensity_kg_per_mwh is None:
        return place
    signals = list(SIGNALS)
    first = seeds.get("signal", original.goal.signal)
    answer = st.segmented_control(
        tr("Grid intensity that counts"),
        signals,
        default=first,
        required=True,
        format_func=lambda signal: tr(SIGNALS[signal]),
        key=f"{_of(original, seeds)}.signal",
        help=tr("Average or marginal intensity. Shifting by one may raise the other: the plan shows both."),
    )
    if answer and answer != original.goal.signal:
        values["signal"] = answer
        overrides.append(f"goal.signal={answer}")
    return place


def _market(original: Scenario, seeds: dict[str, Any], values: dict[str, Any], overrides: list[str]) -> None:
    market = original.market
    money = market.currency
    # tariff charges are not series: only spot and export prices can be scaled
    priced = {"price_per_mwh": market.price_per_mwh} if market.has_spot else {}
    if market.export_price_per_mwh is not None:
        priced["export_price_per_mwh"] = market.export_price_per_mwh
    first, second = st.columns(2)
    level = 100.0
    if priced:
        with first:
            level = _number(
                tr("Price level [%]"), "price_level", original, seeds, values, level, min_value=0.0, max_value=1000.0,
                step=10.0, help=tr("Factor on spot and export price; tariff charges stay unchanged."),
            )  # fmt: skip
    with second if priced else first:
        price = _number(
            tr("Carbon [{unit}]", unit=f"{money}/t"), "carbon_price", original, seeds, values,
            market.carbon_price.per_t, min_value=0.0, max_value=10_000.0, step=10.0,
        )  # fmt: skip
    if level != 100:
        for name, series in priced.items():
            overrides.append(f"market.{name}.scale={series.scale * level / 100:g}")
    if price != market.carbon_price.per_t:
        overrides.append(f"market.carbon_price.per_t={price:g}")
    answer = st.segmented_control(
        tr("Carbon price is paid on"),
        list(COVERS),
        default=seeds.get("covers", market.carbon_price.covers),
        required=True,
        format_func=lambda c: tr(COVERS[c]),
        key=f"{_of(original, seeds)}.covers",
        help=tr(
            "Emission trading covers the plant's own emissions (scope 1); for scope 2, the grid's emissions, the "
            "price is a shadow price."
        ),
    )
    if answer and answer != market.carbon_price.covers:
        values["covers"] = answer
        if market.carbon_price.scheme is not None:
            # the scheme decides what is covered, so another coverage drops it
            overrides.append("market.carbon_price.scheme=null")
        overrides.append(f"market.carbon_price.covers={answer}")


def _site(original: Scenario, seeds: dict[str, Any], values: dict[str, Any], overrides: list[str]) -> None:
    pv, battery = original.site.pv, original.site.battery
    had = pv.peak_mw if pv else 0.0
    peak = _number(tr("PV peak [MW]"), "pv_mw", original, seeds, values, had, min_value=0.0, max_value=5000.0, step=1.0)
    if peak != had and pv is not None:
        overrides.append(f"site.pv.peak_mw={peak:g}")
    elif peak != had:
        overrides.append(f"site.pv={json.dumps({'peak_mw': peak, 'capacity_factor': PV_OF_ITS_OWN})}")
    first, second = st.columns(2)
    energy_had, power_had = (battery.energy_mwh, battery.power_mw) if battery else (0.0, 0.0)
    limits = {"min_value": 0.0, "max_value": 5000.0, "step": 1.0}
    with first:
        energy = _number(tr("Battery [MWh]"), "battery_mwh", original, seeds, values, energy_had, **limits)
    with second:
        power = _number(tr("Battery [MW]"), "battery_mw", original, seeds, values, power_had, **limits)
    if (energy, power) == (energy_had, power_had):
        return
    if battery is not None:
        overrides.extend([f"site.battery.energy_mwh={energy:g}", f"site.battery.power_mw={power:g}"])
    elif energy and power:
        overrides.append(f"site.battery={json.dumps({'energy_mwh': energy, 'power_mw': power})}")


def _casts(original: Scenario, seeds: dict[str, Any], values: dict[str, Any], overrides: list[str]) -> None:
    table = casts(original)
    before = table["heats"].tolist()
    earlier = seeds.get("heats")
    if isinstance(earlier, list) and len(earlier) == len(before):
        table["heats"] = earlier
    heats, mass = st.empty(), {grade.name: grade.mass_t for grade in original.line.grades}
    with st.expander(tr("Casts and heats")):
        st.caption(tr("Change the number of heats per cast and grade; 0 removes them."))
        edited = st.data_editor(
            table,
            key=f"{_of(original, seeds)}.heats",
            hide_index=True,
            disabled=["cast", "grade"],
            column_config={
                "cast": tr("cast"),
                "grade": tr("grade"),
                "heats": st.column_config.NumberColumn(tr("heats"), min_value=0, max_value=100, step=1, required=True),
            },
        )
    counts = [int(count) for count in edited["heats"].fillna(0)]
    tonnes = sum(count * mass[grade] for count, grade in zip(counts, edited["grade"], strict=True))
    heats.text(
        trn("{count} heat, {tonnes} t", "{count} heats, {tonnes} t", sum(counts), tonnes=wording.number(tonnes, 0))
    )
    if counts != before:
        values["heats"] = counts
        overrides.append(orders_override(original, counts))


def _level(label: str) -> Any:
    return st.column_config.NumberColumn(label, min_value=0.0, step=0.1, format="%g", required=True)


def _stores(original: Scenario, seeds: dict[str, Any], values: dict[str, Any], overrides: list[str]) -> None:
    table = levels(original)
    before = table[[NOW, END]].to_numpy().tolist()
    earlier = seeds.get("stores")
    if isinstance(earlier, list) and len(earlier) == len(before):
        table[[NOW, END]] = earlier
    with st.expander(tr("Levels of stores")):
        st.caption(tr("Present level, and minimum level at the end."))
        edited = st.data_editor(
            table,
            key=f"{_of(original, seeds)}.stores",
            hide_index=True,
            disabled=["store"],
            column_config={"store": tr("store"), NOW: _level(tr("now [t]")), END: _level(tr("at the end [t]"))},
        )
    amounts = edited[[NOW, END]].astype(float).fillna(table[[NOW, END]])
    if amounts.to_numpy().tolist() != before:
        values["stores"] = amounts.to_numpy().tolist()
        overrides.append(stores_override(original, edited.assign(**{NOW: amounts[NOW], END: amounts[END]})))


def _search(original: Scenario, seeds: dict[str, Any], values: dict[str, Any], overrides: list[str]) -> None:
    goal = original.goal
    with st.expander(tr("Caps and search")):
        cap_had = 100 * (goal.caps.extra_cost_share or 0.0)
        cap = _number(
            tr("Cost above the baseline, at most [%]"), "extra_cost", original, seeds, values, cap_had,
            min_value=0.0, max_value=100.0, step=1.0,
            help=tr("A plan of least carbon may cost this much more."),
        )  # fmt: skip
        gap = _number(
            tr("Stop at a gap of [%]"), "gap", original, seeds, values, 100 * goal.gap,
            min_value=0.0, max_value=100.0, step=0.1,
            help=tr("Allowed distance from the best possible plan. Fixed emissions and costs are left out."),
        )  # fmt: skip
        limit = _number(
            tr("Stop the search after [s]"), "time_limit", original, seeds, values, goal.time_limit_s,
            min_value=1.0, max_value=3600.0, step=10.0,
        )  # fmt: skip
    if cap != cap_had:
        overrides.append(f"goal.caps.extra_cost_share={cap / 100:g}")
    if gap != 100 * goal.gap:
        overrides.append(f"goal.gap={gap / 100:g}")
    if limit != goal.time_limit_s:
        overrides.append(f"goal.time_limit_s={limit:g}")
