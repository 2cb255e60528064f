"""Jobs under way, everyone's: what is done, for whom, and how far it is."""

from __future__ import annotations

import time

import streamlit as st

from emberline.reports.text import wording
from emberline.reports.text.language import mark, tr, trn
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoreError
from emberline.ui.pages.session import job_progress, navigation, session

POLL_S = 5.0
KINDS = {
    "plan": mark("plan"),
    "replan": mark("plan around locks"),
    "front": mark("trade-offs"),
    "point": mark("plan of a trade-off"),
    "replay": mark("disturbed replays"),
    "hold": mark("plan that holds"),
    "analysis": mark("analysis"),
}
"""Names of the kinds of jobs (``queue.KINDS``)."""
PAGES = {"front": "pareto", "replay": "robustness", "analysis": "analyses"}
"""Page that shows a kind of job; any other kind is shown by the page Plan."""


def draw() -> None:
    """Draw the list; it looks for changes by itself."""
    _list()


@st.fragment(run_every=POLL_S)
def _list() -> None:
    jobs = list(queue.under_way())
    label = trn("{count} job", "{count} jobs", len(jobs)) if jobs else tr("No jobs")
    with st.container(key="header_jobs", width="content"), st.popover(label):
        if not jobs:
            st.text(tr("Nothing is running on this server."))
        for status in jobs:
            _job(status)


def _job(status: JobStatus) -> None:
    asks = queue.request(status.run)
    note = asks.get("note") or {}
    kind = tr(KINDS.get(status.kind, status.kind))
    what = str(note.get("called") or note.get("scenario") or asks.get("scenario") or "")
    parts = [kind, what, tr("by {who}", who=note[job_progress.BY]) if note.get(job_progress.BY) else ""]
    says, button = st.columns([4, 1], vertical_alignment="center")
    says.text(" · ".join(part for part in parts if part))
    says.caption(progress(status))
    if button.button(tr("Open"), key=f"job.{status.run}", type="tertiary"):
        _open(status, asks)


def progress(status: JobStatus) -> str:
    """How far a job is, in words."""
    if status.state == "queued":
        ahead = trn("{count} job before it.", "{count} jobs before it.", status.ahead) if status.ahead else ""
        return " ".join(part for part in (tr("waiting"), ahead) if part)
    phase = tr(wording.PHASES.get(status.phase, "working"))
    if status.of:
        return tr("{phase}: {done} of {of}", phase=phase, done=status.count, of=status.of)
    if status.since is None:
        return phase
    seconds = wording.number(max(time.time() - status.since, 0.0), 0)
    return tr("{phase}, {seconds} s so far", phase=phase, seconds=seconds)


def _open(status: JobStatus, asks: dict[str, object]) -> None:
    module = PAGES.get(status.kind, "plan")
    if module == "pareto":
        st.session_state["front"] = status.run
    elif module == "plan":
        session.choose(status.run)
    else:
        options = asks.get("given")
        options = options if isinstance(options, dict) else {}
        if "run" in options:
            session.choose(str(options["run"]))
        if module == "analyses":
            session.look_at(str(options.get("analysis")), status.run)
    try:
        navigation.go(module)
    except StoreError:
        return
