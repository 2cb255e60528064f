"""A job at work, on whatever page: how far it is, two buttons to end it, and what is said where it came to nothing."""

from __future__ import annotations

import streamlit as st

from emberline.plans.jobs import JobStatus, queue
from emberline.ui.text import wording
from emberline.ui.text.language import tr, trn
from emberline.ui.text.messages import say

POLL_S = 1.0


def known(run: str) -> JobStatus | None:
    """The status of a job; None: nothing is known of it here."""
    from emberline.plans.store import StoreError

    try:
        return queue.status(run) if run else None
    except StoreError:
        return None


def waiting(status: JobStatus) -> None:
    """Say that a job waits, or that it goes on by itself."""
    _, says, then = wording.STATES["queued" if status.state == "queued" else "working"]
    told = [tr(then)]
    if status.state == "queued":
        before = [trn("{count} job before it.", "{count} jobs before it.", status.ahead)] if status.ahead else []
        told = [tr(says), *before, *told]
    st.text(" ".join(told))


def buttons(status: JobStatus, take: str, ready: bool) -> None:
    """Draw the buttons that end a job: one takes what there is, the other nothing.

    Args:
        status: of the job.
        take: what the first one says.
        ready: whether there is anything to take.
    """
    first, second, _ = st.columns([2, 1, 2])
    if first.button(take, disabled=status.cancelling or not ready, width="stretch", key=f"take.{status.run}"):
        queue.cancel(status.run)
        st.rerun(scope="fragment")
    if second.button(tr("Stop"), width="stretch", help=tr("Ends the work; nothing is kept"), key=f"stop.{status.run}"):
        queue.kill(status.run)
        st.rerun()
    if status.cancelling:
        st.caption(tr("It ends as soon as the work at hand looks up."))


def ended_badly(status: JobStatus, again: str) -> None:
    """Say why a job came to nothing, and what to do.

    Args:
        status: of the job.
        again: how the page is asked once more.
    """
    _, says, then = wording.STATES[status.state]
    with st.container(border=True, gap="xxsmall"):
        st.text(f"✕ {tr(says)}")
        for line in status.lines:
            st.text(say(line))
        st.text(f"{tr(then)} {again}")
