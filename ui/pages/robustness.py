"""Page Robustness: a plan replayed on many disturbed days, how often it holds and what breaks it."""

from __future__ import annotations

from typing import Any

import streamlit as st

from emberline.planning.robustness import ensemble as replays
from emberline.reports.text import facts, wording
from emberline.reports.text.language import tr
from emberline.runs.jobs import queue
from emberline.runs.store import StoredRun, ensembles
from emberline.ui.pages.parts import robustness_ensemble as ensemble
from emberline.ui.pages.parts import robustness_holding as headline
from emberline.ui.pages.parts import robustness_holding as holding
from emberline.ui.pages.result import answer
from emberline.ui.pages.session import job_progress, stored_runs, widgets

REPLAYS, MOST_REPLAYS = 200, 10_000


def page() -> None:
    """Draw the page for the current run."""
    with st.sidebar:
        place = st.container(key="start")
    st.subheader(tr("Does the plan hold when the day does not go as planned?"), anchor=False)
    stored = stored_runs.in_view()
    if stored is None:
        return
    plan, run = stored.plan, stored.id
    answer.show_title(plan.scenario, run)
    if plan.schedule is None:
        st.text(wording.sentence(wording.status(plan)))
        st.info(tr("This run has no schedule to replay. Choose another plan, or relax its limits and plan again."))
        return
    if not plan.scenario.disturbed:
        st.info(
            tr(
                "This scenario has no disturbances, so every replay is as planned. Add spreads of durations, "
                "energies or rates, or breakdowns, under disturbances, and plan again."
            )
        )
        return
    job, seeds = queue.about(run, "replay"), ensembles.seeds(stored)
    headline.show_headline(plan, ensemble.read(stored, _latest(seeds, job)) if seeds else None)
    st.caption(" ".join([wording.sentence(wording.status(plan)), facts.disturbances(plan.scenario)]))
    jobs = [job_progress.find_status(about) for about in (job, queue.about(run, "hold")) if about]
    status = next((one for one in jobs if one is not None and not one.ended), None)
    with st.sidebar:
        _ask(stored, place, status is not None)
        holding.ask(stored, status is not None)
    if status is not None:
        watch = holding.watch if status.kind == "hold" else _running
        watch(status.run)
        return
    for ended in jobs:
        if ended is not None and ended.state != "stored":
            job_progress.show_failure(ended, tr("Press the button at the side to try again."))
    holding.show(stored)
    if not seeds:
        st.text(
            tr(
                "Press Replay at the side: the twin replays this schedule many times, each time with other "
                "disturbances."
            )
        )
        return
    ensemble.show(stored, _seed(stored, seeds, job))


def _ask(stored: StoredRun, place: Any, busy: bool) -> None:
    default = stored.plan.scenario.disturbances.seed
    n = int(
        widgets.number(
            tr("Disturbed replays"),
            "robustness.n",
            REPLAYS,
            1,
            MOST_REPLAYS,
            step=50,
            help=tr("Four times as many halve the width of the interval"),
        )
    )
    seed = int(
        widgets.number(
            tr("Random seed"),
            f"robustness.seed.{stored.id}",
            min(default, 2**53 - 1),
            0,
            2**53 - 1,
            step=1,
            help=tr("The same seed gives the same disturbances; results of each seed are stored"),
        )
    )
    baseline = st.toggle(tr("Replay the baseline under the same disturbances"), value=True, key="robustness.baseline")
    if place.button(tr("Replay"), type="primary", width="stretch", disabled=busy, key="robustness.start"):
        request = {"run": stored.id, "replications": n, "seed": seed, "baseline": baseline}
        with job_progress.refusal():
            job_progress.start(kind="replay", options=request)
            st.rerun()


@st.fragment(run_every=job_progress.POLL_S)
def _running(job: str) -> None:
    status = queue.status(job)
    if status.ended:
        st.rerun()
    job_progress.waiting(status)
    if status.of:
        says = tr("{done} of {of} disturbed replays", done=status.count, of=status.of)
        st.progress(status.count / status.of, text=says)
    first, second, _ = st.columns(3)
    if status.count:
        low, high = replays.interval(status.successes, status.count)
        first.metric(
            tr("Held so far"), tr("{held} of {n}", held=status.successes, n=status.count), border=True
        )  # fmt: skip
        second.metric(
            tr("Chance to hold, 95 % interval"),
            f"{wording.percent(low, 0)} – {wording.percent(high, 0)}",
            border=True,
        )
    job_progress.buttons(status, tr("Stop and keep the replays done so far"), status.count > 0)


def _latest(seeds: list[int], job: str | None) -> int:
    """Seed of the ensemble that was requested last."""
    latest = queue.request(job).get("given", {}).get("seed") if job else None
    return int(latest) if latest in seeds else seeds[-1]


def _seed(stored: StoredRun, seeds: list[int], job: str | None) -> int:
    """Seed of the ensemble to show: the one requested last, unless another is chosen."""
    if len(seeds) == 1:
        return seeds[0]
    return int(
        st.selectbox(
            tr("Ensemble, by random seed"), seeds, index=seeds.index(_latest(seeds, job)), key=f"robustness.shown.{job}"
        )
    )
