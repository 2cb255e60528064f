"""The user's request: the widgets at the side, and the corresponding overrides of the scenario.

Everything is kept in the session, so that users never see each other's inputs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.plan import replan
from emberline.reports.text import mark, numbers, say, tr, trn, wording
from emberline.runs.store import snapshots
from emberline.scenarios import Case, Scenario, ScenarioError
from emberline.scenarios.goal_metrics import GOALS, caps, in_use, no_worse
from emberline.scenarios.records.goal import net_of
from emberline.ui.pages.request import sources
from emberline.ui.pages.request.sources import ScenarioSource, choose, follow, look
from emberline.ui.pages.result import repairs
from emberline.ui.pages.session import job_progress, navigation, session


@dataclass(frozen=True)
class Request:
    """A scenario with the user's changes, and their mistakes."""

    name: str
    """Argument of ``look`` and ``queue.start``: a bundled scenario's name, or the file of an immutable text."""
    overrides: tuple[str, ...] = ()
    inputs: tuple[tuple[str, Any], ...] = ()
    """Widget values that differ from the scenario's, stored with the request to restore them."""
    scenario: Case | None = None
    problems: tuple[str, ...] = ()
    source: ScenarioSource | None = None

    @property
    def note(self) -> dict[str, Any]:
        """Data stored with a job to restore the inputs when the page is reloaded."""
        content: dict[str, Any] = {"scenario": self.name, "inputs": dict(self.inputs)}
        if self.source is not None and self.source.version:
            name = "" if self.scenario is None else self.scenario.name
            content |= {"scenario": self.source.key, "snapshot": Path(self.name).parent.name, "called": name}
        return content


def start(request: Request) -> str:
    """Start the worker that makes the plan; returns the id of the run.

    Raises:
        RuntimeError: too many jobs are waiting.
    """
    options = repairs.options_of(dict(request.inputs).get(repairs.KEY, []))
    return job_progress.start(request.name, request.overrides, note=request.note, options=options)


def ask(page: str, otherwise: dict[str, Any] | None = None) -> Request:
    """Draw the widgets and collect their values: those of the run in the address until they are changed.

    Args:
        page: the page that draws them.
        otherwise: note of a request whose values are shown where no run is open.
    """
    seed = follow(session.run()) or otherwise or {}
    source = choose(seed)
    try:
        original = look(source.path)
        # a plan uses the text as it is now, whatever happens to the draft
        name = _snapshot(source)
    except ScenarioError as error:
        if source.draft is not None and st.button(tr("Correct it on the page Scenario"), width="stretch"):
            navigation.go("scenario")
        return Request(source.path, problems=tuple(map(str, error.problems)), source=source)
    changed, seeds = st.container(), _seeds(source, seed, page)
    inputs = Inputs(original, sources.prefix(source), sources.place(source.key), seeds)
    caps = draw(inputs)
    sources.mark_changes(source, inputs.values)
    with changed:
        sources.draw_tools(source, inputs.values, inputs.overrides)
    values, overrides = dict(inputs.values), inputs.overrides
    locks = repairs.applied_locks(source.key, original, seeds)
    if locks is not None:
        values[repairs.LOCKS] = locks
        overrides.append(replan.override(original, locks))
    applied = repairs.applied(source.key, seeds)
    if applied:
        values[repairs.KEY] = applied
        overrides.extend(applied)
    st.session_state[sources.place(source.key)] = values
    request = Request(name, tuple(overrides), tuple(values.items()), source=source)
    try:
        scenario = look(name, request.overrides)
    except ScenarioError as error:
        return replace(request, problems=tuple(map(str, error.problems)))
    show_caps(caps, scenario)
    return replace(request, scenario=scenario)


def show_problems(request: Request) -> None:
    """Draw the mistakes of a request."""
    if request.problems:
        with st.container(border=True):
            st.text(tr("This cannot be planned yet. Change these inputs at the side:"))
            for line in request.problems:
                st.text(f"✕ {line}")


