"""What came of many replays of a plan: the chance to hold, the import over time, figures, and what breaks it."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from emberline.plans.plan import Plan
from emberline.plans.robustness import Ensemble
from emberline.plans.store import StoredRun, StoreError, ensembles
from emberline.ui.charts import ensemble
from emberline.ui.charts.view import View, weeks
from emberline.ui.pages.result.accounts import draw
from emberline.ui.pages.session import chart_cache
from emberline.ui.text import wording
from emberline.ui.text.language import mark, tr, trn
from emberline.ui.text.messages import say

Stamp = tuple[str, int]
"""Which ensemble: its file, and when it was written."""
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
    (mark("carbon saved against the baseline"), "t CO2e", "saved_carbon_kg", 1e-3, 2),
    (mark("cost saved against the baseline"), "", "saved_cost", 1.0, 0),
)
"""Label, unit (empty: currency), name, factor and digits of what quantiles are told of."""
OF_HEATS, OF_PROCESSES = ("late_heats", "late_t"), ("missed_deliveries", "short_t")


@st.cache_resource(max_entries=8, show_spinner=False)
def _read(path: str, written_ns: int, _stored: StoredRun, seed: int) -> Ensemble:
    """An ensemble as it is on the disk, read once."""
    return ensembles.read(_stored, seed)


def show(stored: StoredRun, seed: int) -> None:
    """Draw a kept ensemble of a run, by its seed."""
    path: Path = stored.folder / f"ensemble-{seed}.nc"
    stamp = (str(path), path.stat().st_mtime_ns)
    try:
        made = _read(*stamp, stored, seed)
    except StoreError as error:
        st.warning(say(str(error)))
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
        says = tr("The chance to hold with its interval, of plan and baseline, as told beside.")
        chart_cache.chart(("chance", *stamp), lambda: ensemble.chance(made), says)


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
    if made.against_baseline:
        kept = int((made.data["baseline_violations"] == 0).sum())
        lines.append(tr("The baseline schedule holds in {held} of {n}, on the same luck.", held=kept, n=made.n))
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
    chart_cache.chart(("fan", *stamp, view.span_min), lambda: ensemble.fan(made, plan, view), says)
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
            chart_cache.chart(
                ("dots", name, *stamp), partial(ensemble.dots, made, name, title, factor, undisturbed),
                tr("How the replays scatter: {figure}; the table below has quantiles.", figure=title),
            )  # fmt: skip
    says = tr("Each dot is 5 % of the replays; dashed: the plan undisturbed.")
    if made.against_baseline:
        says = tr(
            "Each dot is 5 % of the replays: the plan's above the line, the baseline's below; dashed: undisturbed."
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
    names = [tr("figure"), say("unit"), "P10", tr("median"), "P90"]
    st.table(pd.DataFrame(rows, columns=names).set_index(names[0]))


def _broken(made: Ensemble, stamp: Stamp, view: View) -> None:
    st.markdown(f"**{tr('What breaks it')}**")
    rows = made.broke()
    if not rows:
        st.text(tr("No limit was missed in any of the {n} replays.", n=made.n))
        return
    chart_cache.chart(
        ("broken", *stamp, view.span_min), lambda: ensemble.broken(made, view),
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
