"""A stored front on the page: its chart, what a tonne avoided costs, a point to choose and the way to its plan."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emberline.plans.jobs import queue
from emberline.plans.pareto import StoredFront, rows, run_of, store
from emberline.ui.charts import front
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, navigation, session
from emberline.ui.text import wording
from emberline.ui.text.language import tr
from emberline.ui.text.messages import say

CHOSEN, CHART = "pareto.point", "pareto.chart"
"""Keys of the field with the points and of the chart."""


def show(stored: StoredFront) -> None:
    """Draw a stored front."""
    found = stored.front
    st.subheader(tr("Carbon against cost"), anchor=False)
    st.text(f"{found.scenario.title or found.scenario.name}, {wording.span(found.scenario.horizon)}")
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{'✓' if found.found else '✕'}  {say(found.verdict)}")
        st.text("\n".join(map(wording.sentence, _notes(stored))))
    if not found.found:
        st.text(tr("Loosen what cannot be kept, or allow more time for each search, and search again."))
        return
    numbers = [int(number) for number in found.data["point"].values]
    chosen = st.session_state.get(CHOSEN)
    if chosen not in numbers:
        chosen = numbers[found.knee if found.knee is not None else 0]
        st.session_state[CHOSEN] = chosen
    chart, panel = st.columns([5, 3], gap="medium")
    with chart:
        chart_cache.chart(
            ("front", stored.id, chosen), lambda: front.front(found, chosen),
            tr("Cost over carbon of each point, with its gap; the table below has the same."),
            key=CHART, on_select=_picked, selection_mode=front.PICKED,
        )  # fmt: skip
        st.caption(
            tr(
                "Below the dashed line no plan can be. A pale bar at a point is its gap: down to the proven bound of "
                "its cost, at an end to the left to that of its carbon. Click a point to choose it."
            )
        )
    with panel:
        _point(stored, numbers)
    if len(numbers) > 1:
        st.markdown(f"**{tr('What a tonne of carbon avoided costs')}**")
        chart_cache.chart(
            ("abatement", stored.id), lambda: front.abatement(found),
            tr("What a tonne avoided costs from point to point; the table below has the same."),
        )  # fmt: skip
        st.caption(
            tr(
                "From the cheapest point to the left-most, step by step. Pale: the difference may be no more than the "
                "gaps of its two points. Dashed: the carbon price of the scenario."
            )
        )
    _table(stored)


def _notes(stored: StoredFront) -> list[str]:
    return [say(note) for note in (*stored.front.notes[:2], *stored.front.failed)]


def _picked() -> None:
    """A point was clicked: the field beside the chart says so, too."""
    state = st.session_state.get(CHART)
    told = state.selection.get(front.PICKED, []) if state else []
    if told and told[0].get("point") is not None:
        st.session_state[CHOSEN] = int(told[0]["point"])


def _point(stored: StoredFront, numbers: list[int]) -> None:
    """The chosen point in figures, and the way to its plan."""
    found = stored.front
    told = {int(row["point"]): row for row in rows(found.data)}
    money = found.scenario.market.currency

    def name(number: int) -> str:
        parts = [tr("Point {number}", number=number)]
        parts += [tr("knee")] if told[number]["knee"] else []
        parts += [tr("least carbon")] if number == numbers[0] else []
        parts += [tr("least cost")] if number == numbers[-1] and len(numbers) > 1 else []
        return ", ".join(parts)

    chosen = int(st.selectbox(tr("Point"), numbers, format_func=name, key=CHOSEN))
    row = told[chosen]
    carbon, cost = st.columns(2)
    _against(carbon, tr("Carbon [t CO2e]"), row["carbon_kg"] / 1000, found.baseline.carbon_kg / 1000, 2)
    _against(cost, tr("Cost [{unit}]", unit=money), row["cost"], found.baseline.cost, 0)
    gap, peak = st.columns(2)
    gap.metric(
        tr("Gap"), wording.percent(row["gap"]), help=tr("On what can be decided; of an end the wider of its two")
    )
    peak.metric(tr("Peak [MW]"), wording.number(row["peak_mw"], 1))
    lines = [tr("Status: {status}", status=say(row["status"]))]
    if row["cost_bound"] is not None:
        bound = wording.number(row["cost_bound"], 0)
        lines.append(tr("No plan under its cap costs less than {bound} {unit}.", bound=bound, unit=money))
    if row["difference_per_t"] is not None:
        each = wording.number(row["difference_per_t"], 0)
        lines.append(tr("Against the next cheaper point: {cost} {unit} for each tonne avoided.", cost=each, unit=money))
    if row["dual_per_t"] is not None:
        each = wording.number(row["dual_per_t"], 0)
        lines.append(tr("Shadow price of its cap, starts fixed: {cost} {unit}/t.", cost=each, unit=money))
    st.text("\n".join(lines))
    if st.button(tr("Open this plan"), type="primary", width="stretch", key="pareto.open"):
        _open(stored, chosen)


def _against(place: Any, label: str, value: float, baseline: float, digits: int) -> None:
    """A figure, and by how much it is less or more than the baseline's."""
    less = baseline - value
    amount = wording.number(abs(less), digits)
    same = not any(digit in "123456789" for digit in amount)
    # the card knows which way it went by a plain minus in front
    delta = f"{'-' if less > 0 else '+'}{amount} ({wording.percent(abs(less / baseline) if baseline else None, 1)})"
    place.metric(
        label,
        wording.number(value, digits),
        tr("as the baseline") if same else delta,
        delta_color="off" if same else "inverse",
        delta_arrow="off" if same else "auto",
        help=tr("Below: against the baseline's"),
    )


