"""The page Pareto: what carbon costs. Ask at the side, watch the points come in, pick one and open its plan."""

from __future__ import annotations

import time
from typing import Any

import pandas as pd
import streamlit as st

from emberline.plans.jobs import JobStatus, queue
from emberline.plans.pareto import MOST_POINTS, StoredFront, store
from emberline.plans.store import RUN_ID, StoreError
from emberline.ui.charts import front as front_charts
from emberline.ui.pages.request.form import Asked, ask
from emberline.ui.pages.request.sources import SEED, look
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import job_progress
from emberline.ui.pages.studies import front as front_parts
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.messages import say
from emberline.ui.text.numbers import stamp

KEPT = "front"
"""In the session and in the address: the front that is looked at, or the job that searches it."""
EARLIER = 30
POINTS = 7
PHASES = {
    "": mark("about to begin"),
    "twin": mark("the baseline run"),
    "ends": mark("least carbon and least cost"),
    "grid": mark("caps on carbon between them"),
}


def page() -> None:
    """Draw the page for the front that the address names, or for none."""
    front = _looked_at()
    status = job_progress.known(front)
    stored = _opened(front) if front and (status is None or status.state == "stored") else None
    with st.sidebar:
        place = st.empty()
        asked = ask(_seed(front), "pareto")
        points = int(
            st.number_input(
                tr("Points of the front"), min_value=3, max_value=MOST_POINTS, value=POINTS, key="pareto.points",
                help=tr("Both ends included; each point takes up to two searches of the time limit"),
            )
        )  # fmt: skip
        busy = status is not None and not status.ended
        bars = bool(asked.problems) or busy or asked.scenario is None or bool(asked.scenario.processes)
        if place.button(tr("Search the front"), type="primary", width="stretch", disabled=bars):
            _start(asked, points)
        _earlier(front)
    _mistakes(asked)
    if busy and status is not None:
        _running(status.run)
    elif stored is not None:
        front_parts.show(stored)
    elif status is not None and status.state != "stored":
        st.subheader(tr("Carbon against cost"), anchor=False)
        job_progress.ended_badly(status, tr("Press Search the front at the side to try again."))
    else:
        _empty(asked, front)


def _looked_at() -> str:
    """Id of the front that is looked at; the address carries it, and gets it back after a change of page."""
    named = st.query_params.get(KEPT)
    if named is not None and RUN_ID.match(named):
        st.session_state[KEPT] = named
    elif named is not None:
        st.warning(tr("The address names no front (its id has 32 hexadecimal digits)."))
    found = str(st.session_state.get(KEPT, ""))
    if found and named is None:
        st.query_params[KEPT] = found
    return found


def _look_at(front: str) -> None:
    st.session_state[KEPT] = front
    st.query_params[KEPT] = front
    st.session_state.pop(front_parts.CHOSEN, None)
    st.rerun()


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(front: str) -> StoredFront:
    """A stored front; it never changes, hence shared."""
    return store.read(front)


def _opened(front: str) -> StoredFront | None:
    try:
        return _read(front)
    except StoreError as error:
        st.warning(say(str(error)))
        return None


def _seed(front: str) -> dict[str, Any]:
    """What the widgets begin with: as on the page Plan, or else what the front was asked with."""
    seed = st.session_state.get(SEED) or (queue.request(front).get("note", {}) if front else {})
    return dict(seed)


def _start(asked: Asked, points: int) -> None:
    try:
        front = queue.start(asked.name, asked.overrides, note=asked.note, kind="front", given={"points": points})
    except RuntimeError as error:
        st.warning(say(str(error)))
        return
    _look_at(front)


def _earlier(front: str) -> None:
    kept = {number: told for number, told in store.headlines(EARLIER).items() if number != front}
    if not kept:
        return

    def name(number: str) -> str:
        told = kept[number]
        points = trn("{count} point", "{count} points", told["points"])
        return f"{stamp(told['created'].astimezone())} · {told['scenario']} · {points}"

    with st.expander(tr("Earlier fronts")):
        chosen = st.selectbox(
            tr("Front"), list(kept), index=None, format_func=name, placeholder=tr("choose one"), key="pareto.earlier"
        )
        if st.button(tr("Open"), disabled=chosen is None, width="stretch", key="pareto.open_earlier"):
            _look_at(str(chosen))


