"""Page Trade-offs: carbon or another metric against cost, with prices. Points can be opened as plans."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from emberline.reports.charts import front as front_charts
from emberline.reports.text import mark, say, stamp, tr, trn, wording
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoreError, fronts
from emberline.scenarios.goal_metrics import GOALS, NAMES
from emberline.scenarios.home import RUN_ID
from emberline.scenarios.metrics import legible_bound
from emberline.studies.pareto import MAX_POINTS, Axis, axes, rows, run_of
from emberline.ui.pages.request.form import Request, ask, show_problems
from emberline.ui.pages.request.sources import look
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, job_progress, navigation, session, stored_runs, widgets
from emberline.ui.pages.session.widgets import caption, paragraph, warning

POINT_KEY, CHART = "pareto.point", "pareto.chart"
"""Keys of the choice of points and of the chart."""


def heading(metric: str) -> str:
    """Title of a front, with its metric."""
    title = tr("{metric} against cost", metric=tr(NAMES[metric]))
    return title[:1].upper() + title[1:]


def show(stored: fronts.StoredFront) -> None:
    """Draw a stored front."""
    front = stored.front
    st.subheader(heading(front.metric), anchor=False)
    st.text(f"{stored_runs.of_scenario(front.scenario)}, {wording.span(front.scenario.horizon)}")
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{'✓' if front.has_points else '✕'}  {say(front.verdict)}")
        st.text("\n".join(wording.sentence(say(note)) for note in (*front.notes[:2], *front.failed)))
    if not front.has_points:
        paragraph("Relax the limits, or allow more time for each search, and search again.")
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
        caption(
            "No plan on these steps exists below the dashed line. Pale bar: gap of a point, down to the proven "
            "bound of its cost and, at an end, left to that of the other figure. Click a point to choose it."
        )
    with panel:
        _point(stored, numbers)
    if len(numbers) > 1:
        st.markdown(f"**{tr('Cost of each unit avoided: {metric}', metric=tr(NAMES[front.metric]))}**")
        chart_cache.chart(
            ("abatement", stored.id), lambda: front_charts.abatement(front),
            tr("Cost of each unit avoided from point to point; the table below has the same values."),
        )  # fmt: skip
        caption(
            "From the cheapest point to the other end, step by step. Pale: the difference may be within the "
            "gaps of its two points. Dashed: the carbon price of the scenario."
        )
    _table(stored)


def _on_click() -> None:
    """Callback of a click on a point: choose it in the list."""
    state = st.session_state.get(CHART)
    points = state.selection.get(front_charts.PICKED, []) if state else []
    if points and points[0].get("point") is not None:
        st.session_state[POINT_KEY] = int(points[0]["point"])


def _point(stored: fronts.StoredFront, numbers: list[int]) -> None:
    """Draw the figures of the chosen point and the button that opens its plan."""
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
    about = tr("Fixed emissions and costs are left out; for an end, the wider of its two gaps")
    gap.metric(tr("Gap"), wording.percent(row["gap"]), help=about)
    peak.metric(tr("Peak [MW]"), wording.number(row["peak_mw"], 1))
    lines = [tr("Status: {status}", status=say(row["status"]))]
    if row["cost_bound"] is not None:
        bound = wording.number(legible_bound(row["cost"], row["cost_bound"], 1.0), 0)
        lines.append(tr("No plan under its cap costs less than {bound} {unit}.", bound=bound, unit=money))
    for each, text in (
        (row[axis.difference], mark("To the next cheaper point: {cost} {unit} avoided.")),
        (row[axis.dual], mark("Shadow price of its cap, starts fixed: {cost} {unit}.")),
    ):
        lines += [] if each is None else [tr(text, cost=wording.number(each, 0), unit=per)]
    st.text("\n".join(lines))
    if st.button(tr("Open this plan"), type="primary", width="stretch", key="pareto.open"):
        _open(stored, choice)


def _against(place: Any, label: str, value: float, baseline: float, digits: int) -> None:
    """Draw a figure and its difference from the baseline."""
    less = baseline - value
    amount = wording.number(abs(less), digits)
    same = not any(digit in "123456789" for digit in amount)
    # an ASCII minus sign determines the direction of the card's arrow
    delta = f"{'-' if less > 0 else '+'}{amount} ({wording.percent(abs(less / baseline) if baseline else None, 1)})"
    text, about = tr("as the baseline") if same else delta, tr("Below: difference to the baseline")
    widgets.compared(place, label, wording.number(value, digits), text, same, help=about)


def _open(stored: fronts.StoredFront, point: int) -> None:
    """Open the plan of a point. The plan is created and stored when it is first opened."""
    request = queue.request(stored.id)
    with widgets.refusal():
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
    columns |= {name: np.array(column, dtype=float).tolist() for name, column in zip(digits, values, strict=True)}
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
        content = widgets.content_of(partial(fronts.write, stored.front), f"front.{kind}")
        widgets.download(kind.upper(), content, f"{name}.{kind}", mime, f"pareto.{kind}", place, width="stretch")


CARBON = "carbon"
FRONT = "front"
"""Session key and query parameter of the current front or of its search job."""
EARLIER = 30
POINTS = 7
PHASES = {
    "": mark("starting"),
    "twin": mark("the baseline run"),
    "ends": mark("least {metric} and least cost"),
    "grid": mark("caps on {metric} between them"),
}


def page() -> None:
    """Draw the page for the front in the address, if there is one."""
    front = _current()
    status = job_progress.find_status(front)
    stored = None
    if front and (status is None or status.state == "stored"):
        with widgets.refusal(StoreError):
            stored = _read(front)
    with st.sidebar:
        place = st.container(key="start")
        request = ask("pareto", queue.request(front).get("note", {}) if front else {})
        about = tr("Including both ends; each point takes up to two searches of the time limit")
        points = widgets.number(tr("Points of the front"), "pareto.points", POINTS, 3, MAX_POINTS, help=about)
        busy = status is not None and not status.ended
        metric = _metric(request)
        bars = bool(request.problems) or busy or request.scenario is None
        if place.button(tr("Search the front"), type="primary", width="stretch", disabled=bars):
            _start(request, points, metric)
        _earlier(front)
    show_problems(request)
    if busy and status is not None:
        _running(status.run)
    elif stored is not None:
        show(stored)
    elif status is not None and status.state != "stored":
        st.subheader(heading(_requested(front)), anchor=False)
        job_progress.show_failure(status, tr("Press Search the front at the side to try again."))
    else:
        _empty(request, metric, front)


def _current() -> str:
    """Id of the current front, from the address or the session. The id is written to the address."""
    address = st.query_params.get(FRONT)
    if address is not None and RUN_ID.match(address):
        st.session_state[FRONT] = address
    elif address is not None:
        warning("The address contains no front (an id has 32 hexadecimal digits).")
    front = str(st.session_state.get(FRONT, ""))
    if front and address is None:
        st.query_params[FRONT] = front
    return front


def _look_at(front: str) -> None:
    st.session_state[FRONT] = front
    st.query_params[FRONT] = front
    st.session_state.pop(POINT_KEY, None)
    st.rerun()


_read = st.cache_resource(max_entries=8, show_spinner=False)(fronts.read)
"""Function that opens a stored front. The result is immutable and therefore shared."""


def _metric(request: Request) -> str:
    """Metric to trade off against cost; a choice if the scenario has several metrics."""
    names = axes(request.scenario) if request.scenario is not None else (CARBON,)
    if len(names) < 2:
        return names[0]
    return str(st.selectbox(tr("Against cost"), names, format_func=lambda name: tr(NAMES[name]), key="pareto.metric"))


def _requested(front: str) -> str:
    """Metric of a front that is being searched."""
    return str(queue.request(front).get("given", {}).get("metric", CARBON))


def _start(request: Request, points: int, metric: str) -> None:
    settings = {"points": points} if metric == CARBON else {"points": points, "metric": metric}
    with widgets.refusal():
        _look_at(job_progress.start(request.name, request.overrides, note=request.note, kind="front", options=settings))


def _earlier(front: str) -> None:
    def name(headline: dict[str, Any]) -> str:
        points = trn("{count} point", "{count} points", headline["points"])
        parts = [stamp(headline["created"].astimezone()), headline["scenario"], points]
        parts += [] if headline["metric"] == CARBON else [tr(NAMES[headline["metric"]])]
        return " · ".join(parts)

    earlier = {number: name(headline) for number, headline in fronts.headlines(EARLIER).items() if number != front}
    if choice := job_progress.pick_earlier(tr("Earlier fronts"), tr("Front"), earlier, "pareto"):
        _look_at(choice)


def _empty(request: Request, metric: str, front: str) -> None:
    st.subheader(tr("What does less {metric} cost here?", metric=tr(NAMES[metric])), anchor=False)
    if front:
        paragraph("This front is not stored here. Search it again.")
    paragraph(
        "Press Search the front at the side. Emberline searches the plans of least {metric} and least cost, and "
        "between them plans of least cost under evenly spaced caps on {metric}. Each point is a plan that was "
        "replayed in the twin, with its proven bound; the slope between two points is the price of what is "
        "avoided.",
        metric=tr(NAMES[metric]),
    )
    if request.scenario is not None:
        with st.container(border=True):
            st.text(stored_runs.of_scenario(request.scenario))
            st.text(wording.span(request.scenario.horizon))
            st.text(wording.size(request.scenario))


# --- during the search ------------------------------------------------------------------------------------------------


@st.fragment(run_every=job_progress.POLL_S)
def _running(front: str) -> None:
    status = job_progress.of_running(front)
    st.subheader(tr("Searching the front"), anchor=False)
    job_progress.waiting(status)
    currency, axis = _currency(front), Axis(_requested(front))
    if status.state != "queued":
        _how_far(status, axis, status.of or int(queue.request(front).get("given", {}).get("points", 0)))
    points = [point for point in status.points if point[axis.figure] is not None]
    if points:
        chart, table = st.columns([3, 2])
        chart.altair_chart(
            front_charts.so_far(points, currency, axis), width="stretch", key=f"pareto.so_far.{front}",
            alt=tr("The points found so far; the table on the right has the same values."),
        )  # fmt: skip
        chart.caption(tr("Pale bar: gap of a point. No plan on these steps exists below the dashed line."))
        with table:
            _so_far(status, axis, currency)
    job_progress.buttons(status, tr("Stop and keep the points found so far"), status.count >= 2)
    if not points and status.state != "queued":
        caption("The two ends are searched first, each separately.")


def _how_far(status: JobStatus, axis: Axis, of: int) -> None:
    """Draw the progress: points found, points in search with their caps, and elapsed time."""
    now, phase = time.time(), tr(PHASES.get(status.phase, ""), metric=tr(NAMES[axis.metric]))
    gone = job_progress.seconds(status)
    text = tr("{phase}: {done} of {of} points, {seconds} s", phase=phase, done=status.count, of=of, seconds=gone)
    st.progress(min(1.0, status.count / of) if of else 0.0, text=text)
    for point in status.under_way:
        values = {
            "number": point["begun"],
            "seconds": wording.number(max(0.0, now - point.get("at", now)), 0),
            "metric": tr(NAMES[axis.metric]),
        }
        if point[axis.cap] is not None:
            cap = f"{wording.number(point[axis.cap] * axis.factor, axis.digits)} {axis.unit}"
            paragraph("▸ point {number}: least cost under {cap}, {seconds} s", cap=cap, **values)
        elif point["begun"] == 0:
            paragraph("▸ point {number}: least {metric}, then least cost, {seconds} s", **values)
        else:
            paragraph("▸ point {number}: least cost, then least {metric}, {seconds} s", **values)


def _so_far(status: JobStatus, axis: Axis, currency: str) -> None:
    points = sorted(status.points, key=lambda point: int(point["point"]))
    title = f"{tr(NAMES[axis.metric])} [{axis.unit}]"
    names = (tr("point"), title, tr("cost [{unit}]", unit=currency), tr("gap [%]"), tr("status"))
    columns: tuple[list[Any], ...] = (
        [point["point"] for point in points],
        [None if point[axis.figure] is None else point[axis.figure] * axis.factor for point in points],
        [point["cost"] for point in points],
        [None if point["gap"] is None else 100 * point["gap"] for point in points],
        [say(point["status"]) for point in points],
    )
    draw(pd.DataFrame(dict(zip(names, columns, strict=True))), {names[1]: axis.digits, names[2]: 0, names[3]: 2})


def _currency(front: str) -> str:
    request = queue.request(front)
    try:
        return look(request["scenario"], tuple(request["overrides"])).market.currency
    except (ValueError, KeyError, TypeError):
        return ""
