"""The page Robustness: a plan followed through many disturbed days, how often it holds and what breaks it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from plans import ensembles, jobs
from plans.ensemble import Ensemble, disturbed, interval
from plans.plan import Plan
from plans.store import StoredRun, StoreError
from ui import ensemble_charts, wording
from ui.language import mark, tr, trn
from ui.pages import drawn, holding, picking, result, working
from ui.pages.accounts import draw
from ui.said import said
from ui.view import View, weeks

Stamp = tuple[str, int]
"""Which ensemble: its file, and when it was written."""
REPLAYS, MOST_REPLAYS = 200, 10_000
ROWS = 40
"""Limits that are listed."""
FIGURES = (
    (mark("carbon"), "t CO2e", "carbon_kg", 1e-3, 2),
    (mark("cost"), "", "cost", 1.0, 0),
    (mark("peak, metered mean"), "MW", "peak_mw", 1.0, 1),
    (mark("late heats"), mark("heats"), "late_heats", 1.0, 1),
    (mark("late"), "t", "late_t", 1.0, 0),
    (mark("missed deliveries"), mark("deliveries"), "missed_deliveries", 1.0, 1),
    (mark("not delivered"), "t", "short_t", 1.0, 1),
    (mark("carbon saved against the foreman"), "t CO2e", "saved_carbon_kg", 1e-3, 2),
    (mark("cost saved against the foreman"), "", "saved_cost", 1.0, 0),
)
"""Label, unit (empty: currency), name, factor and digits of what quantiles are told of."""
OF_HEATS, OF_PROCESSES = ("late_heats", "late_t"), ("missed_deliveries", "short_t")


def page() -> None:
    """Draw the page for the run that is looked at."""
    with st.sidebar:
        place = st.empty()
        run = picking.one(tr("Plan"))
    st.subheader(tr("Does the plan hold when the day does not go as planned?"), anchor=False)
    if not run:
        st.text(tr("Choose a plan at the side: it is followed again and again, with spread and breakdowns."))
        return
    try:
        stored = result.opened(run)
    except StoreError as error:
        st.warning(said(str(error)))
        return
    made = stored.plan
    st.text(f"{made.scenario.title or made.scenario.name}, {wording.span(made.scenario.horizon)}")
    st.text(tr("Plan {run}: {status}.", run=run[:8], status=wording.status(made)))
    if made.schedule is None:
        st.info(tr("This run has no schedule to follow. Choose another plan, or loosen its limits and plan again."))
        return
    if not disturbed(made.scenario):
        st.info(
            tr(
                "Nothing is disturbed in this scenario, so that every replay is as planned. Give spreads of durations, "
                "energies or rates, or breakdowns, under disturbances, and plan again."
            )
        )
        return
    job = jobs.about(run, "replay")
    known = [working.known(about) for about in (job, jobs.about(run, "hold")) if about]
    status = next((one for one in known if one is not None and not one.ended), None)
    with st.sidebar:
        _ask(stored, place, status is not None)
        holding.ask(stored, status is not None)
    if status is not None:
        watch = holding.watch if status.kind == "hold" else _running
        watch(status.run)
        return
    for ended in known:
        if ended is not None and ended.state != "stored":
            working.ended_badly(ended, tr("Press the button at the side to try again."))
    holding.show(stored)
    seeds = ensembles.seeds(stored)
    if not seeds:
        _empty(made)
        return
    _show(stored, _seed(stored, seeds, job))


def _ask(stored: StoredRun, place: Any, busy: bool) -> None:
    own = stored.plan.scenario.disturbances.seed
    n = int(
        st.number_input(
            tr("Disturbed replays"), min_value=1, max_value=MOST_REPLAYS, value=REPLAYS, step=50, key="robustness.n",
            help=tr("Four times as many halve the interval of the chance to hold"),
        )
    )  # fmt: skip
    seed = int(
        st.number_input(
            tr("Seed of the luck"), min_value=0, max_value=2**53 - 1, value=min(own, 2**53 - 1), step=1,
            key=f"robustness.seed.{stored.id}",
            help=tr("The same seed gives the same luck; what another one gives is kept beside"),
        )
    )  # fmt: skip
    foreman = st.toggle(tr("Follow the foreman on the same luck"), value=True, key="robustness.foreman")
    if place.button(tr("Replay"), type="primary", width="stretch", disabled=busy, key="robustness.start"):
        given = {"run": stored.id, "replications": n, "seed": seed, "foreman": foreman}
        try:
            jobs.start(kind="replay", given=given)
        except RuntimeError as error:
            st.warning(said(str(error)))
            return
        st.rerun()


def _empty(made: Plan) -> None:
    says = tr(
        "Press Replay at the side: the twin follows this schedule again and again, each time with luck of its own."
    )
    if made.replays is not None and made.replays.n:
        held, n = made.replays.held, made.replays.n
        low, high = (wording.percent(share, 0) for share in interval(held, n))
        says += " " + tr(
            "When it was made, the plan held in {held} of {n} such replays (95 % interval {low} to {high}).",
            held=held, n=n, low=low, high=high,
        )  # fmt: skip
    st.text(says)


@st.fragment(run_every=working.POLL_S)
def _running(job: str) -> None:
    status = jobs.status(job)
    if status.ended:
        st.rerun()
    working.waiting(status)
    if status.of:
        says = tr("{done} of {of} disturbed replays", done=status.done, of=status.of)
        st.progress(status.done / status.of, text=says)
    first, second, _ = st.columns(3)
    if status.done:
        low, high = interval(status.held, status.done)
        first.metric(
            tr("Held so far"), tr("{held} of {n}", held=status.held, n=status.done), border=True
        )  # fmt: skip
        second.metric(
            tr("Chance to hold, 95 % interval"),
            f"{wording.percent(low, 0)} – {wording.percent(high, 0)}",
            border=True,
        )
    working.buttons(status, tr("Take the replays done so far"), status.done > 0)


def _seed(stored: StoredRun, seeds: list[int], job: str | None) -> int:
    """The seed of the ensemble that is shown: the last one that was asked for, unless another is chosen."""
    asked = jobs.request(job).get("given", {}).get("seed") if job else None
    shown = asked if asked in seeds else seeds[-1]
    if len(seeds) == 1:
        return seeds[0]
    return int(
        st.selectbox(tr("Ensemble, by its seed"), seeds, index=seeds.index(shown), key=f"robustness.shown.{job}")
    )


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(path: str, written_ns: int, _stored: StoredRun, seed: int) -> Ensemble:
    """An ensemble as it is on the disk, read once."""
    return ensembles.read(_stored, seed)


def _show(stored: StoredRun, seed: int) -> None:
    path: Path = stored.folder / f"ensemble-{seed}.nc"
    stamp = (str(path), path.stat().st_mtime_ns)
    try:
        made = _read(*stamp, stored, seed)
    except StoreError as error:
        st.warning(said(str(error)))
        return
    _chance(made, stamp)
    views = weeks(made.scenario.horizon)
    view = next(iter(views.values()))
    if len(views) > 1:
        names = list(views)[1:]
        view = views[st.selectbox(tr("Part of the horizon"), names, key="robustness.part")]
    _fan(made, stamp, stored.plan, view)
    _figures(made, stamp, stored.plan)
    _broken(made, stamp, view)


def _chance(made: Ensemble, stamp: Stamp) -> None:
    share, low, high = made.chance
    left, right = st.columns([2, 3], gap="medium", vertical_alignment="center")
    with left.container(border=True, gap="xxsmall"):
        st.metric(tr("Chance to hold"), wording.percent(share, 1))
        st.text(
            tr(
                "95 % interval {low} to {high}: no limit missed in {held} of {n} disturbed replays.",
                low=wording.percent(low, 1), high=wording.percent(high, 1), held=made.held, n=made.n,
            )
        )  # fmt: skip
        for line in _beside(made, low, high):
            st.text(line)
    with right:
        says = tr("The chance to hold with its interval, of plan and foreman, as told beside.")
        drawn.chart(("chance", *stamp), lambda: ensemble_charts.chance(made), says)


def _beside(made: Ensemble, low: float, high: float) -> list[str]:
    lines = []
    wanted = made.scenario.disturbances.hold
    if wanted is not None:
        asked = wording.percent(wanted, 0)
        if low >= wanted:
            lines.append(tr("✓ {asked} were asked for.", asked=asked))
        elif high < wanted:
            lines.append(tr("✕ {asked} were asked for.", asked=asked))
        else:
            lines.append(tr("{asked} were asked for: more replays are needed to tell.", asked=asked))
    if made.against_foreman:
        kept = int((made.data["baseline_violations"] == 0).sum())
        lines.append(tr("The foreman's list holds in {held} of {n}, on the same luck.", held=kept, n=made.n))
    if made.n < made.asked:
        lines.append(tr("Ended early: {asked} replays were asked for.", asked=made.asked))
    broken = made.n - made.held
    if broken and made.scenario.heats:
        lines.append(
            tr(
                "A unit had broken down before in {after} of the {broken} replays that did not hold.",
                after=made.after_breakdown, broken=broken,
            )
        )  # fmt: skip
    return lines


def _fan(made: Ensemble, stamp: Stamp, plan: Plan, view: View) -> None:
    st.markdown(f"**{tr('Import from the grid over time')}**")
    if "fan_mw" not in made.data:
        st.text(tr("This ensemble was made by an earlier release, which kept no import over time. Replay it again."))
        return
    says = tr("Quantiles of the import over time, the plan without disturbance, and the contracted import.")
    drawn.chart(("fan", *stamp, view.span_min), lambda: ensemble_charts.fan(made, plan, view), says)
    n = int(made.data["fan_of"])
    says = trn(
        "Of the first {count} disturbed replay, in each metered interval by itself.",
        "Of the first {count} disturbed replays, in each metered interval by itself.",
        n,
    )
    st.caption(f"{says} {tr('Red dashes: contracted import.')}" if _limited(made) else says)


def _limited(made: Ensemble) -> bool:
    return made.scenario.site.grid.import_limit_mw is not None


def _figures(made: Ensemble, stamp: Stamp, plan: Plan) -> None:
    st.markdown(f"**{tr('What the replays come to')}**")
    money, own = made.scenario.market.currency, plan.replay_figures
    told = (
        ("carbon_kg", tr("carbon [t CO2e]"), 1e-3),
        ("cost", tr("cost [{unit}]", unit=money), 1.0),
        ("peak_mw", tr("peak, metered mean [MW]"), 1.0),
    )
    for place, (name, title, factor) in zip(st.columns(3), told, strict=True):
        undisturbed = None if own is None else float(getattr(own, name))
        with place:
            drawn.chart(
                ("dots", name, *stamp), partial(ensemble_charts.dots, made, name, title, factor, undisturbed),
                tr("How the replays scatter: {figure}; the table below has quantiles.", figure=title),
            )  # fmt: skip
    says = tr("Each dot is 5 % of the replays; dashed: the plan undisturbed.")
    if made.against_foreman:
        says = tr(
            "Each dot is 5 % of the replays: the plan's above the line, the foreman's below; dashed: undisturbed."
        )
    st.caption(says)
    found, left_out = made.quantiles(), OF_PROCESSES if made.scenario.heats else OF_HEATS
    rows = [
        (
            tr(label),
            tr(unit) if unit else money,
            *(wording.number(found[name][q] * factor, digits) for q in ("p10", "p50", "p90")),
        )
        for label, unit, name, factor, digits in FIGURES
        if name in found and name not in left_out
    ]
    names = [tr("figure"), said("unit"), "P10", tr("median"), "P90"]
    st.table(pd.DataFrame(rows, columns=names).set_index(names[0]))


def _broken(made: Ensemble, stamp: Stamp, view: View) -> None:
    st.markdown(f"**{tr('What breaks it')}**")
    rows = made.broke()
    if not rows:
        st.text(tr("No limit was missed in any of the {n} replays.", n=made.n))
        return
    drawn.chart(
        ("broken", *stamp, view.span_min), lambda: ensemble_charts.broken(made, view),
        tr("In which hours which limit is missed, and how often; the table below has the worst hour of each."),
    )  # fmt: skip
    st.caption(
        tr(
            "The deeper, the more replays in which a limit is missed in that hour; beside its name the share of the "
            "replays in which it is missed at all. What comes after the horizon's end is in the table."
        )
    )
    horizon = made.scenario.horizon

    def hour(row: dict[str, Any]) -> str:
        if row["hour"] * 60 >= horizon.length_min:
            return tr("after the end")
        return wording.moment(horizon.instant(row["hour"] * 60))

    table = pd.DataFrame(
        {
            tr("limit"): [tr(wording.KINDS.get(row["kind"], row["kind"])) for row in rows[:ROWS]],
            tr("stage"): [row["stage"] or ("" if row["unit"] else tr("site")) for row in rows[:ROWS]],
            tr("unit"): [row["unit"] for row in rows[:ROWS]],
            tr("first of all, replays"): [row["first"] for row in rows[:ROWS]],
            tr("missed, replays"): [row["replications"] for row in rows[:ROWS]],
            tr("missed [%]"): [100 * row["replications"] / made.n for row in rows[:ROWS]],
            tr("by at most"): [f"{wording.number(row['amount'], 1)} {row['measure']}" for row in rows[:ROWS]],
            tr("most often within the hour from"): [hour(row) for row in rows[:ROWS]],
        }
    )
    draw(table, {tr("missed [%]"): 1})
    if len(rows) > ROWS:
        st.caption(trn("And {count} more.", "And {count} more.", len(rows) - ROWS))
