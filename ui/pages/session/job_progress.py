"""A running job, on any page: its progress, two buttons to end it, and a message if it fails."""

from __future__ import annotations

import time
from typing import Any

import streamlit as st

from emberline.reports.text import say, tr, trn, wording
from emberline.runs.jobs import JobStatus, queue
from emberline.ui.pages.session import sign_in, widgets

POLL_S = 1.0
STEPS = 12
"""Steps of an analysis in its list."""
BY = "by"
"""In a job's note: who started it, where people sign in."""


def start(*args: Any, note: dict[str, Any] | None = None, **kwargs: Any) -> str:
    """Start a job of the user; arguments, result and errors as of ``queue.start``."""
    who = sign_in.name()
    return queue.start(*args, note={**(note or {}), **({BY: who} if who else {})}, **kwargs)


def find_status(run: str) -> JobStatus | None:
    """Status of a job; None: unknown."""
    from emberline.runs.store import StoreError

    try:
        return queue.status(run) if run else None
    except StoreError:
        return None


def of_running(run: str) -> JobStatus:
    """Status of a job under way; when it has ended, the page is drawn again."""
    status = queue.status(run)
    if status.ended:
        st.rerun()
    return status


def waiting(status: JobStatus) -> None:
    """Show that a job waits, or that it runs in the background."""
    _, text, then = wording.STATES["queued" if status.state == "queued" else "working"]
    parts = [tr(then)]
    if status.state == "queued":
        before = [trn("{count} job before it.", "{count} jobs before it.", status.ahead)] if status.ahead else []
        parts = [tr(text), *before, *parts]
    st.text(" ".join(parts))


def ends(status: JobStatus, take: str, ready: bool) -> None:
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
    _stop(status.run, second, width="stretch")


def _stop(run: str, place: Any = st, **how: Any) -> None:
    """Draw the button that discards the result of a job; arguments as of ``st.button``."""
    if place.button(tr("Stop"), help=tr("Stops the work; the result is discarded"), key=f"stop.{run}", **how):
        queue.kill(run)
        st.rerun()


def buttons(status: JobStatus, take: str, ready: bool) -> None:
    """Draw these buttons, and that the job is about to end; arguments as of :func:`ends`."""
    ends(status, take, ready)
    if status.cancelling:
        st.caption(tr("It stops at the next check."))


@st.fragment(run_every=POLL_S)
def watch_steps(job: str, keep: str = "") -> None:
    """Draw the steps of an analysis as it runs; when it has ended, the page is drawn again.

    Args:
        job: of an analysis.
        keep: label of the button that ends it with the result so far; empty: a part of it is no result.
    """
    status = of_running(job)
    waiting(status)
    if status.state != "queued":
        _steps(status)
    if keep:
        buttons(status, keep, bool(status.steps))
    else:
        _stop(job)


def pick_earlier(title: str, label: str, words: dict[str, str], key: str) -> str:
    """Draw a list of earlier results, closed at first; the one to open, empty: none.

    Args:
        title: of the list.
        label: of the choice.
        words: of each result, by its id.
        key: prefix of the widgets' keys.
    """
    if not words:
        return ""
    with st.expander(title):
        choice = widgets.pick(label, words, f"{key}.earlier", words.__getitem__, none=tr("choose one"))
        opened = st.button(tr("Open"), disabled=choice is None, width="stretch", key=f"{key}.open_earlier")
    return str(choice) if opened else ""


def seconds(status: JobStatus) -> str:
    """Time since a worker began with a job, in words."""
    return wording.number(max(0.0, time.time() - status.since), 0) if status.since is not None else "0"


def _steps(status: JobStatus) -> None:
    """The share that is done, elapsed time, and the steps so far."""
    if status.of:
        text = tr("{done} of {of}, {seconds} s", done=status.count, of=status.of, seconds=seconds(status))
        st.progress(min(1.0, status.count / status.of), text=text)
    else:
        st.text(tr("{seconds} s", seconds=seconds(status)))
    *before, last = map(say, status.steps or ("",))
    lines = [f"✓ {step}" for step in before[-STEPS:]] + ([f"▸ {last}"] if last else [])
    st.text("\n".join(lines))


def show_failure(status: JobStatus, again: str) -> None:
    """Show why a job has no result, and what to do.

    Args:
        status: of the job.
        again: how to try again on this page.
    """
    _, text, then = wording.STATES[status.state]
    with st.container(border=True, gap="xxsmall"):
        st.text(f"✕ {tr(text)}")
        for line in status.lines:
            st.text(say(line))
        st.text(f"{tr(then)} {again}")