def _snapshot(source: ScenarioSource) -> str:
    if source.draft is None:
        return source.path
    path = snapshots.find(snapshots.take(Path(source.path)))
    return source.path if path is None else str(path)


def _seeds(source: ScenarioSource, seed: dict[str, Any], page: str) -> dict[str, Any]:
    """Initial values of the widgets. Streamlit forgets them when the page is left, so they are restored."""
    place, page_key = f"{source.key}.seeds", f"{source.key}.page"
    if f"{sources.prefix(source)}.goal" not in st.session_state or st.session_state.get(page_key) != page:
        values = seed.get("inputs", {}) if seed.get("scenario") == source.key else {}
        # seconds that an earlier release asked for are effort
        of_run = {"effort" if name == "time_limit" else name: value for name, value in values.items()}
        st.session_state[place] = st.session_state.get(sources.place(source.key), of_run)
    st.session_state[page_key] = page
    return dict(st.session_state.get(place, {}))


def casts(original: Scenario) -> pd.DataFrame:
    """Orders as a table: a row per entry of equal heats."""
    rows = [
        {"cast": order.name, "grade": entry.grade, "heats": entry.count}
        for order in original.orders
        for entry in order.heats
    ]
    return pd.DataFrame(rows, columns=["cast", "grade", "heats"])


def orders_override(original: Scenario, counts: list[int]) -> str:
    """Override that sets the number of heats of each entry of :func:`casts`; entries without heats are removed."""
    numbers = iter(counts)
    orders = []
    for order in original.orders:
        plain = order.model_dump(mode="json", exclude_defaults=True)
        entries = [{**entry, "count": count} for entry in plain["heats"] if (count := next(numbers)) > 0]
        if entries:
            orders.append({**plain, "heats": entries})
    return f"orders={json.dumps(orders)}"


NOW, END = "now [t]", "at the end [t]"


def levels(original: Scenario) -> pd.DataFrame:
    """Stores as a table: level now, and minimum level at the end."""
    rows = [{"store": store.name, NOW: store.start_t, END: store.end_t} for store in original.stores]
    return pd.DataFrame(rows, columns=["store", NOW, END])


def stores_override(original: Scenario, amounts: list[list[float]]) -> str:
    """Override that sets the levels of stores: for each store of :func:`levels` now and at the end."""
    stores = []
    for store, (now, end) in zip(original.stores, amounts, strict=True):
        changes = {} if (now, end) == (store.start_t, store.end_t) else {"level_t": now, "end_level_t": end}
        stores.append({**store.model_dump(mode="json", exclude_defaults=True), **changes})
    return f"stores={json.dumps(stores)}"


PV_OF_ITS_OWN = {"table": "pv_typical", "column": "capacity_factor"}
"""Yield of a PV plant that the scenario does not have."""
DAYS = date(2000, 1, 1), date(2099, 12, 31)
"""The first and the last day to begin on."""
COVERS = {"direct": mark("scope 1 only"), "all": mark("scope 1 and 2")}
SIGNALS = {"average": mark("average"), "marginal": mark("marginal")}
OTHER_SIGNAL = {"no_worse": mark("no more than the baseline"), "off": mark("more is allowed")}


