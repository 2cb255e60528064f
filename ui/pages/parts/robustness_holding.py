"""A plan that holds: how often this one does, the form that asks for another, its search and its price."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from emberline.planning.plan import Plan
from emberline.planning.robustness import Ensemble
from emberline.planning.robustness import ensemble as replays
from emberline.planning.robustness.holding import MAX_LEVEL
from emberline.reports.text import mark, numbers, say, tr, wording
from emberline.runs.jobs import JobStatus, queue
from emberline.runs.store import StoredRun, StoreError, ensembles
from emberline.scenarios import Scenario
from emberline.scenarios.goal_metrics import goal_first
from emberline.scenarios.records.disturbances import Disturbances
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import job_progress, session, widgets
from emberline.ui.pages.session.widgets import caption, paragraph


@dataclass(frozen=True)
class Evidence:
    """Disturbed days on which a plan was followed."""

    days: int
    share: float
    """Of the days on which it held."""
    low: float
    high: float
    """Interval of the share, at 95 %."""
    baseline_share: float | None = None
    worse: bool = False
    """Whether the baseline holds more often on the same days, and not by chance."""
    misses: tuple[dict[str, Any], ...] = ()
    """Violations, the most frequent first: ``kind``, ``unit``, ``typical`` and ``worst`` amount in ``measure``."""


def evidence(plan: Plan, ensemble: Ensemble | None) -> Evidence | None:
    """Evidence about a plan on disturbed days, from the most days; None: it was followed on none.

    Args:
        plan: a stored one.
        ensemble: of its replays; None: there is none.
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
    return max(entries, key=lambda one: (one.days, len(one.misses)), default=None)


def show_headline(plan: Plan, ensemble: Ensemble | None) -> None:
    """Draw the headline, and in a few sentences what it means."""
    facts = evidence(plan, ensemble)
    if facts is None:
        return
    level = plan.scenario.goal.hold or plan.scenario.disturbances.hold or None
    target = level if level or plan.holding is None else plan.holding.level
    says = headline(facts, target)
    st.markdown(f"##### {'⚠ ' if facts.worse else ''}{says}")
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
    """Days of a hundred, rounded down: a level that is missed is not reached."""
    return math.floor(100 * share + 1e-9)


REPLAYS, SEARCH_S = 1000, 300
"""Defaults: chance to hold, days for the judgement, time limit of the search [s]."""
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
"""Margins of a plan by key, with their units."""
PLAIN = ("planning_quantile", Disturbances().planning_quantile)
"""The default of every plan, which is not a margin."""
PRICES = (
    (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 2),
    (mark("cost"), "", "cost", 1.0, 0),
    (mark("peak"), "MW", "peak_mw", 1.0, 1),
)
"""Label, unit (empty: currency), name, factor and digits of the price of robustness."""


def ask(stored: StoredRun, busy: bool) -> None:
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
                "replications": REPLAYS,
                "time_limit_s": seconds,
            }
            with widgets.refusal():
                job_progress.start(kind="hold", options=request)
                st.rerun()


@st.fragment(run_every=job_progress.POLL_S)
def watch(job: str) -> None:
    """Draw the progress of a search for a robust plan; when it is done, its run is shown."""
    status = queue.status(job)
    if status.ended:
        if status.state == "stored":
            session.choose(job)
        st.rerun()
    job_progress.waiting(status)
    share = wording.percent(queue.request(job)["given"]["level"], 1)
    if status.phase == "judge":
        says = tr("The plan is judged on new days.")
    else:
        says = tr("Round {number}: planning, then replays.", number=len(status.rounds) + 1)
    st.text(f"{tr('Searching a plan that holds on {asked} of the days.', asked=share)} {says}")
    began = queue.request(job)["at"]
    limit = wording.number(queue.request(job)["given"]["time_limit_s"], 0)
    seconds = wording.number(time.time() - began, 0)
    caption("{seconds} s since the request; time limit of the search {limit} s.", seconds=seconds, limit=limit)
    if status.rounds:
        draw(_rounds(status), {})
    job_progress.buttons(status, tr("Use the plan that held best so far"), bool(status.rounds))


def _rounds(status: JobStatus) -> pd.DataFrame:
    """A row per round of the search."""

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
    """Margins of a plan in words; keys as in ``emberline.planning.robustness.holding``."""
    for key, value in values.items():
        if (key, value) == PLAIN:
            continue
        stage, _, name = key.rpartition(".")
        says, unit = MARGINS[name]
        amount = wording.percent(value, 0) if unit == "%" else f"{wording.number(value, 1)} {unit}"
        yield f"{tr(says, stage=stage)}: {amount}"


def show(stored: StoredRun) -> None:
    """Draw how often a robust plan holds, compared with the plain plan, and its price; nothing for other plans."""
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
