"""The widgets of what is asked, by group, and the overrides of the scenario that they stand for."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import streamlit as st

from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import in_use
from emberline.ui.pages.request.amounts import END, NOW, casts, levels, orders_override, stores_override
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.metrics import GOALS

PV_OF_ITS_OWN = {"table": "pv_typical", "column": "capacity_factor"}
"""What a PV plant gives where the scenario has none."""
COVERS = {"direct": mark("scope 1 only"), "all": mark("scope 1 and 2")}
SIGNALS = {"average": mark("average"), "marginal": mark("marginal")}
WIDGETS = "widgets"
"""Among the seeds: what the keys of the widgets begin with; else the scenario's name."""


def draw(original: Scenario, seeds: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Draw all widgets that a scenario has.

    Args:
        original: the scenario as it is kept.
        seeds: what the widgets show at first, by name; ``WIDGETS`` among them.

    Returns:
        The values that differ from the scenario's, by name, and the overrides.
    """
    said: dict[str, Any] = {}
    overrides: list[str] = []
    _when(original, seeds, said, overrides)
    _goal(original, seeds, said, overrides)
    _market(original, seeds, said, overrides)
    _site(original, seeds, said, overrides)
    if original.orders:
        _casts(original, seeds, said, overrides)
    if original.stores:
        _stores(original, seeds, said, overrides)
    _search(original, seeds, said, overrides)
    return said, overrides


def _of(original: Scenario, seeds: dict[str, Any]) -> str:
    return str(seeds.get(WIDGETS, original.name))


def _number(
    label: str, key: str, original: Scenario, seeds: dict[str, Any], said: dict[str, Any], value: float, **limits: Any
) -> float:
    """A number input that starts with the scenario's value and is noted where it differs."""
    shown = float(seeds.get(key, value))
    limits = {"format": "%g", **limits}
    found = float(st.number_input(label, value=shown, key=f"{_of(original, seeds)}.{key}", **limits))
    if found != value:
        said[key] = found
    return found


def _when(original: Scenario, seeds: dict[str, Any], said: dict[str, Any], overrides: list[str]) -> None:
    start = original.horizon.instant(0).date()
    shown = date.fromisoformat(seeds.get("start", start.isoformat()))
    found = st.date_input(
        tr("First day"),
        shown,
        key=f"{_of(original, seeds)}.start",
        min_value=date(2000, 1, 1),
        max_value=date(2099, 12, 31),
    )
    if found != start:
        said["start"] = found.isoformat()
        overrides.append(f"horizon.start={found.isoformat()}")


def _goal(original: Scenario, seeds: dict[str, Any], said: dict[str, Any], overrides: list[str]) -> None:
    goals = [name for name in GOALS if name in in_use(original)]
    shown = seeds.get("goal", original.goal.minimize)
    found = st.selectbox(
        tr("Goal"),
        goals,
        index=goals.index(shown),
        format_func=lambda g: tr(GOALS[g]),
        key=f"{_of(original, seeds)}.goal",
    )
    if found != original.goal.minimize:
        said["goal"] = found
        overrides.append(f"goal.minimize={found}")
    if original.market.marginal_carbon_intensity_kg_per_mwh is None:
        return
    signals = list(SIGNALS)
    shown = seeds.get("signal", original.goal.signal)
    found = st.segmented_control(
        tr("Grid intensity that counts"),
        signals,
        default=shown,
        required=True,
        format_func=lambda signal: tr(SIGNALS[signal]),
        key=f"{_of(original, seeds)}.signal",
        help=tr("Average or marginal intensity. Shifting by one may raise the other: the plan shows both."),
    )
    if found and found != original.goal.signal:
        said["signal"] = found
        overrides.append(f"goal.signal={found}")


def _market(original: Scenario, seeds: dict[str, Any], said: dict[str, Any], overrides: list[str]) -> None:
    market = original.market
    money = market.currency
    # a tariff's charges are no series: only what has a spot or an export price can be scaled
    priced = {"price_per_mwh": market.price_per_mwh} if market.has_spot else {}
    if market.export_price_per_mwh is not None:
        priced["export_price_per_mwh"] = market.export_price_per_mwh
    left, right = st.columns(2)
    level = 100.0
    if priced:
        with left:
            level = _number(
                tr("Price level [%]"), "price_level", original, seeds, said, level, min_value=0.0, max_value=1000.0,
                step=10.0, help=tr("Factor on spot and export price; a tariff's charges stay."),
            )  # fmt: skip
    with right if priced else left:
        price = _number(
            tr("Carbon [{unit}]", unit=f"{money}/t"), "carbon_price", original, seeds, said, market.carbon_price.per_t,
            min_value=0.0, max_value=10_000.0, step=10.0,
        )  # fmt: skip
    if level != 100:
        for name, series in priced.items():
            overrides.append(f"market.{name}.scale={series.scale * level / 100:g}")
    if price != market.carbon_price.per_t:
        overrides.append(f"market.carbon_price.per_t={price:g}")
    found = st.segmented_control(
        tr("Carbon price is paid on"),
        list(COVERS),
        default=seeds.get("covers", market.carbon_price.covers),
        required=True,
        format_func=lambda c: tr(COVERS[c]),
        key=f"{_of(original, seeds)}.covers",
        help=tr(
            "Emission trading covers what the plant itself emits (scope 1); on scope 2, the grid's emissions, it is a "
            "shadow price."
        ),
    )
    if found and found != market.carbon_price.covers:
        said["covers"] = found
        if market.carbon_price.scheme is not None:
            # the scheme says what is covered: who asks for something else leaves it
            overrides.append("market.carbon_price.scheme=null")
        overrides.append(f"market.carbon_price.covers={found}")


def _site(original: Scenario, seeds: dict[str, Any], said: dict[str, Any], overrides: list[str]) -> None:
    pv, battery = original.site.pv, original.site.battery
    had = pv.peak_mw if pv else 0.0
    peak = _number(tr("PV peak [MW]"), "pv_mw", original, seeds, said, had, min_value=0.0, max_value=5000.0, step=1.0)
    if peak != had and pv is not None:
        overrides.append(f"site.pv.peak_mw={peak:g}")
    elif peak != had:
        overrides.append(f"site.pv={json.dumps({'peak_mw': peak, 'capacity_factor': PV_OF_ITS_OWN})}")
    left, right = st.columns(2)
    energy_had, power_had = (battery.energy_mwh, battery.power_mw) if battery else (0.0, 0.0)
    limits = {"min_value": 0.0, "max_value": 5000.0, "step": 1.0}
    with left:
        energy = _number(tr("Battery [MWh]"), "battery_mwh", original, seeds, said, energy_had, **limits)
    with right:
        power = _number(tr("Battery [MW]"), "battery_mw", original, seeds, said, power_had, **limits)
    if (energy, power) == (energy_had, power_had):
        return
    if battery is not None:
        overrides.extend([f"site.battery.energy_mwh={energy:g}", f"site.battery.power_mw={power:g}"])
    elif energy and power:
        overrides.append(f"site.battery={json.dumps({'energy_mwh': energy, 'power_mw': power})}")


def _casts(original: Scenario, seeds: dict[str, Any], said: dict[str, Any], overrides: list[str]) -> None:
    table = casts(original)
    before = table["heats"].tolist()
    kept = seeds.get("heats")
    if isinstance(kept, list) and len(kept) == len(before):
        table["heats"] = kept
    heats, mass = st.empty(), {grade.name: grade.mass_t for grade in original.line.grades}
    with st.expander(tr("Casts and heats")):
        st.caption(tr("Change how many heats of a grade a cast has; 0 leaves them out."))
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
        said["heats"] = counts
        overrides.append(orders_override(original, counts))


def _level(label: str) -> Any:
    return st.column_config.NumberColumn(label, min_value=0.0, step=0.1, format="%g", required=True)


def _stores(original: Scenario, seeds: dict[str, Any], said: dict[str, Any], overrides: list[str]) -> None:
    table = levels(original)
    before = table[[NOW, END]].to_numpy().tolist()
    kept = seeds.get("stores")
    if isinstance(kept, list) and len(kept) == len(before):
        table[[NOW, END]] = kept
    with st.expander(tr("Levels of stores")):
        st.caption(tr("What there is now, and what must be left at the end, at least."))
        edited = st.data_editor(
            table,
            key=f"{_of(original, seeds)}.stores",
            hide_index=True,
            disabled=["store"],
            column_config={"store": tr("store"), NOW: _level(tr("now [t]")), END: _level(tr("at the end [t]"))},
        )
    found = edited[[NOW, END]].astype(float).fillna(table[[NOW, END]])
    if found.to_numpy().tolist() != before:
        said["stores"] = found.to_numpy().tolist()
        overrides.append(stores_override(original, edited.assign(**{NOW: found[NOW], END: found[END]})))


def _search(original: Scenario, seeds: dict[str, Any], said: dict[str, Any], overrides: list[str]) -> None:
    goal = original.goal
    with st.expander(tr("Caps and search")):
        cap_had = 100 * (goal.caps.extra_cost_share or 0.0)
        cap = _number(
            tr("Cost above the baseline's, at most [%]"), "extra_cost", original, seeds, said, cap_had,
            min_value=0.0, max_value=100.0, step=1.0,
            help=tr("A plan for least carbon may cost this much more."),
        )  # fmt: skip
        gap = _number(
            tr("Stop at a gap of [%]"), "gap", original, seeds, said, 100 * goal.gap,
            min_value=0.0, max_value=100.0, step=0.1,
            help=tr("How far from the best possible the plan may be, on what can be decided."),
        )  # fmt: skip
        limit = _number(
            tr("Stop the search after [s]"), "time_limit", original, seeds, said, goal.time_limit_s,
            min_value=1.0, max_value=3600.0, step=10.0,
        )  # fmt: skip
    if cap != cap_had:
        overrides.append(f"goal.caps.extra_cost_share={cap / 100:g}")
    if gap != 100 * goal.gap:
        overrides.append(f"goal.gap={gap / 100:g}")
    if limit != goal.time_limit_s:
        overrides.append(f"goal.time_limit_s={limit:g}")