@dataclass(frozen=True)
class Inputs:
    """The widgets of a scenario's form: what they start with, and what the user changed."""

    original: Scenario
    """The scenario without changes."""
    prefix: str
    """Prefix of the widgets' keys."""
    place: str
    """In the session: values by name that the form begins with on the next page."""
    seeds: dict[str, Any]
    """Initial values by name, where they differ from the scenario's."""
    values: dict[str, Any] = field(default_factory=dict)
    """Values by name that differ from the scenario's."""
    overrides: list[str] = field(default_factory=list)

    def widget(self, name: str, read: Callable[[Any], Any] | None = None) -> dict[str, Any]:
        """Arguments of a widget: its key, and a callback that notes what was entered, since a page that is left at once
        is not drawn with it any more.

        Args:
            name: of the value.
            read: the value to note, from the widget's; None: the widget's.
        """
        key = f"{self.prefix}.{name}"
        return {"key": key, "on_change": _note, "args": (self.place, name, key, read)}

    def number(
        self,
        label: str,
        name: str,
        value: float,
        most: float,
        step: float,
        key: str = "",
        *,
        parts: float = 1.0,
        least: float = 0.0,
        about: str | None = None,
    ) -> float:
        """A number input that starts with the scenario's value and is recorded if it differs.

        Args:
            label: of the input.
            name: of the value.
            value: the scenario's.
            most, step: of the input.
            key: of the override; empty: the caller writes it.
            parts: what is entered for one unit of the key, such as 100 for a share in percent.
            least: of the input.
            about: its help.
        """
        first = float(self.seeds.get(name, value))
        limits: dict[str, Any] = {"min_value": least, "max_value": most, "step": step, "help": about, "format": "%g"}
        answer = float(st.number_input(label, value=first, **limits, **self.widget(name)))
        if answer != value:
            self.values[name] = answer
            self.overrides.extend([f"{key}={answer / parts:g}"] if key else [])
        return answer

    def choice(self, label: str, name: str, words: dict[str, str], value: str, about: str, key: str = "") -> str:
        """A choice that starts with the scenario's value; the answer if it differs, which is recorded, else empty.

        Args:
            label: of the choice.
            name: of the value.
            words: of each option.
            value: the scenario's.
            about: its help.
            key: of the override; empty: the caller writes it.
        """
        answer = st.segmented_control(
            label, list(words), default=self.seeds.get(name, value), required=True,
            format_func=lambda one: tr(words[one]), help=about, **self.widget(name),
        )  # fmt: skip
        if not answer or answer == value:
            return ""
        self.values[name] = answer
        self.overrides.extend([f"{key}={answer}"] if key else [])
        return str(answer)

    def table(
        self,
        name: str,
        table: pd.DataFrame,
        read: Callable[[pd.DataFrame], Any],
        override: Callable[[Scenario, Any], str],
        **titles: Any,
    ) -> Any:
        """A table to edit that starts with the scenario's values and is recorded if it differs.

        Args:
            name: of the value.
            table: the table with the scenario's values.
            read: the value of a table.
            override: the override that sets a value in a scenario.
            titles: of its columns; those with a configuration are edited.

        Returns:
            Value of the edited table.
        """
        edits = [column for column, title in titles.items() if not isinstance(title, str)]
        before, earlier = read(table), self.seeds.get(name)
        if isinstance(earlier, list) and len(earlier) == len(before):
            table[edits] = pd.DataFrame(earlier, columns=edits)
        widget = self.widget(name, lambda state: read(_edited(table, state)))
        remaining = [column for column in titles if column not in edits]
        answer = read(st.data_editor(table, hide_index=True, disabled=remaining, column_config=titles, **widget))
        if answer != before:
            self.values[name] = answer
            self.overrides.append(override(self.original, answer))
        return answer


def _note(place: str, name: str, key: str, read: Callable[[Any], Any] | None) -> None:
    answer = st.session_state[key]
    st.session_state[place] = {**st.session_state.get(place, {}), name: answer if read is None else read(answer)}


def _edited(table: pd.DataFrame, state: dict[str, Any]) -> pd.DataFrame:
    """A table with the edits that its widget has in the session."""
    result = table.copy()
    for row, cells in state["edited_rows"].items():
        for column, cell in cells.items():
            result.loc[result.index[row], column] = cell
    return result


def draw(inputs: Inputs) -> Any:
    """Draw all widgets of a scenario; fills the values and overrides. Returns the place of the goal's caps."""
    _when(inputs)
    place = _goal(inputs)
    _market(inputs)
    _site(inputs)
    for producer in inputs.original.producers:
        AMOUNTS[producer.table](inputs)
    _search(inputs)
    return place


