"""A stored plan on the page: verdict, figures against the foreman, charts, heats, disturbed days, downloads."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import altair as alt
import pandas as pd
import streamlit as st

from plans.bill import Bill
from plans.exports import export
from plans.ledger import Ledger
from plans.plan import Plan
from plans.store import Store, StoredRun, StoreError
from scenarios.assets import ELECTRICITY
from ui import charts, panels, wording
from ui.pages import accounts, heats, products, repairing, units
from ui.view import View, weeks
from ui.wording import filled

FILES = {
    "xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "csv": ("CSV", "text/csv"),
    "json": ("JSON", "application/json"),
}
CARDS = {
    "carbon": "Carbon",
    "cost": "Cost",
    "peak, metered mean": "Peak",
    "electricity imported": "Import",
    "steel": "Steel",
    "delivered": "Delivered",
}
MOST_STORES = 8
"""Stores that are drawn unless others are chosen."""


@st.cache_resource(max_entries=16, show_spinner=False)
def opened(run: str) -> StoredRun:
    """A stored run; it never changes, hence shared."""
    return Store().open(run)


@st.cache_resource(max_entries=16, show_spinner=False)
def accounted(run: str) -> tuple[tuple[Bill, Bill], tuple[Ledger, Ledger]]:
    """Bills and ledgers of a stored run, the plan's and the foreman's each."""
    made = opened(run).plan
    return accounts.bills(made), accounts.ledgers(made)


def show(run: str) -> None:
    """Draw a stored run."""
    try:
        stored = opened(run)
    except StoreError as error:
        st.warning(str(error))
        return
    made = stored.plan
    _verdict(made, run)
    if made.status == "infeasible" and not made.found:
        repairing.ask(run)
    _figures(made)
    if made.replay is None:
        return
    bills, ledgers = accounted(run)
    parts: dict[str, Callable[[], None]] = {
        "Schedule": lambda: _schedule(made, run, ledgers[0]),
        "Heats": lambda: heats.edit(made, run),
        "Units": lambda: units.show_runs(made),
        "Stores and deliveries": lambda: units.show_stores(made, ledgers[0]),
        "Products": lambda: products.show_products(made, ledgers),
        "Bill": lambda: accounts.show_bill(made, bills),
        "Carbon ledger": lambda: accounts.show_ledger(made, ledgers),
        "All figures": lambda: _all_figures(made),
        "Disturbed replays": lambda: _days(made),
    }
    asked = made.scenario
    wanted = {"Heats": asked.heats, "Units": asked.processes}
    wanted |= dict.fromkeys(("Stores and deliveries", "Products"), asked.stores)  # what moves has a store
    parts = {name: draw for name, draw in parts.items() if wanted.get(name, True)}
    for tab, draw in zip(st.tabs(list(parts)), parts.values(), strict=True):
        with tab:
            draw()
    _downloads(stored)


def _verdict(made: Plan, run: str) -> None:
    st.subheader(f"Plan {run[:8]}", anchor=False)
    st.text(f"{made.scenario.title or made.scenario.name}, {wording.span(made.scenario.horizon)}")
    lines = [f"Goal: {wording.goal(made.scenario.goal)}", f"Status: {wording.status(made)}"]
    lines += [f"✕ {wording.violation(found, made.scenario.horizon)}" for found in made.violations[:12]]
    if len(made.violations) > 12:
        lines.append(f"and {len(made.violations) - 12} more")
    if not made.found:
        what = "an end level, a due time" if made.scenario.processes else "a lock, a due time"
        lines.append(f"Loosen what cannot be kept ({what}, a limit, a cap) or allow more time; plan again.")
    lines += [f"Filled: {line}" for line in filled(made.scenario)]
    says = wording.foreman(made)
    if says:
        lines.append(f"{says[0].upper()}{says[1:]}.")
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{'✓' if made.acceptable else '✕'}  {made.verdict}")
        st.text("\n".join(lines))


def _figures(made: Plan) -> None:
    rows = list(wording.rows(made.baseline_figures, made.replay_figures))
    cards = [row for row in rows if row.label in CARDS]
    with st.container(horizontal=True, key="cards"):
        for row in cards:
            _card(row)
    if made.replay is None:
        return
    lines = wording.luck(made)
    days = (
        f" In {made.replays.n} disturbed days, on the same luck: {'; '.join(lines)}." if made.replays and lines else ""
    )
    st.caption(f"Against {wording.compared(made.scenario)}.{days}")
    told = dict(wording.made(made))
    said = [f"{name[0].upper()}{name[1:]}: {told[name]}." for name in ("saved", "stock") if name in told]
    if said:
        st.text("\n".join(said))


def _card(row: wording.Row) -> None:
    label = f"{CARDS[row.label]} [{row.unit}]"
    if row.plan is None:
        st.metric(label, row.number(row.foreman), "foreman", delta_color="off", delta_arrow="off", border=True)
        return
    if row.saved is None:
        st.metric(label, row.number(row.plan), "not comparable", delta_color="off", delta_arrow="off", border=True)
        return
    saved = row.saved
    same = not any(digit in "123456789" for digit in row.number(saved))
    # the card knows which way it went by a plain minus in front
    delta = f"{'-' if saved > 0 else '+'}{row.number(abs(saved))} ({wording.percent(abs(row.share or 0.0), 1)})"
    st.metric(
        label,
        row.number(row.plan),
        "as the foreman" if same else delta,
        delta_color="off" if same or not row.less_is_better else "inverse",
        delta_arrow="off" if same else "auto",
        border=True,
    )


def _all_figures(made: Plan) -> None:
    rows = list(wording.rows(made.baseline_figures, made.replay_figures))
    st.table(
        pd.DataFrame(
            {
                "figure": [row.label.replace("  ", "\u00a0\u00a0\u00a0") for row in rows],
                "unit": [row.unit for row in rows],
                "foreman": [row.number(row.foreman) for row in rows],
                "plan": [row.number(row.plan) for row in rows],
                "saved": [row.number(row.saved) if row.less_is_better else "–" for row in rows],
                "saved %": [wording.percent(row.share, 1) if row.less_is_better else "–" for row in rows],
            }
        ).set_index("figure")
    )
    st.text(f"Status: {wording.status(made)}")


@st.fragment
def _schedule(made: Plan, run: str, book: Ledger) -> None:
    """Charts and what is picked in them; a click draws this part alone."""
    assert made.replay is not None
    scenario = made.scenario
    shown = _chosen(made)
    # a click on a heat tells of it; the line of a site alone has none
    picked = alt.selection_point(heats.PICKED, fields=["heat"]) if scenario.heats else None
    if picked is not None:
        heat = heats.pick(made, run)
        if heat is not None:
            heats.show(made, run, book, heat)
    drawn = charts.timeline(made, shown.foreman, shown.view, shown.carriers, shown.stores, picked)
    select: Any = {} if picked is None else {"on_select": "rerun", "selection_mode": heats.PICKED}
    with st.container(key="timeline"):
        st.altair_chart(drawn, width="stretch", key=heats.chart_key(run), **select)
    marks = ["above nought who gives, below it who takes beside the dark line, which must be met"]
    if scenario.processes:
        marks.insert(0, "pale bars: starting up, changing over or waiting")
        marks.append("stores are drawn as high as they hold, dotted: the level wanted at the end")
        if any(delivery.amount_t is not None for delivery in scenario.deliveries):
            marks.append("bars above the deliveries: from release to due of an order")
    if shown.foreman:
        marks.append("dashes: the foreman (of electricity: his grid import)")
    if scenario.site.grid.import_limit_mw is not None:
        marks.append("red dashes: contracted import")
    if scenario.market.marginal_carbon_intensity_kg_per_mwh is not None:
        marks.append("intensity: average full, marginal dashed")
    if shown.view.says:
        marks.append(f"{shown.view.says}; a blue line: the highest step of the import, shaded: where levels were")
    says = "; ".join(marks)
    moves = "On the upper chart: Shift and wheel to zoom, drag to move, double click to go back."
    st.caption(f"{says[0].upper()}{says[1:]}. {moves}")


@dataclass(frozen=True)
class Shown:
    """What of a plan the charts show."""

    foreman: bool
    view: View
    carriers: list[str]
    """Beside electricity."""
    stores: list[str]


def _chosen(made: Plan) -> Shown:
    """What the user wants to see of a plan: as long as nobody chooses, what is not too tall for a screen."""
    assert made.replay is not None
    scenario, views = made.scenario, weeks(made.scenario.horizon)
    carriers = [carrier.name for carrier in scenario.site.carriers if carrier.name != ELECTRICITY]
    stores = list(scenario.store)
    chosen, part, which = st.columns([3, 2, 3], vertical_alignment="bottom")
    foreman = chosen.toggle("Show the foreman (thin)", value=True, key="foreman")
    name = next(iter(views))
    if len(views) > 1:
        name = part.selectbox("Part of the horizon", list(views), key="part")
    if carriers:
        found = panels.balances(scenario, made.replay)
        fuels = panels.bought_only(scenario, made.replay)
        drawn = [name for name in carriers if name not in fuels]
        if scenario.processes:
            drawn = [name for name in drawn if found[name].need is not None]
        carriers = which.multiselect("Carriers beside electricity", carriers, default=drawn, key="carriers")
    if stores:
        stores = st.multiselect("Stores", stores, default=stores[:MOST_STORES], key="stores")
    return Shown(foreman, views[name], carriers, stores)


def _days(made: Plan) -> None:
    if made.replays is None or not made.replays.n:
        st.text("No disturbed replays were asked for: set disturbances.replications in the scenario.")
        return
    held, n = made.replays.held, made.replays.n
    luck = "rates and deliveries" if made.scenario.processes else "times"
    st.text(f"The plan held without any violation in {held} of {n} disturbed replays (spread of {luck}, breakdowns).")
    currency = made.scenario.market.currency
    names = {
        "carbon_kg": ("carbon", "t CO2e", 1e-3, 2),
        "cost": ("cost", currency, 1.0, 0),
        "peak_mw": ("peak, metered mean", "MW", 1.0, 1),
        "late_heats": ("late heats", "heats", 1.0, 1),
        "missed_deliveries": ("deliveries missed", "deliveries", 1.0, 1),
        "saved_carbon_kg": ("carbon saved against the foreman on the same luck", "t CO2e", 1e-3, 2),
        "saved_cost": ("cost saved against the foreman on the same luck", currency, 1.0, 0),
    }
    found = made.replays.quantiles()
    rows = []
    del names["late_heats" if made.scenario.processes else "missed_deliveries"]
    for name, (label, unit, factor, digits) in names.items():
        if name not in found:  # a run of an earlier release tells less
            continue
        values = [wording.number(found[name][q] * factor, digits) for q in ("p10", "p50", "p90")]
        rows.append([label, unit, *values])
    st.table(pd.DataFrame(rows, columns=["figure", "unit", "P10", "median", "P90"]).set_index("figure"))


def _downloads(stored: StoredRun) -> None:
    st.markdown("**Take it along**")
    name = f"emberline-{stored.plan.scenario.name}-{stored.id[:8]}"
    for column, (kind, (label, mime)) in zip(st.columns(4), FILES.items(), strict=False):
        column.download_button(
            label, _file(stored, kind), f"{name}.{kind}", mime, on_click="ignore", width="stretch", key=f"file.{kind}"
        )
    st.caption(f"Run {stored.id}; its address reopens it.")


def _file(stored: StoredRun, kind: str) -> Callable[[], bytes]:
    """Makes the file when it is asked for."""

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return export(stored, kind, Path(folder) / f"plan.{kind}").read_bytes()

    return make
