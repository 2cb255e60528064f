"""A stored front on the page: its chart, the cost of each unit avoided, a point to choose and its plan."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emberline.reports.charts import front as front_charts
from emberline.reports.text import wording
from emberline.reports.text.language import tr
from emberline.reports.text.messages import say
from emberline.runs.jobs import queue
from emberline.runs.store import fronts
from emberline.scenarios.goal_metrics import GOALS, NAMES
from emberline.scenarios.metrics import legible_bound
from emberline.studies.pareto import rows, run_of
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, job_progress, navigation, session, titles, widgets

POINT_KEY, CHART = "pareto.point", "pareto.chart"
"""Keys of the choice of points and of the chart."""


def heading(metric: str) -> str:
    """What is traded against what."""
    title = tr("{metric} against cost", metric=tr(NAMES[metric]))
    return title[:1].upper() + title[1:]


def show(stored: fronts.StoredFront) -> None:
    """Draw a stored front."""
    front = stored.front
    st.subheader(heading(front.metric), anchor=False)
    st.text(f"{titles.of_scenario(front.scenario)}, {wording.span(front.scenario.horizon)}")
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{'✓' if front.has_points else '✕'}  {say(front.verdict)}")
        st.text("\n".join(map(wording.sentence, _notes(stored))))
    if not front.has_points:
        st.text(tr("Relax the limits, or allow more time for each search, and search again."))
        return
    numbers = [int(number) for number in front.data["point"].values]
    point = st.session_state.get(POINT_KEY)
    if point not in numbers:
        point = numbers[front.knee if front.knee is not None else 0]
        st.session_state[POINT_KEY] = point
    chart, panel = st.columns([5, 3], gap="medium")
    with chart:
        chart_cache.chart(
            ("front", stored.id, point), lambda: front_charts.front(front, point),
            tr("The points, each with its gap; the table below has the same values."),
            key=CHART, on_select=_on_click, selection_mode=front_charts.PICKED,
        )  # fmt: skip
        st.caption(
            tr(
                "No plan on these steps exists below the dashed line. Pale bar: gap of a point, down to the proven "
                "bound of its cost and, at an end, left to that of the other figure. Click a point to choose it."
            )
        )
    with panel:
        _point(stored, numbers)
    if len(numbers) > 1:
        st.markdown(f"**{tr('Cost of each unit avoided: {metric}', metric=tr(NAMES[front.metric]))}**")
        chart_cache.chart(
            ("abatement", stored.id), lambda: front_charts.abatement(front),
            tr("Cost of each unit avoided from point to point; the table below has the same values."),
        )  # fmt: skip
        st.caption(
            tr(
                "From the cheapest point to the other end, step by step. Pale: the difference may be within the "
                "gaps of its two points. Dashed: the carbon price of the scenario."
            )
        )
    _table(stored)


def _notes(stored: fronts.StoredFront) -> list[str]:
    return [say(note) for note in (*stored.front.notes[:2], *stored.front.failed)]


def _on_click() -> None:
    """Callback of a click on a point: choose it in the list."""
    state = st.session_state.get(CHART)
    points = state.selection.get(front_charts.PICKED, []) if state else []
    if points and points[0].get("point") is not None:
        st.session_state[POINT_KEY] = int(points[0]["point"])


def _point(stored: fronts.StoredFront, numbers: list[int]) -> None:
    """Figures of the chosen point, and the button that opens its plan."""
    front = stored.front
    by_number = {int(row["point"]): row for row in rows(front.data)}
    money, axis = front.scenario.market.currency, front.axis
    per = f"{money}/{axis.unit.split()[0]}"

    def name(number: int) -> str:
        parts = [tr("Point {number}", number=number)]
        parts += [tr("knee")] if by_number[number]["knee"] else []
        parts += [tr(GOALS[front.metric])] if number == numbers[0] else []
        parts += [tr("least cost")] if number == numbers[-1] and len(numbers) > 1 else []
        return ", ".join(parts)

    choice = int(st.selectbox(tr("Point"), numbers, format_func=name, key=POINT_KEY))
    row = by_number[choice]
    amount, cost = st.columns(2)
    title = tr(NAMES[front.metric])
    _against(
        amount, f"{title[:1].upper()}{title[1:]} [{axis.unit}]", row[axis.figure] * axis.factor,
        axis.of(front.baseline) * axis.factor, axis.digits,
    )  # fmt: skip
    _against(cost, tr("Cost [{unit}]", unit=money), row["cost"], front.baseline.cost, 0)
    gap, peak = st.columns(2)
    gap.metric(
        tr("Gap"),
        wording.percent(row["gap"]),
        help=tr("Fixed emissions and costs are left out; for an end, the wider of its two gaps"),
    )
    peak.metric(tr("Peak [MW]"), wording.number(row["peak_mw"], 1))
    lines = [tr("Status: {status}", status=say(row["status"]))]
    if row["cost_bound"] is not None:
        bound = wording.number(legible_bound(row["cost"], row["cost_bound"], 1.0), 0)
        lines.append(tr("No plan under its cap costs less than {bound} {unit}.", bound=bound, unit=money))
    if row[axis.difference] is not None:
        each = wording.number(row[axis.difference], 0)
        lines.append(tr("To the next cheaper point: {cost} {unit} avoided.", cost=each, unit=per))
    if row[axis.dual] is not None:
        each = wording.number(row[axis.dual], 0)
        lines.append(tr("Shadow price of its cap, starts fixed: {cost} {unit}.", cost=each, unit=per))
    st.text("\n".join(lines))
    if st.button(tr("Open this plan"), type="primary", width="stretch", key="pareto.open"):
        _open(stored, choice)


def _against(place: Any, label: str, value: float, baseline: float, digits: int) -> None:
    """A figure and its difference to the baseline."""
    less = baseline - value
    amount = wording.number(abs(less), digits)
    same = not any(digit in "123456789" for digit in amount)
    # the card reads its direction from a plain minus sign
    delta = f"{'-' if less > 0 else '+'}{amount} ({wording.percent(abs(less / baseline) if baseline else None, 1)})"
    place.metric(
        label,
        wording.number(value, digits),
        tr("as the baseline") if same else delta,
        delta_color="off" if same else "inverse",
        delta_arrow="off" if same else "auto",
        help=tr("Below: difference to the baseline"),
    )


def _open(stored: fronts.StoredFront, point: int) -> None:
    """Open the plan of a point; it is made and stored when it is first opened."""
    request = queue.request(stored.id)
    with job_progress.refusal():
        run = job_progress.start(
            request.get("scenario") or stored.front.scenario.name,
            request.get("overrides", ()),
            note=request.get("note"),
            kind="point",
            options={"front": stored.id, "point": point},
            run=run_of(stored.id, point),
        )
        session.choose(run)
        navigation.go("plan")


def _table(stored: fronts.StoredFront) -> None:
    front = stored.front
    money, axis = front.scenario.market.currency, front.axis
    per = f"{money}/{axis.unit.split()[0]}"
    points = rows(front.data)
    digits = {
        f"{tr(NAMES[front.metric])} [{axis.unit}]": axis.digits,
        tr("cost [{unit}]", unit=money): 0, tr("bound of cost [{unit}]", unit=money): 0,
        tr("gap [%]"): 2, tr("difference [{unit}]", unit=per): 0, tr("shadow price [{unit}]", unit=per): 0,
        tr("peak [MW]"): 1,
    }  # fmt: skip
    values: list[list[Any]] = [
        [row[axis.figure] * axis.factor for row in points],
        [row["cost"] for row in points],
        [legible_bound(row["cost"], row["cost_bound"], 1.0) for row in points],
        [None if row["gap"] is None else 100 * row["gap"] for row in points],
        [row[axis.difference] for row in points],
        [row[axis.dual] for row in points],
        [row["peak_mw"] for row in points],
    ]
    columns: dict[str, list[Any]] = {tr("point"): [row["point"] for row in points]}
    columns |= {name: [_float(v) for v in column] for name, column in zip(digits, values, strict=True)}
    last = len(points) - 1
    columns[tr("difference is")] = [
        "–" if i == last else tr("proven") if row["proven"] else tr("within the gaps") for i, row in enumerate(points)
    ]
    columns[tr("status")] = [say(row["status"]) for row in points]
    columns[tr("knee")] = [tr("knee") if row["knee"] else "" for row in points]
    st.markdown(f"**{tr('All points')}**")
    draw(pd.DataFrame(columns), digits)
    for line in front.notes[2:]:
        st.caption(wording.sentence(say(line)))
    first, second, _ = st.columns([1, 1, 2])
    name = f"emberline-front-{stored.id[:8]}"
    for place, kind, mime in ((first, "csv", "text/csv"), (second, "json", "application/json")):
        widgets.download(
            kind.upper(),
            _file(stored, kind),
            f"{name}.{kind}",
            mime,
            key=f"pareto.{kind}",
            width="stretch",
            place=place,
        )


def _float(value: float | None) -> float:
    return float("nan") if value is None else float(value)


def _file(stored: fronts.StoredFront, kind: str) -> Callable[[], bytes]:
    """A function that makes the file when it is called."""

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return fronts.write(stored.front, Path(folder) / f"front.{kind}").read_bytes()

    return make
