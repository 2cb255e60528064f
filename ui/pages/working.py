"""A job at work, on whatever page: how far it is, two buttons to end it, and what is said where it came to nothing."""

from __future__ import annotations

import streamlit as st

from plans import jobs
from plans.jobs import JobStatus
from ui.language import mark, tr, trn
from ui.said import said

POLL_S = 1.0
ENDED = {
    "stopped": mark("It was stopped."),
    "refused": mark("This cannot be done."),
    "broken": mark("The work was lost."),
    "failed": mark("It failed."),
}


def known(run: str) -> JobStatus | None:
    """The status of a job; None: nothing is known of it here."""
    from plans.store import StoreError

    try:
        return jobs.status(run) if run else None
    except StoreError:
        return None


def waiting(status: JobStatus) -> None:
    """Say that a job waits, or that it goes on by itself."""
    if status.state == "queued":
        before = trn("{count} job before it.", "{count} jobs before it.", status.ahead) if status.ahead else ""
        st.text(f"{tr('Waiting for a free worker; this page may be closed meanwhile.')} {before}")
    else:
        st.text(tr("It goes on when this page is closed or loaded again."))


def buttons(status: JobStatus, take: str, ready: bool) -> None:
    """Draw the buttons that end a job: one takes what there is, the other nothing.

    Args:
        status: of the job.
        take: what the first one says.
        ready: whether there is anything to take.
    """
    first, second, _ = st.columns([2, 1, 2])
    if first.button(take, disabled=status.cancelling or not ready, width="stretch", key=f"take.{status.run}"):
        jobs.cancel(status.run)
        st.rerun(scope="fragment")
    if second.button(tr("Stop"), width="stretch", help=tr("Ends the work; nothing is kept"), key=f"stop.{status.run}"):
        jobs.kill(status.run)
        st.rerun()
    if status.cancelling:
        st.caption(tr("It ends as soon as the work at hand looks up."))


def ended_badly(status: JobStatus, again: str) -> None:
    """Say why a job came to nothing, and what to do."""
    with st.container(border=True, gap="xxsmall"):
        st.text(f"✕ {tr(ENDED.get(status.state, ENDED['failed']))}")
        for line in status.lines:
            st.text(said(line))
        st.text(again)