def show_caps(place: Any, scenario: Scenario) -> None:
    """Say below the goal what else a plan must keep."""
    clauses = [say(cap) for cap in caps(scenario.goal, scenario.market.currency)]
    if clauses:
        place.caption(wording.sentence(numbers.clauses(clauses)))


def _when(inputs: Inputs) -> None:
    start = inputs.original.horizon.instant(0).date()
    first = date.fromisoformat(inputs.seeds.get("start", start.isoformat()))
    answer = st.date_input(tr("First day"), first, *DAYS, **inputs.widget("start", date.isoformat))
    if answer != start:
        inputs.values["start"] = answer.isoformat()
        inputs.overrides.append(f"horizon.start={answer.isoformat()}")


def _goal(inputs: Inputs) -> Any:
    original = inputs.original
    choice = inputs.seeds.get("goal", original.goal.minimize)
    # a goal of an earlier release is shown, and refused in a line
    goals = [name for name in GOALS if name in (choice, original.goal.minimize, *in_use(original))]
    at, widget = goals.index(choice), inputs.widget("goal")
    answer = st.selectbox(tr("Goal"), goals, index=at, format_func=lambda g: tr(GOALS[g]), **widget)
    if answer != original.goal.minimize:
        inputs.values["goal"] = answer
        inputs.overrides.append(f"goal.minimize={answer}")
    place = st.empty()
    if original.market.marginal_carbon_intensity_kg_per_mwh is None:
        return place
    about = tr("Average or marginal intensity. Shifting by one may raise the other: the plan shows both.")
    label = tr("Grid intensity that counts")
    inputs.choice(label, "signal", SIGNALS, original.goal.signal, about, "goal.signal")
    return place


def _market(inputs: Inputs) -> None:
    market = inputs.original.market
    # tariff charges are not series: only spot and export prices can be scaled
    priced = {"price_per_mwh": market.price_per_mwh} if market.has_spot else {}
    if market.export_price_per_mwh is not None:
        priced["export_price_per_mwh"] = market.export_price_per_mwh
    first, second = st.columns(2)
    if priced:
        about = tr("Factor on spot and export price; tariff charges stay unchanged.")
        with first:
            level = inputs.number(tr("Price level [%]"), "price_level", 100.0, 1000.0, 10.0, about=about)
        for name, series in priced.items() if level != 100 else ():
            inputs.overrides.append(f"market.{name}.scale={series.scale * level / 100:g}")
    with second if priced else first:
        label, price = tr("Carbon [{unit}]", unit=f"{market.currency}/t"), market.carbon_price.per_t
        inputs.number(label, "carbon_price", price, 10_000.0, 10.0, "market.carbon_price.per_t")
    about = tr(
        "Emission trading covers the plant's own emissions (scope 1); for scope 2, the grid's emissions, the price is "
        "a shadow price."
    )
    covers = inputs.choice(tr("Carbon price is paid on"), "covers", COVERS, market.carbon_price.covers, about)
    if covers:
        if market.carbon_price.scheme is not None:
            # the scheme decides what is covered, so another coverage drops it
            inputs.overrides.append("market.carbon_price.scheme=null")
        inputs.overrides.append(f"market.carbon_price.covers={covers}")


def _site(inputs: Inputs) -> None:
    pv, battery = inputs.original.site.pv, inputs.original.site.battery
    had, key = (pv.peak_mw, "site.pv.peak_mw") if pv else (0.0, "")
    peak = inputs.number(tr("PV peak [MW]"), "pv_mw", had, 5000.0, 1.0, key)
    if peak != had and pv is None:
        inputs.overrides.append(f"site.pv={json.dumps({'peak_mw': peak, 'capacity_factor': PV_OF_ITS_OWN})}")
    first, second = st.columns(2)
    energy_had, power_had = (battery.energy_mwh, battery.power_mw) if battery else (0.0, 0.0)
    with first:
        energy = inputs.number(tr("Battery [MWh]"), "battery_mwh", energy_had, 5000.0, 1.0)
    with second:
        power = inputs.number(tr("Battery [MW]"), "battery_mw", power_had, 5000.0, 1.0)
    if (energy, power) == (energy_had, power_had):
        return
    if battery is not None:
        inputs.overrides.extend([f"site.battery.energy_mwh={energy:g}", f"site.battery.power_mw={power:g}"])
    elif energy and power:
        inputs.overrides.append(f"site.battery={json.dumps({'energy_mwh': energy, 'power_mw': power})}")


