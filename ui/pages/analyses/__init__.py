"""Page Analyses: every analysis of the command line, each as a form, a job with progress and a stored result."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any

import streamlit as st

from emberline.reports.text import say, stamp, tr
from emberline.runs.jobs import queue
from emberline.runs.store import StoredRun, StoreError
from emberline.runs.work.analyses import StoredAnalysis, headlines, read, works
from emberline.scenarios.home import RUN_ID
from emberline.ui.pages.analyses.shape import Analysis, Question
from emberline.ui.pages.request import form
from emberline.ui.pages.session import job_progress, navigation, session, stored_runs, widgets

ANALYSIS, RESULT = "analysis", "result"
"""In the address: the analysis, and the job or stored result that is shown."""
BY_NAME: dict[str, Analysis] = {
    name: getattr(import_module(f"{__name__}.{function.__module__.rpartition('.')[2]}"), name.upper())
    for name, function in works().items()
}
"""``NAME`` of the module here that is called as that of the work."""
EARLIER = 60
"""Results that are searched for earlier ones."""


def page() -> None:
    """Draw the page for the analysis in the address."""
    name = _choose()
    analysis = BY_NAME[name]
    with st.sidebar:
        place = st.empty()
        subject = _plan() if analysis.of_plan else form.ask("analyses")
    st.subheader(tr(analysis.title), anchor=False)
    st.text(tr(analysis.says))
    if subject is None:
        st.info(tr("Choose a plan in the header, or make one on the page Plan."))
        return
    if isinstance(subject, form.Request) and (subject.problems or subject.scenario is None):
        form.show_problems(subject)
        return
    job = _current(name, subject)
    status = job_progress.find_status(job)
    busy = status is not None and not status.ended
    with st.container(border=True, key="analysis.form"):
        question = analysis.ask(subject)
        if question.problem:
            st.text(question.problem)
        pressed = st.button(
            tr(analysis.start), type="primary", disabled=busy or bool(question.problem), key=f"{name}.start"
        )
    at_once = st.session_state.pop(navigation.AT_ONCE, "") == name
    if pressed or (at_once and not busy and not question.problem):
        _start(name, subject, question)
    with place.container():
        _earlier(name, analysis, job)
    if busy and status is not None:
        job_progress.watch_steps(status.run, tr(analysis.keep) if analysis.keep else "")
    elif status is not None and status.state != "stored":
        job_progress.show_failure(status, tr("Change the request and start again."))
    elif status is not None or job:
        _show(analysis, job, subject)


def _choose() -> str:
    """Draw the list of analyses; the choice is in the address."""
    address = st.query_params.get(ANALYSIS)
    first = address if address in BY_NAME else session.analysis() or next(iter(BY_NAME))
    widget = f"{ANALYSIS}.{first}"
    name = st.pills(
        tr("Analysis"), BY_NAME, default=first, format_func=lambda key: tr(BY_NAME[key].title), key=widget,
        label_visibility="collapsed",
    )  # fmt: skip
    analysis = str(name or first)
    if analysis != first:
        st.query_params.pop(RESULT, None)
    session.look_at(analysis)
    if address != analysis:
        st.query_params[ANALYSIS] = analysis
    return analysis


def _plan() -> StoredRun | None:
    run = session.run()
    return stored_runs.readable(run) if run else None


def _start(name: str, subject: Any, question: Question) -> None:
    options = {**question.options, "analysis": name}
    with widgets.refusal():
        if isinstance(subject, form.Request):
            job = job_progress.start(
                subject.name, subject.overrides, note=subject.note, kind="analysis", options=options
            )  # fmt: skip
        else:
            note = {"called": subject.plan.scenario.name}
            job = job_progress.start(note=note, kind="analysis", options={**options, "run": subject.id})
        _look_at(name, job)


def _look_at(name: str, job: str) -> None:
    session.look_at(name, job)
    st.query_params[RESULT] = job
    st.rerun()


def _current(name: str, subject: Any) -> str:
    """The job or result to show: that of the address, else the latest about the same plan or request; empty: none."""
    address = str(st.query_params.get(RESULT, ""))
    for job in (address, session.result(name)):
        if RUN_ID.match(job) and _is_about(job, name, subject):
            st.query_params[RESULT] = job
            return job
    latest = next((one for one in _stored() if one.name == name and _same(one, subject)), None)
    if latest is None:
        st.query_params.pop(RESULT, None)
        return ""
    st.query_params[RESULT] = latest.id
    return latest.id


def _is_about(job: str, name: str, subject: Any) -> bool:
    """Whether a job is of an analysis, and about the plan that is looked at."""
    options = queue.request(job).get("given", {})
    if not options:
        options = next((one.options for one in _stored() if one.id == job), {})
    if options.get("analysis") != name:
        return False
    return isinstance(subject, form.Request) or options.get("run") == subject.id


def _same(stored: StoredAnalysis, subject: Any) -> bool:
    if isinstance(subject, form.Request):
        return (stored.scenario, stored.overrides) == (subject.name, subject.overrides)
    return bool(stored.run == subject.id)


@st.cache_data(max_entries=4, ttl=timedelta(seconds=3), show_spinner=False)
def _stored() -> list[StoredAnalysis]:
    return headlines(EARLIER)


def _earlier(name: str, analysis: Analysis, job: str) -> None:
    results = {one.id: one for one in _stored() if one.name == name and one.id != job}
    if analysis.of_plan:
        run = queue.request(job).get("given", {}).get("run") if job else None
        results = {number: result for number, result in results.items() if run is None or result.run == run}
    words = {number: _label(result) for number, result in results.items()}
    if choice := job_progress.pick_earlier(tr("Earlier results"), tr("Result"), words, name):
        _look_at(name, choice)


def _label(stored: StoredAnalysis) -> str:
    parts = [stamp(stored.created.astimezone()), stored.title]
    parts += [say(str(stored.result["question"]))] if "question" in stored.result else []
    parts += [text.split("=", 1)[-1] for text in stored.options.get("axes", [])]
    return " · ".join(parts)


_read = st.cache_resource(max_entries=16, show_spinner=False)(read)
"""A stored result; immutable, hence shared."""


def _show(analysis: Analysis, number: str, subject: Any) -> None:
    try:
        stored = _read(number)
    except StoreError as error:
        st.warning(say(str(error)))
        return
    when = stamp(stored.created.astimezone())
    text = tr("{scenario}, computed {when}.", scenario=stored.title, when=when)
    if not _same(stored, subject):
        text += " " + tr("The inputs at the side are others.")
    st.caption(text)
    analysis.show(stored)
