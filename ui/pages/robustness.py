"""Page Robustness: a plan replayed on many disturbed days, how often it holds and what breaks it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.plan import Plan, of_days
from emberline.planning.robustness import Ensemble
from emberline.planning.robustness import ensemble as ensembling
from emberline.reports.charts import ensemble as ensemble_charts
from emberline.reports.charts.view import View
from emberline.reports.text import facts, mark, say, studies, tr, trn, wording, works
from emberline.runs.jobs import queue
from emberline.runs.store import StoredRun, StoreError, ensembles
from emberline.scenarios.goal_metrics import goal_first
from emberline.ui.pages.parts import robustness_holding as holding
from emberline.ui.pages.result import answer
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, job_progress, stored_runs, widgets
from emberline.ui.pages.session.widgets import caption, info, paragraph

Stamp = tuple[str, int]
"""Identity of an ensemble: its file and the time of writing."""
ROWS = 40
"""Most limits in the table."""
AFTER_BREAKDOWN = {"heats": mark("In {after} of the {broken} failed replays a unit had broken down before.")}
"""Remark on failed replays, by the table of a producer."""


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(stamp: Stamp, _stored: StoredRun, seed: int) -> Ensemble:
    """A stored ensemble, read once."""
    return ensembles.read(_stored, seed)


def _stamp(stored: StoredRun, seed: int) -> Stamp:
    path: Path = stored.folder / f"ensemble-{seed}.nc"
    return str(path), path.stat().st_mtime_ns


def show(stored: StoredRun, seed: int) -> None:
    """Draw a stored ensemble of a run, by its seed."""
    with widgets.refusal(StoreError):
        stamp = _stamp(stored, seed)
        _draw(stored, _read(stamp, stored, seed), stamp)


def _draw(stored: StoredRun, ensemble: Ensemble, stamp: Stamp) -> None:
    _chance(ensemble, stamp)
    record = stored.plan.holding
    if record is not None:
        share, low, high = (say(of_days(one, record.days)) for one in (record.share, *record.interval))
        caption(
                "These are other days than those by which the plan was judged when it was made: there it held on "
                "{share} of {days} (95 % interval {low} to {high}). Chance alone moves the share within such an "
                "interval.",
                share=share, days=record.days, low=low, high=high,
            )  # fmt: skip
    view = chart_cache.part(ensemble.scenario.horizon, "robustness.part", whole=False)
    _fan(ensemble, stamp, stored.plan, view)
    _figures(ensemble, stamp, stored.plan)
    _stocks(ensemble, stored.plan)
    _broken(ensemble, stamp, view)


def _chance(ensemble: Ensemble, stamp: Stamp) -> None:
    share, low, high = ensemble.chance
    first, second = st.columns([2, 3], gap="medium", vertical_alignment="center")
    with first.container(border=True, gap="xxsmall"):
        st.metric(tr("Chance to hold"), wording.percent(share, 1))
        paragraph(
                "95 % interval {low} to {high}: no limit missed in {held} of {n} disturbed replays.",
                low=wording.percent(low, 1), high=wording.percent(high, 1), held=ensemble.successes, n=ensemble.n,
            )  # fmt: skip
        for line in _notes(ensemble, low, high):
            st.text(line)
    with second:
        says = tr("Chance to hold with its interval, for plan and baseline, as in the text on the left.")
        chart_cache.chart(("chance", *stamp), lambda: ensemble_charts.chance(ensemble), says)


def _notes(ensemble: Ensemble, low: float, high: float) -> list[str]:
    lines = []
    target = ensemble.scenario.goal.hold or ensemble.scenario.disturbances.hold
    if target is not None:
        share = wording.percent(target, 0)
        text = mark("Target {asked} not yet proven: more replays are needed.")
        if low >= target or high < target:
            text = mark("✓ Target: {asked}.") if low >= target else mark("✕ Target: {asked}.")
        lines.append(tr(text, asked=share))
    if ensemble.against_baseline:
        count = int((ensemble.data["baseline_violations"] == 0).sum())
        lines.append(
            tr("The baseline schedule holds in {held} of {n}, with the same disturbances.", held=count, n=ensemble.n)
        )
    if ensemble.n < ensemble.n_requested:
        lines.append(tr("Ended early: {asked} replays were requested.", asked=ensemble.n_requested))
    broken = ensemble.n - ensemble.successes
    if broken:
        tables = (producer.table for producer in ensemble.scenario.producers)
        texts = (AFTER_BREAKDOWN[table] for table in tables if table in AFTER_BREAKDOWN)
        lines += [tr(text, after=ensemble.after_breakdown, broken=broken) for text in texts]
    return lines


def _fan(ensemble: Ensemble, stamp: Stamp, plan: Plan, view: View) -> None:
    st.markdown(f"**{tr('Grid import over time')}**")
    if "fan_mw" not in ensemble.data:
        paragraph("This ensemble was made by an earlier release without the import over time. Replay again.")
        return
    says = tr("Quantiles of the import over time, the undisturbed plan, and the contracted import.")
    chart_cache.chart(("fan", *stamp, view.span_min), lambda: ensemble_charts.fan(ensemble, plan, view), says)
    n = int(ensemble.data["fan_of"])
    says = trn(
        "First {count} disturbed replay, each metered interval separately.",
        "First {count} disturbed replays, each metered interval separately.",
        n,
    )
    limit = ensemble.scenario.site.grid.import_limit_mw
    st.caption(f"{says} {tr('Red, dashed: contracted import.')}" if limit is not None else says)


def _figures(ensemble: Ensemble, stamp: Stamp, plan: Plan) -> None:
    st.markdown(f"**{tr('Results of the replays')}**")
    money, figures = ensemble.scenario.market.currency, plan.replay_figures
    of_carbon, of_cost = ("carbon_kg", tr("carbon [t CO2e]"), 1e-3), ("cost", tr("cost [{unit}]", unit=money), 1.0)
    measures = (
        *goal_first(ensemble.scenario, of_carbon, of_cost),
        ("peak_mw", tr("peak, metered mean [MW]"), 1.0),
    )
    for place, (name, title, factor) in zip(st.columns(3), measures, strict=True):
        undisturbed = None if figures is None else float(getattr(figures, name))
        with place:
            chart_cache.chart(
                ("dots", name, *stamp), partial(ensemble_charts.dots, ensemble, name, title, factor, undisturbed),
                tr("Distribution over the replays: {figure}; the table below has quantiles.", figure=title),
            )  # fmt: skip
    says = tr("Each dot is 5 % of the replays; dashed: undisturbed plan.")
    if ensemble.against_baseline:
        says = tr("Each dot is 5 % of the replays: plan above the line, baseline below; dashed: undisturbed plan.")
    st.caption(says)
    st.table(studies.quantile_table(ensemble.scenario, ensemble.quantiles()))
    caption("P10: on one day of ten it is less; P90: on one day of ten it is more.")


def _stocks(ensemble: Ensemble, plan: Plan) -> None:
    if not ensemble.scenario.stores:
        return
    st.markdown(f"**{tr('Stores on disturbed days')}**")
    rows = works.disturbed_stocks(ensemble, plan.replay)
    if not rows:
        paragraph("This ensemble was made by an earlier release without the levels of stores. Replay again.")
        return
    st.dataframe(pd.DataFrame(rows), hide_index=True)  # its columns can be reached by keys on a phone too
    caption("Lowest of each replay, and level at its end; in brackets: share of the capacity.")


def _broken(ensemble: Ensemble, stamp: Stamp, view: View) -> None:
    st.markdown(f"**{tr('What breaks the plan')}**")
    rows = ensemble.broke()
    if not rows:
        paragraph("No limit was missed in any of the {n} replays.", n=ensemble.n)
        return
    chart_cache.chart(
        ("broken", *stamp, view.span_min), lambda: ensemble_charts.broken(ensemble, view),
        tr("Missed limits by hour, and how often; the table below has the worst hour of each."),
    )  # fmt: skip
    caption(
        "Darker: more replays miss the limit in that hour; next to its name is the share of the replays that "
        "miss it at all. Misses after the end of the horizon are in the table."
    )
    draw(pd.DataFrame(studies.limit_rows(ensemble, rows[:ROWS])), {tr("missed [%]"): 1})
    if len(rows) > ROWS:
        st.caption(trn("And {count} more.", "And {count} more.", len(rows) - ROWS))


REPLAYS, MAX_REPLAYS, MAX_SEED = 200, 10_000, 2**53 - 1


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
        info("This run has no schedule to replay. Choose another plan, or relax its limits and plan again.")
        return
    if not plan.scenario.disturbed:
        info(
            "This scenario has no disturbances, so every replay is as planned. Add spreads of durations, "
            "energies or rates, or breakdowns, under disturbances, and plan again."
        )
        return
    job, seeds = queue.about(run, "replay"), ensembles.seeds(stored)
    ensemble = None
    with suppress(StoreError):  # a torn one
        ensemble = _read(_stamp(stored, _latest(seeds, job)), stored, _latest(seeds, job)) if seeds else None
    holding.show_headline(plan, ensemble)
    st.caption(" ".join([wording.sentence(wording.status(plan)), facts.disturbances(plan.scenario)]))
    jobs = [job_progress.find_status(about) for about in (job, queue.about(run, "hold")) if about]
    status = next((one for one in jobs if one is not None and not one.ended), None)
    with st.sidebar:
        _ask(stored, place, status is not None)
        holding.ask(stored, status is not None)
    if status is not None:
        {"hold": holding.watch, "replay": _running}[status.kind](status.run)
        return
    for ended in jobs:
        if ended is not None and ended.state != "stored":
            job_progress.show_failure(ended, tr("Press the button at the side to try again."))
    holding.show(stored)
    if not seeds:
        paragraph(
            "Press Replay at the side: the twin replays this schedule many times, each time with other disturbances."
        )
        return
    show(stored, _seed(stored, seeds, job))


def _ask(stored: StoredRun, place: Any, busy: bool) -> None:
    default = stored.plan.scenario.disturbances.seed
    about = tr("Four times as many halve the width of the interval")
    n = widgets.number(tr("Disturbed replays"), "robustness.n", REPLAYS, 1, MAX_REPLAYS, step=50, help=about)
    about = tr("The same seed gives the same disturbances; results of each seed are stored")
    key, first = f"robustness.seed.{stored.id}", min(default, MAX_SEED)
    seed = widgets.number(tr("Random seed"), key, first, 0, MAX_SEED, step=1, help=about)
    baseline = st.toggle(tr("Replay the baseline under the same disturbances"), value=True, key="robustness.baseline")
    if place.button(tr("Replay"), type="primary", width="stretch", disabled=busy, key="robustness.start"):
        request = {"run": stored.id, "replications": n, "seed": seed, "baseline": baseline}
        with widgets.refusal():
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
        low, high = ensembling.interval(status.successes, status.count)
        score = tr("{held} of {n}", held=status.successes, n=status.count)
        span = f"{wording.percent(low, 0)} – {wording.percent(high, 0)}"
        first.metric(tr("Held so far"), score, border=True)
        second.metric(tr("Chance to hold, 95 % interval"), span, border=True)
    job_progress.buttons(status, tr("Stop and keep the replays done so far"), status.count > 0)


def _latest(seeds: list[int], job: str | None) -> int:
    """Seed of the ensemble that was requested last."""
    latest = queue.request(job).get("given", {}).get("seed") if job else None
    return int(latest) if latest in seeds else seeds[-1]


def _seed(stored: StoredRun, seeds: list[int], job: str | None) -> int:
    """Seed of the ensemble to show: the one requested last, unless another is chosen."""
    if len(seeds) == 1:
        return seeds[0]
    key, at = f"robustness.shown.{job}", seeds.index(_latest(seeds, job))
    return int(st.selectbox(tr("Ensemble, by random seed"), seeds, index=at, key=key))