def _open(stored: StoredFront, point: int) -> None:
    """Go to the plan of a point; it is made and stored when it is opened for the first time."""
    request = queue.request(stored.id)
    try:
        run = queue.start(
            request.get("scenario") or stored.front.scenario.name,
            request.get("overrides", ()),
            note=request.get("note"),
            kind="point",
            given={"front": stored.id, "point": point},
            run=run_of(stored.id, point),
        )
    except RuntimeError as error:
        st.warning(say(str(error)))
        return
    session.choose(run)
    navigation.go("plan")


def _table(stored: StoredFront) -> None:
    found = stored.front
    money = found.scenario.market.currency
    told = rows(found.data)
    digits = {
        tr("carbon [t CO2e]"): 2, tr("cost [{unit}]", unit=money): 0, tr("bound of cost [{unit}]", unit=money): 0,
        tr("gap [%]"): 2, tr("difference [{unit}/t]", unit=money): 0, tr("shadow price [{unit}/t]", unit=money): 0,
        tr("peak [MW]"): 1,
    }  # fmt: skip
    values: list[list[Any]] = [
        [row["carbon_kg"] / 1000 for row in told],
        [row["cost"] for row in told],
        [row["cost_bound"] for row in told],
        [None if row["gap"] is None else 100 * row["gap"] for row in told],
        [row["difference_per_t"] for row in told],
        [row["dual_per_t"] for row in told],
        [row["peak_mw"] for row in told],
    ]
    columns: dict[str, list[Any]] = {tr("point"): [row["point"] for row in told]}
    columns |= {name: [_float(v) for v in column] for name, column in zip(digits, values, strict=True)}
    last = len(told) - 1
    columns[tr("difference is")] = [
        "–" if i == last else tr("proven") if row["proven"] else tr("within the gaps") for i, row in enumerate(told)
    ]
    columns[tr("status")] = [say(row["status"]) for row in told]
    columns[tr("knee")] = [tr("knee") if row["knee"] else "" for row in told]
    st.markdown(f"**{tr('All points')}**")
    draw(pd.DataFrame(columns), digits)
    for line in found.notes[2:]:
        st.caption(wording.sentence(say(line)))
    left, right, _ = st.columns([1, 1, 2])
    name = f"emberline-front-{stored.id[:8]}"
    for place, kind, mime in ((left, "csv", "text/csv"), (right, "json", "application/json")):
        place.download_button(
            kind.upper(), _file(stored, kind), f"{name}.{kind}", mime, on_click="ignore", width="stretch",
            key=f"pareto.{kind}",
        )  # fmt: skip


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _file(stored: StoredFront, kind: str) -> Callable[[], bytes]:
    """Makes the file when it is asked for."""

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return store.write(stored.front, Path(folder) / f"front.{kind}").read_bytes()

    return make
