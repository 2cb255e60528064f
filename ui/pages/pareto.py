"""Page Pareto: the cost of less carbon, or of another metric.

Request a front at the side, watch its points, choose one and open its plan.
"""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import streamlit as st

from emberline.reports.charts import front as front_charts
from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr, trn
from emberline.reports.text.messages import say
from emberline.reports.text.numbers import stamp
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoreError
from emberline.runs.store import fronts as stored_fronts
from emberline.scenarios.goal_metrics import NAMES
from emberline.scenarios.home import RUN_ID
from emberline.studies.pareto import MOST_POINTS, Axis, axes
from emberline.ui.pages.parts import pareto_front as front_parts
from emberline.ui.pages.request.form import Request, ask, show_problems
from emberline.ui.pages.request.sources import look
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import job_progress, titles, widgets

CARBON = "carbon"
FRONT = "front"
"""In the session and the address: the current front, or the job that searches it."""
EARLIER = 30
POINTS = 7
PHASES = {
    "": mark("starting"),
    "twin": mark("the baseline run"),
    "ends": mark("least {metric} and least cost"),
    "grid": mark("caps on {metric} between them"),
}


def page() -> None:
    """Draw the page for the front in the address, or for none."""
    front = _current()
    status = job_progress.find_status(front)
    stored = _open_front(front) if front and (status is None or status.state == "stored") else None
    with st.sidebar:
        place = st.container(key="start")
        request = ask("pareto", queue.request(front).get("note", {}) if front else {})
        points = int(
            widgets.number(
                tr("Points of the front"),
                "pareto.points",
                POINTS,
                3,
                MOST_POINTS,
                help=tr("Including both ends; each point takes up to two searches of the time limit"),
            )
        )
        busy = status is not None and not status.ended
        metric = _metric(request)
        bars = bool(request.problems) or busy or request.scenario is None or bool(request.scenario.processes)
        if place.button(tr("Search the front"), type="primary", width="stretch", disabled=bars):
            _start(request, points, metric)
        _earlier(front)
    _mistakes(request)
    if busy and status is not None:
        _running(status.run)
    elif stored is not None:
        front_parts.show(stored)
    elif status is not None and status.state != "stored":
        st.subheader(front_parts.heading(_requested(front)), anchor=False)
        job_progress.show_failure(status, tr("Press Search the front at the side to try again."))
    elif request.scenario is None or not request.scenario.processes:
        _empty(request, metric, front)


def _current() -> str:
    """Id of the current front, from the address or the session; kept in the address."""
    address = st.query_params.get(FRONT)
    if address is not None and RUN_ID.match(address):
        st.session_state[FRONT] = address
    elif address is not None:
        st.warning(tr("The address contains no front (an id has 32 hexadecimal digits)."))
    front = str(st.session_state.get(FRONT, ""))
    if front and address is None:
        st.query_params[FRONT] = front
    return front


def _look_at(front: str) -> None:
    st.session_state[FRONT] = front
    st.query_params[FRONT] = front
    st.session_state.pop(front_parts.POINT_KEY, None)
    st.rerun()


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(front: str) -> stored_fronts.StoredFront:
    """A stored front; immutable, hence shared."""
    return stored_fronts.read(front)


def _open_front(front: str) -> stored_fronts.StoredFront | None:
    try:
        return _read(front)
    except StoreError as error:
        st.warning(say(str(error)))
        return None


def _metric(request: Request) -> str:
    """What is traded against cost; a choice where the scenario has more than one such metric."""
    names = axes(request.scenario) if request.scenario is not None else (CARBON,)
    if len(names) < 2:
        return names[0]
    return str(st.selectbox(tr("Against cost"), names, format_func=lambda name: tr(NAMES[name]), key="pareto.metric"))


def _requested(front: str) -> str:
    """The metric of a front that is searched."""
    return str(queue.request(front).get("given", {}).get("metric", CARBON))


def _start(request: Request, points: int, metric: str) -> None:
    settings = {"points": points} if metric == CARBON else {"points": points, "metric": metric}
    with job_progress.refusal():
        _look_at(job_progress.start(request.name, request.overrides, note=request.note, kind="front", options=settings))


def _earlier(front: str) -> None:
    fronts = {number: headline for number, headline in stored_fronts.headlines(EARLIER).items() if number != front}
    if not fronts:
        return

    def name(number: str) -> str:
        headline = fronts[number]
        points = trn("{count} point", "{count} points", headline["points"])
        parts = [stamp(headline["created"].astimezone()), headline["scenario"], points]
        parts += [] if headline["metric"] == CARBON else [tr(NAMES[headline["metric"]])]
        return " · ".join(parts)

    with st.expander(tr("Earlier fronts")):
        choice = st.selectbox(
            tr("Front"), list(fronts), index=None, format_func=name, placeholder=tr("choose one"), key="pareto.earlier"
        )
        if st.button(tr("Open"), disabled=choice is None, width="stretch", key="pareto.open_earlier"):
            _look_at(str(choice))


def _mistakes(request: Request) -> None:
    show_problems(request)
    if request.scenario is not None and request.scenario.processes:
        st.info(
            tr(
                "Fronts are available for heats and sites only: plans of processes credit the final stock. Plan "
                "this scenario with different goals and caps instead, and compare the plans."
            )
        )


def _empty(request: Request, metric: str, front: str) -> None:
    st.subheader(tr("What does less {metric} cost here?", metric=tr(NAMES[metric])), anchor=False)
    if front:
        st.text(tr("This front is not stored here. Search it again."))
    st.text(
        tr(
            "Press Search the front at the side. Emberline searches the plans of least {metric} and least cost, and "
            "between them plans of least cost under evenly spaced caps on {metric}. Each point is a plan that was "
            "replayed in the twin, with its proven bound; the slope between two points is the price of what is "
            "avoided.",
            metric=tr(NAMES[metric]),
        )
    )
    if request.scenario is not None:
        with st.container(border=True):
            st.text(titles.of_scenario(request.scenario))
            st.text(wording.span(request.scenario.horizon))
            st.text(wording.size(request.scenario))


# --- during the search ------------------------------------------------------------------------------------------------


@st.fragment(run_every=job_progress.POLL_S)
def _running(front: str) -> None:
    status = queue.status(front)
    if status.ended:
        st.rerun()
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
        st.caption(tr("The two ends are searched first, each separately."))


def _how_far(status: JobStatus, axis: Axis, of: int) -> None:
    """Progress: points found, points being searched with their caps, and elapsed time."""
    now = time.time()
    gone = wording.number(max(0.0, now - status.since), 0) if status.since is not None else "0"
    says = tr(
        "{phase}: {done} of {of} points, {seconds} s",
        phase=tr(PHASES.get(status.phase, ""), metric=tr(NAMES[axis.metric])), done=status.count, of=of, seconds=gone,
    )  # fmt: skip
    st.progress(min(1.0, status.count / of) if of else 0.0, text=says)
    for point in status.under_way:
        values = {
            "number": point["begun"],
            "seconds": wording.number(max(0.0, now - point.get("at", now)), 0),
            "metric": tr(NAMES[axis.metric]),
        }
        if point[axis.cap] is not None:
            cap = f"{wording.number(point[axis.cap] * axis.factor, axis.digits)} {axis.unit}"
            says = tr("▸ point {number}: least cost under {cap}, {seconds} s", cap=cap, **values)
        elif point["begun"] == 0:
            says = tr("▸ point {number}: least {metric}, then least cost, {seconds} s", **values)
        else:
            says = tr("▸ point {number}: least cost, then least {metric}, {seconds} s", **values)
        st.text(says)


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
