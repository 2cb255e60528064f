"""A running job, on any page: its progress, two buttons to end it, and a message if it fails."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.plans.jobs import JobStatus, queue
from emberline.ui.pages.session import sign_in
from emberline.ui.text import wording
from emberline.ui.text.language import tr, trn
from emberline.ui.text.messages import say

POLL_S = 1.0
BY = "by"
"""In a job's note: who started it, where people sign in."""


def start(*args: Any, note: dict[str, Any] | None = None, **kwargs: Any) -> str:
    """Start a job of the user; arguments, result and errors as of ``queue.start``."""
    who = sign_in.name()
    return queue.start(*args, note={**(note or {}), **({BY: who} if who else {})}, **kwargs)


def find_status(run: str) -> JobStatus | None:
    """Status of a job; None: unknown."""
    from emberline.plans.store import StoreError

    try:
        return queue.status(run) if run else None
    except StoreError:
        return None


def waiting(status: JobStatus) -> None:
    """Show that a job waits, or that it runs in the background."""
    _, says, then = wording.STATES["queued" if status.state == "queued" else "working"]
    parts = [tr(then)]
    if status.state == "queued":
        before = [trn("{count} job before it.", "{count} jobs before it.", status.ahead)] if status.ahead else []
        parts = [tr(says), *before, *parts]
    st.text(" ".join(parts))


def buttons(status: JobStatus, take: str, ready: bool) -> None:
    """Draw the buttons that end a job: one keeps its result, the other discards it.

    Args:
        status: of the job.
        take: label of the first one.
        ready: whether there is a result to keep.
    """
    first, second, _ = st.columns([2, 1, 2])
    if first.button(take, disabled=status.cancelling or not ready, width="stretch", key=f"take.{status.run}"):
        queue.cancel(status.run)
        st.rerun(scope="fragment")
    if second.button(
        tr("Stop"), width="stretch", help=tr("Stops the work; the result is discarded"), key=f"stop.{status.run}"
    ):
        queue.kill(status.run)
        st.rerun()
    if status.cancelling:
        st.caption(tr("It stops at the next check."))


def show_failure(status: JobStatus, again: str) -> None:
    """Show why a job has no result, and what to do.

    Args:
        status: of the job.
        again: how to try again on this page.
    """
    _, says, then = wording.STATES[status.state]
    with st.container(border=True, gap="xxsmall"):
        st.text(f"✕ {tr(says)}")
        for line in status.lines:
            st.text(say(line))
        st.text(f"{tr(then)} {again}")