def _mistakes(asked: Asked) -> None:
    if asked.problems:
        with st.container(border=True):
            st.text(tr("This cannot be planned yet. Change what these lines name, at the side:"))
            for line in asked.problems:
                st.text(f"✕ {line}")
    elif asked.scenario is not None and asked.scenario.processes:
        st.info(
            tr(
                "A front is searched for heats and sites only: plans of processes credit what is left in stock. Plan "
                "this scenario with different goals and caps instead, and compare the plans."
            )
        )


def _empty(asked: Asked, front: str) -> None:
    st.subheader(tr("What does a tonne of carbon cost here?"), anchor=False)
    if front:
        st.text(tr("This front is not kept here. Search it again."))
    st.text(
        tr(
            "Press Search the front at the side. Between the plan of least carbon and the plan of least cost, plans of "
            "least cost are searched under evenly spaced caps on carbon. Each point is a plan that the twin has "
            "followed, with what is proven of it; what lies between two points is the price of the carbon avoided."
        )
    )
    if asked.scenario is not None:
        with st.container(border=True):
            st.text(asked.scenario.title or asked.scenario.name)
            st.text(wording.span(asked.scenario.horizon))
            st.text(wording.size(asked.scenario))


# --- while it is searched ---------------------------------------------------------------------------------------------


@st.fragment(run_every=job_progress.POLL_S)
def _running(front: str) -> None:
    status = queue.status(front)
    if status.ended:
        st.rerun()
    st.subheader(tr("Searching the front"), anchor=False)
    job_progress.waiting(status)
    currency = _currency(front)
    if status.state != "queued":
        _how_far(status, status.of or int(queue.request(front).get("given", {}).get("points", 0)))
    told = [point for point in status.points if point["carbon_kg"] is not None]
    if told:
        chart, table = st.columns([3, 2])
        chart.altair_chart(
            front_charts.so_far(told, currency), width="stretch", key=f"pareto.so_far.{front}",
            alt=tr("Cost over carbon of the points found so far; the table beside it has the same."),
        )  # fmt: skip
        chart.caption(tr("A pale bar at a point is its gap. Below the dashed line no plan can be."))
        with table:
            _so_far(status, currency)
    job_progress.buttons(status, tr("Take the points found so far"), status.done >= 2)
    if not told and status.state != "queued":
        st.caption(tr("The two ends come first; each is a search of its own."))


def _how_far(status: JobStatus, of: int) -> None:
    """How many points there are, which are being searched and under what cap, and for how long."""
    now = time.time()
    gone = wording.number(max(0.0, now - status.since), 0) if status.since is not None else "0"
    says = tr(
        "{phase}: {done} of {of} points, {seconds} s gone",
        phase=tr(PHASES.get(status.phase, "")), done=status.done, of=of, seconds=gone,
    )  # fmt: skip
    st.progress(min(1.0, status.done / of) if of else 0.0, text=says)
    for point in status.under_way:
        told = {"number": point["begun"], "seconds": wording.number(max(0.0, now - point.get("at", now)), 0)}
        if point["carbon_cap_kg"] is not None:
            cap = wording.number(point["carbon_cap_kg"] / 1000, 2)
            says = tr("▸ point {number}: least cost under {cap} t CO2e, {seconds} s", cap=cap, **told)
        elif point["begun"] == 0:
            says = tr("▸ point {number}: least carbon, then least cost at it, {seconds} s", **told)
        else:
            says = tr("▸ point {number}: least cost, then least carbon at it, {seconds} s", **told)
        st.text(says)


def _so_far(status: JobStatus, currency: str) -> None:
    found = sorted(status.points, key=lambda point: int(point["point"]))
    names = (tr("point"), tr("carbon [t CO2e]"), tr("cost [{unit}]", unit=currency), tr("gap [%]"), tr("status"))
    columns: tuple[list[Any], ...] = (
        [point["point"] for point in found],
        [None if point["carbon_kg"] is None else point["carbon_kg"] / 1000 for point in found],
        [point["cost"] for point in found],
        [None if point["gap"] is None else 100 * point["gap"] for point in found],
        [say(point["status"]) for point in found],
    )
    draw(pd.DataFrame(dict(zip(names, columns, strict=True))), {names[1]: 2, names[2]: 0, names[3]: 2})


def _currency(front: str) -> str:
    request = queue.request(front)
    try:
        return look(request["scenario"], tuple(request["overrides"])).market.currency
    except (ValueError, KeyError, TypeError):
        return ""