def _heats(inputs: Inputs) -> None:
    """Draw what a line is to make."""
    table = casts(inputs.original)
    heats, mass = st.empty(), {grade.name: grade.mass_t for grade in inputs.original.line.grades}
    with st.expander(tr("Casts and heats")):
        st.caption(tr("Change the number of heats per cast and grade; 0 removes them."))
        counts = inputs.table(
            "heats",
            table,
            lambda edited: [int(count) for count in edited["heats"].fillna(0)],
            orders_override,
            cast=tr("cast"),
            grade=tr("grade"),
            heats=st.column_config.NumberColumn(tr("heats"), min_value=0, max_value=100, step=1, required=True),
        )
    tonnes = sum(count * mass[grade] for count, grade in zip(counts, table["grade"], strict=True))
    heats.text(
        trn("{count} heat, {tonnes} t", "{count} heats, {tonnes} t", sum(counts), tonnes=wording.number(tonnes, 0))
    )


def _level(label: str) -> Any:
    return st.column_config.NumberColumn(label, min_value=0.0, step=0.1, format="%g", required=True)


def _stores(inputs: Inputs) -> None:
    """Draw what processes have in store."""
    if not inputs.original.stores:
        return
    table = levels(inputs.original)
    titles = {"store": tr("store"), NOW: _level(tr("now [t]")), END: _level(tr("at the end [t]"))}

    def read(edited: pd.DataFrame) -> list[list[float]]:
        amounts: list[list[float]] = edited[[NOW, END]].astype(float).fillna(table[[NOW, END]]).to_numpy().tolist()
        return amounts

    with st.expander(tr("Levels of stores")):
        st.caption(tr("Present level, and minimum level at the end."))
        inputs.table("stores", table, read, stores_override, **titles)


AMOUNTS: dict[str, Callable[[Inputs], None]] = {"heats": _heats, "runs": _stores}
"""What a producer is to make, or has in store, by its table."""


def _search(inputs: Inputs) -> None:
    goal, cap = inputs.original.goal, "goal.caps.extra_cost_share"
    with st.expander(tr("Caps and search")):
        label, about = tr("Cost above the baseline, at most [%]"), tr("A plan of least carbon may cost this much more.")
        share = 100 * (goal.caps.extra_cost_share or 0.0)
        inputs.number(label, "extra_cost", share, 100.0, 1.0, cap, parts=100, about=about)
        if inputs.original.market.marginal_carbon_intensity_kg_per_mwh is not None:
            now = "no_worse" if no_worse(inputs.original) else "off"
            about = tr("Whether a plan may emit more than the baseline by the intensity that does not count.")
            label, key = tr("By the other intensity"), "goal.caps.other_signal"
            inputs.choice(label, "other_signal", OTHER_SIGNAL, now, about, key)
        about = tr("Allowed distance from the best possible plan. Fixed emissions and costs are left out.")
        inputs.number(
            tr("Stop at a gap of [%]"), "gap", 100 * goal.gap, 100.0, 0.1, "goal.gap", parts=100, about=about
        )  # fmt: skip
        about = tr("A unit is about what an idle laptop does in a second. More of it may find a better plan.")
        label = tr("Effort of the search")
        most, least = max(goal.budget, 3600.0), min(goal.budget, 1.0)
        effort = inputs.number(label, "effort", goal.budget, most, 10.0, "goal.effort", least=least, about=about)
        if effort > goal.time_limit_s:
            inputs.overrides.append(f"goal.time_limit_s={net_of(effort):g}")
