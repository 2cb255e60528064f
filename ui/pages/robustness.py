"""Page Robustness: disturbed replays of a plan, missed limits, and the search for a robust plan."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.plan import Plan, of_days
from emberline.planning.robustness import Ensemble
from emberline.planning.robustness import ensemble as replays
from emberline.planning.robustness.holding import MAX_LEVEL
from emberline.reports.charts import ensemble as ensemble_charts
from emberline.reports.charts.view import View
from emberline.reports.text import facts, mark, numbers, say, studies, tr, trn, wording, works
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoredRun, StoreError, ensembles
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_first
from emberline.scenarios.records.disturbances import Disturbances
from emberline.ui.pages.result import answer
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache, job_progress, session, stored_runs, widgets
from emberline.ui.pages.session.widgets import caption, info, paragraph

Stamp = tuple[str, int]
"""Identity of an ensemble: its file and modification time."""
ROWS = 40
"""Maximum number of limits in the table."""
AFTER_BREAKDOWN = {"heats": mark("In {after} of the {broken} failed replays a unit had broken down before.")}
"""Remarks on failed replays, by table of the producer."""


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(stamp: Stamp, _stored: StoredRun, seed: int) -> Ensemble:
    """Read a stored ensemble, once."""
    return ensembles.read(_stored, seed)


def _stamp(stored: StoredRun, seed: int) -> Stamp:
    path: Path = stored.folder / f"ensemble-{seed}.nc"
    return str(path), path.stat().st_mtime_ns


def show(stored: StoredRun, seed: int) -> None:
    """Draw the stored ensemble of a run with a given seed."""
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
        text = tr("Chance to hold with its interval, for plan and baseline, as in the text on the left.")
        chart_cache.chart(("chance", *stamp), lambda: ensemble_charts.chance(ensemble), text)


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
    text = tr("Quantiles of the import over time, the undisturbed plan, and the contracted import.")
    chart_cache.chart(("fan", *stamp, view.span_min), lambda: ensemble_charts.fan(ensemble, plan, view), text)
    n = int(ensemble.data["fan_of"])
    text = trn(
        "First {count} disturbed replay, each metered interval separately.",
        "First {count} disturbed replays, each metered interval separately.",
        n,
    )
    limit = ensemble.scenario.site.grid.import_limit_mw
    st.caption(f"{text} {tr('Red, dashed: contracted import.')}" if limit is not None else text)


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
    text = tr("Each dot is 5 % of the replays; dashed: undisturbed plan.")
    if ensemble.against_baseline:
        text = tr("Each dot is 5 % of the replays: plan above the line, baseline below; dashed: undisturbed plan.")
    st.caption(text)
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
    st.dataframe(pd.DataFrame(rows), hide_index=True)  # this table is accessible on phones and by keyboard
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
    if seeds:
        with suppress(StoreError):  # an incomplete file
            seed = _latest(seeds, job)
            ensemble = _read(_stamp(stored, seed), stored, seed)
    show_headline(plan, ensemble)
    st.caption(" ".join([wording.sentence(wording.status(plan)), facts.disturbances(plan.scenario)]))
    jobs = [job_progress.find_status(about) for about in (job, queue.about(run, "hold")) if about]
    status = next((job for job in jobs if job is not None and not job.ended), None)
    with st.sidebar:
        _ask(stored, place, status is not None)
        ask_holding(stored, status is not None)
    if status is not None:
        {"hold": watch_search, "replay": _running}[status.kind](status.run)
        return
    for ended in jobs:
        if ended is not None and ended.state != "stored":
            job_progress.show_failure(ended, tr("Press the button at the side to try again."))
    show_holding(stored)
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
    status = job_progress.of_running(job)
    job_progress.waiting(status)
    if status.of:
        text = tr("{done} of {of} disturbed replays", done=status.count, of=status.of)
        st.progress(status.count / status.of, text=text)
    first, second, _ = st.columns(3)
    if status.count:
        low, high = replays.interval(status.successes, status.count)
        score = tr("{held} of {n}", held=status.successes, n=status.count)
        span = f"{wording.percent(low, 0)} – {wording.percent(high, 0)}"
        first.metric(tr("Held so far"), score, border=True)
        second.metric(tr("Chance to hold, 95 % interval"), span, border=True)
    job_progress.buttons(status, tr("Stop and keep the replays done so far"), status.count > 0)


def _latest(seeds: list[int], job: str | None) -> int:
    """Seed of the latest requested ensemble."""
    latest = queue.request(job).get("given", {}).get("seed") if job else None
    return int(latest) if latest in seeds else seeds[-1]


def _seed(stored: StoredRun, seeds: list[int], job: str | None) -> int:
    """Seed of the ensemble to show: the latest requested ensemble, unless the user chooses another one."""
    if len(seeds) == 1:
        return seeds[0]
    key, at = f"robustness.shown.{job}", seeds.index(_latest(seeds, job))
    return int(st.selectbox(tr("Ensemble, by random seed"), seeds, index=at, key=key))


@dataclass(frozen=True)
class Evidence:
    """Results of a plan on disturbed days."""

    days: int
    share: float
    """Share of the days on which the plan held."""
    low: float
    high: float
    """95 % interval of the share."""
    baseline_share: float | None = None
    worse: bool = False
    """Whether the baseline holds significantly more often on the same days."""
    misses: tuple[dict[str, Any], ...] = ()
    """Violations, most frequent first: ``kind``, ``unit``, and amounts ``typical`` and ``worst`` in ``measure``."""


def evidence(plan: Plan, ensemble: Ensemble | None) -> Evidence | None:
    """Evidence about a plan from the largest set of disturbed days; None if there are no disturbed days.

    Args:
        plan: a stored plan.
        ensemble: ensemble of its replays, if there is one.
    """
    record, entries = plan.holding, list[Evidence]()
    if plan.replays is not None and plan.replays.n and not plan.late:
        n, successes = plan.replays.n, plan.replays.successes
        entries.append(Evidence(n, successes / n, *replays.interval(successes, n)))
    if record is not None:
        worse = plan.replays is not None and plan.replays.less_often
        entries.append(
            Evidence(record.days, record.share, *record.interval, record.baseline_share, worse, record.misses)
        )
    if ensemble is not None:
        broke = tuple(row | {"worst": row["amount"]} for row in ensemble.broke())
        against = ensemble.against_baseline
        baseline = float((ensemble.data["baseline_violations"] == 0).mean()) if against else None
        entries.append(Evidence(ensemble.n, *ensemble.chance, baseline, ensemble.less_often, broke))
    return max(entries, key=lambda entry: (entry.days, len(entry.misses)), default=None)


def show_headline(plan: Plan, ensemble: Ensemble | None) -> None:
    """Draw the headline and a few sentences that explain it."""
    facts = evidence(plan, ensemble)
    if facts is None:
        return
    level = plan.scenario.goal.hold or plan.scenario.disturbances.hold or None
    target = level if level or plan.holding is None else plan.holding.level
    text = headline(facts, target)
    st.markdown(f"##### {'⚠ ' if facts.worse else ''}{text}")
    lines = sentences(facts, target)
    if target and not level:
        lines.append(tr("No level was set: {level} is the default.", level=f"{100 * target:.3g}"))
    st.text(" ".join(lines))


def headline(facts: Evidence, target: float | None) -> str:
    """Share of replays on which the plan holds, its interval, and the required share."""
    text = mark("As printed this plan holds on {share} of 100 disturbed replays (between {low} and {high}).")
    if target is not None:
        text = mark(
            "As printed this plan holds on {share} of 100 disturbed replays (between {low} and {high}); required: "
            "{level}."
        )
    low, high = _of_100(facts.low), math.ceil(100 * facts.high - 1e-9)
    return tr(text, share=_of_100(facts.share), low=low, high=high, level=f"{100 * (target or 0.0):.3g}")


def sentences(facts: Evidence, target: float | None) -> list[str]:
    """Sentences on the certainty of the share, on the baseline, and on replays in which the plan does not hold."""
    lines = [
        tr("Counted on {days} replays; the range is what so few can tell (95 % confidence).", days=facts.days)
    ]  # fmt: skip
    if target is not None and facts.low < target <= facts.high:
        lines.append(tr("The required share lies within it: more replays narrow it down."))
    if facts.baseline_share is not None:
        text = tr("The baseline holds on {share} of 100.", share=_of_100(facts.baseline_share))
        if facts.worse:
            text = tr("The baseline holds in more replays: {share} of 100.", share=_of_100(facts.baseline_share))
        lines.append(text)
    lines.append(tr("A replay holds where no limit is missed by more than its tolerance."))
    if facts.misses:
        worst = facts.misses[0]
        who = worst["unit"] or worst.get("stage") or tr("site")
        lines.append(
            tr(
                "In the other replays it is most often: {what} ({who}), typically by {typical} {measure}, at most by "
                "{worst} {measure}.",
                what=tr(wording.KINDS.get(worst["kind"], worst["kind"])), who=who, measure=say(worst["measure"]),
                typical=wording.number(worst["typical"], 1), worst=wording.number(worst["worst"], 1),
            )
        )  # fmt: skip
    return lines


def _of_100(share: float) -> int:
    """Share in whole percent, rounded down so that a missed level is never shown as reached."""
    return math.floor(100 * share + 1e-9)


JUDGED_DAYS, SEARCH_S = 1000, 300
"""Defaults: number of days for the evaluation, time limit of the search [s]."""
STATUS = {
    "holds": mark("✓ It holds."),
    "not shown": mark("Target not yet proven: more replays are needed."),
    "cannot": mark("✕ It could not be made to hold often enough."),
    "out of time": mark("✕ It does not hold often enough yet: the time limit was reached."),
    "cancelled": mark("✕ It was cancelled before it held often enough."),
}
MARGINS = {
    "slack_min": (mark("buffer after {stage}"), "min"),
    "wait_min": (mark("margin on the longest wait after {stage}"), "min"),
    "quantile": (mark("quantile of durations of {stage} used for planning"), "%"),
    "planning_quantile": (mark("quantile of durations or rates used for planning"), "%"),
    "due_margin_min": (mark("margin before due times"), "min"),
    "import_margin_mw": (mark("margin below the import limit"), "MW"),
    "reserve_t": (mark("stock kept in {stage}"), "t"),
}
"""Labels and units of the margins of a plan, by key."""
PLAIN = ("planning_quantile", Disturbances().planning_quantile)
"""Default of every plan, which does not count as a margin."""
PRICES = (
    (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 2),
    (mark("cost"), "", "cost", 1.0, 0),
    (mark("peak"), "MW", "peak_mw", 1.0, 1),
)
"""Label, unit (empty: currency), name, factor and digits of the price of robustness."""


def ask_holding(stored: StoredRun, busy: bool) -> None:
    """Draw the request for a robust plan of the same scenario."""
    with st.expander(tr("Make it hold")):
        caption("Margins are raised where this plan breaks, and it is planned again until it holds often enough.")
        key, target = f"holding.level.{stored.id}", 100 * stored.plan.scenario.level
        level = widgets.number(tr("Chance to hold [%]"), key, target, 1.0, 100 * MAX_LEVEL, step=5.0, format="%.1f")
        label, about = tr("Stop the search after [s]"), tr("The judgement on 1,000 new days comes on top")
        seconds = widgets.number(label, "holding.seconds", SEARCH_S, 10, 86_400, step=60, help=about)
        if st.button(tr("Search a robust plan"), width="stretch", disabled=busy, key="holding.start"):
            request = {
                "run": stored.id,
                "level": round(level / 100, 6),
                "replications": JUDGED_DAYS,
                "time_limit_s": seconds,
            }
            with widgets.refusal():
                job_progress.start(kind="hold", options=request)
                st.rerun()


@st.fragment(run_every=job_progress.POLL_S)
def watch_search(job: str) -> None:
    """Draw the progress of a search for a robust plan, and open its run when the search has finished."""
    status = queue.status(job)
    if status.ended:
        if status.state == "stored":
            session.choose(job)
        st.rerun()
    job_progress.waiting(status)
    share = wording.percent(queue.request(job)["given"]["level"], 1)
    if status.phase == "judge":
        text = tr("The plan is judged on new days.")
    else:
        text = tr("Round {number}: planning, then replays.", number=len(status.rounds) + 1)
    st.text(f"{tr('Searching a plan that holds on {asked} of the days.', asked=share)} {text}")
    began = queue.request(job)["at"]
    limit = wording.number(queue.request(job)["given"]["time_limit_s"], 0)
    seconds = wording.number(time.time() - began, 0)
    caption("{seconds} s since the request; time limit of the search {limit} s.", seconds=seconds, limit=limit)
    if status.rounds:
        draw(_rounds(status), {})
    job_progress.buttons(status, tr("Use the plan that held best so far"), bool(status.rounds))


def _rounds(status: JobStatus) -> pd.DataFrame:
    """Table with a row for each round of the search."""

    def score(row: dict[str, Any]) -> str:
        if not row["of"]:
            return tr("no plan with these margins")
        return tr("{held} of {n}", held=row["held"], n=row["of"])

    return pd.DataFrame(
        {
            tr("round"): [row["round"] for row in status.rounds],
            tr("held"): [score(row) for row in status.rounds],
            tr("margins"): [
                numbers.clauses(margins(row["margins"])) or tr("none: the plan as it is") for row in status.rounds
            ],
        }
    )


def margins(values: dict[str, float]) -> Iterator[str]:
    """Margins of a plan in words, with the keys of ``emberline.planning.robustness.holding``."""
    for key, value in values.items():
        if (key, value) == PLAIN:
            continue
        stage, _, name = key.rpartition(".")
        text, unit = MARGINS[name]
        amount = wording.percent(value, 0) if unit == "%" else f"{wording.number(value, 1)} {unit}"
        yield f"{tr(text, stage=stage)}: {amount}"


def show_holding(stored: StoredRun) -> None:
    """Draw chance to hold and price of a robust plan, compared with the plain plan. Draw nothing for other plans."""
    answer = None
    with widgets.refusal(StoreError):
        answer = ensembles.read_holding(stored.folder)
    if answer is None or not answer["robust"] or not answer["plain"]:
        return
    target = wording.percent(answer["level"], 1)
    with st.container(border=True, gap="xxsmall"):
        st.text(f"{tr(STATUS[answer['status']])} {tr('Target: {asked}.', asked=target)}")
        record = stored.plan.holding
        if record is not None and not record.reached:
            st.text("\n".join(map(say, record.reasons)))
        rows = [(tr("this plan"), answer["robust"]), (tr("the plain plan"), answer["plain"])]
        for label, judged in rows:
            span = judged["interval"]
            share, low, high = (wording.percent(x, 1) for x in (judged["chance"], span["low"], span["high"]))
            paragraph(
                    "{plan}: {share} of {n} new disturbed replays (95 % interval {low} to {high})",
                    plan=label, share=share, n=wording.number(judged["n"], 0), low=low, high=high,
                )  # fmt: skip
        parts = list(margins(answer["margins"]))
        if parts:
            paragraph("Margins: {margins}", margins=numbers.clauses(parts))
    st.markdown(f"**{tr('Price of robustness')}**")
    draw(_price(stored.plan.scenario, answer["price"]), {})
    caption(
        "This plan minus the plain one, undisturbed and as the mean of the same disturbed days; each has the "
        "gap of its search, so a price may be negative within the gaps. Days on which a plan did not hold are "
        "included."
    )


def _price(scenario: Scenario, price: dict[str, dict[str, float]]) -> pd.DataFrame:
    rows = []
    carbon, cost, *others = PRICES
    for label, unit, name, factor, digits in (*goal_first(scenario, carbon, cost), *others):
        row = price.get(name, {})
        cells = [wording.number(row[key] * factor, digits) if key in row else "" for key in ("nominal", "mean")]
        rows.append((tr(label), unit or scenario.market.currency, *cells))
    return pd.DataFrame(rows, columns=[tr("figure"), say("unit"), tr("undisturbed"), tr("mean of the days")])
