"""Charts that compare several plans: differences of figures, Gantt charts, imports, moved heats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from emberline.planning.plan import Plan
from emberline.reports.charts import gantt as gantts
from emberline.reports.charts import palette
from emberline.reports.charts.gantt import Layers
from emberline.reports.charts.plan import below_each_other
from emberline.reports.charts.site_panels import y_axis
from emberline.reports.charts.view import TOP, View, pointer_rule, shades, time_axis, tips
from emberline.reports.text import tr, wording
from emberline.reports.text.activities import replay_of
from emberline.scenarios import Scenario
from emberline.studies.difference import HeatMove

SHADES = ("#4477AA", "#EE6677", "#228833", "#B8960C", "#AA3377")
"""Colours of the plans in order (Tol's bright scheme with a darker yellow); each plan also has a dash and a letter."""
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4])
MAX_FIGURES, MAX_MOVES = 12, 40
WIDEST = 0.25
"""Largest relative difference that a bar shows."""


def shares(rows: Sequence[tuple[str, Mapping[str, float | None]]], letters: Sequence[str]) -> Layers:
    """Draw the relative differences of figures from the first plan, with the largest differences first.

    Args:
        rows: name of a figure, and its relative difference for each of the other plans; None: not available.
        letters: letters of all plans, starting with the first.
    """
    entries = [
        {"figure": figure, "plan": letter, "share": share, "says": _share_text(share)}
        for figure, by_letter in rows[:MAX_FIGURES]
        for letter, share in by_letter.items()
        if share is not None
    ]
    frame = pd.DataFrame(entries, columns=["figure", "plan", "share", "says"])
    # a figure near zero would dwarf the others: its bar is clipped, and the number next to it is exact
    frame["bar"] = frame["share"].clip(-WIDEST, WIDEST)
    others, figures = list(letters[1:]), list(dict.fromkeys(frame["figure"]))
    largest = min(float(frame["share"].abs().max()), WIDEST) if len(frame) else WIDEST
    more_or_less = tr("more or less than {first}", first=letters[0])
    scale = alt.Scale(domain=[-1.5 * largest, 1.5 * largest], clamp=True)
    x = alt.X("bar:Q", title=more_or_less, scale=scale, axis=alt.Axis(format="+.1%", tickCount=6))
    names = alt.Axis(labelLimit=260, ticks=False, domain=False, labelOverlap=False)
    y = alt.Y("figure:N", sort=figures, title=None, axis=names)
    shade_of = dict(zip(letters, SHADES, strict=False))
    colour = shades("plan", {letter: shade_of[letter] for letter in others}, TOP if len(others) > 1 else None)
    tooltip = tips({"figure": tr("figure"), "plan": tr("plan"), "says": more_or_less})
    offset = alt.YOffset("plan:N", sort=others)
    base = alt.Chart(frame).encode(x=x, y=y, yOffset=offset, tooltip=tooltip)
    bars = base.mark_bar(height=max(5, 16 - 3 * len(others))).encode(color=colour)
    more, less = (base.transform_filter(f"datum.share {sign} 0") for sign in (">=", "<"))
    positive = more.mark_text(align="left", dx=4, fontSize=10, color=palette.BASELINE)
    negative = less.mark_text(align="right", dx=-4, fontSize=10, color=palette.BASELINE)
    zero = alt.Chart(pd.DataFrame({"bar": [0.0]})).mark_rule(color=palette.BASELINE).encode(x=x)
    layers = [bars, positive.encode(text="says:N"), negative.encode(text="says:N"), zero]
    each = 12 + 12 * len(others)
    return alt.layer(*layers).properties(height=each * len(figures) + 110)


def clipped(rows: Sequence[tuple[str, Mapping[str, float | None]]]) -> bool:
    """Return whether a bar of these rows is clipped; arguments as in ``shares``."""
    return any(abs(share or 0.0) > WIDEST for _, by_letter in rows[:MAX_FIGURES] for share in by_letter.values())


def _share_text(share: float) -> str:
    """Format a relative difference with its sign, and a mark if its bar is clipped."""
    text = f"{'+' if share > 0 else ''}{wording.percent(share, 1)}"
    if abs(share) <= WIDEST:
        return text
    return f"» {text}" if share > 0 else f"{text} «"


def together(plans: Mapping[str, Plan], view: View) -> alt.VConcatChart:
    """Draw the Gantt charts of all plans and their imports on a common time axis.

    Args:
        plans: plans with replays by letter, all with the same horizon.
        view: visible part of the horizon.
    """
    rows = [panel for letter, plan in plans.items() if (panel := gantt(letter, plan, view)) is not None]
    panels = below_each_other([*rows, imports(plans, view)], view)
    panels.resolve.scale.strokeDash = "independent"
    return panels


def gantt(letter: str, plan: Plan, view: View) -> Any:
    """Draw the Gantt chart of a plan; None for a site without units."""
    scenario = plan.scenario
    if not gantts.rows_of(scenario):
        return None
    chart = gantts.of_run(scenario, replay_of(plan), None, view, letter)
    title = alt.Title(tr("plan {letter}", letter=letter), anchor="start", fontSize=13, offset=4)
    return chart.properties(title=title)


def imports(plans: Mapping[str, Plan], view: View) -> Layers:
    """Draw the grid import of each plan over time as lines."""
    letters, horizon = list(plans), view.horizon
    at = view.edges_min
    parts = []
    for letter, plan in plans.items():
        means = view.mean(replay_of(plan)["import_mw"].to_numpy()).round(3)
        parts.append(pd.DataFrame({"plan": letter, "start": at, "mw": np.append(means, means[-1])}))
    frame = pd.concat(parts)
    clocks = {minute: wording.moment(horizon.instant(minute)) for minute in at.tolist()}
    frame["clock"] = frame["start"].map(clocks)
    legend = alt.Legend(title=None, orient="top", symbolType="stroke", symbolStrokeWidth=3)
    colour = shades("plan", dict(zip(letters, SHADES, strict=False)), legend)
    dash = alt.StrokeDash("plan:N", scale=alt.Scale(domain=letters, range=list(DASHES[: len(letters)])), legend=legend)
    x = time_axis(view, labels=True, title=True)
    y = alt.Y("mw:Q", title=[tr("grid import"), "[MW]"], axis=y_axis())
    line = alt.Chart(frame).mark_line(interpolate="step-after", strokeWidth=1.8, clip=True)
    wide = frame.pivot(index=["start", "clock"], columns="plan", values="mw").reset_index()
    tooltip = tips({"clock": tr("from"), **{letter: (f"{letter} [MW]", ",.1f") for letter in letters}})
    layers = [line.encode(x=x, y=y, color=colour, strokeDash=dash), pointer_rule(alt.Chart(wide), tooltip, x=x)]
    return alt.layer(*layers).properties(height=170)


def moves(changes: Sequence[HeatMove], stage: str, scenario: Scenario, letters: tuple[str, str]) -> Layers:
    """Draw the moves of heats at a stage: an open symbol for the start in the first plan, a filled one for the second.

    Args:
        changes: moved heats; at most ``MAX_MOVES`` are drawn, largest moves first.
        stage: name of the stage.
        scenario: scenario with the horizon of the time axis.
        letters: letters of the two plans.
    """
    earlier, later = tr("earlier"), tr("later")
    rows: list[dict[str, Any]] = []
    for heat in changes:
        for move in heat.stages:
            if move.stage != stage or move.later_min is None or move.before_min is None or move.after_min is None:
                continue
            units = "" if move.before_unit == move.after_unit else f"{move.before_unit} → {move.after_unit}"
            rows.append(
                {
                    "heat": heat.heat,
                    "start": move.before_min,
                    "to": move.after_min,
                    "later": move.later_min,
                    "way": later if move.later_min > 0 else earlier,
                    "from_clock": wording.moment(scenario.horizon.instant(move.before_min)),
                    "to_clock": wording.moment(scenario.horizon.instant(move.after_min)),
                    "unit": units or move.after_unit,
                    "label": units,
                    "moved": f"{'+' if move.later_min > 0 else ''}{wording.number(move.later_min, 0)} min",
                }
            )
    rows = sorted(sorted(rows, key=lambda row: -abs(row["later"]))[:MAX_MOVES], key=lambda row: row["start"])
    frame = pd.DataFrame(rows)
    heats = frame["heat"].tolist()
    x = time_axis(View.of(scenario.horizon), labels=True, title=True)
    axis = alt.Axis(ticks=False, domain=False, grid=True, labelOverlap=False)
    y = alt.Y("heat:N", sort=heats, title=tr("heat"), axis=axis)
    colour = shades("way", {earlier: palette.IMPORT, later: palette.CARBON})
    first, second = (tr("start in {plan}", plan=letter) for letter in letters)
    titles = {"heat": tr("heat"), "moved": tr("moved"), "from_clock": first, "to_clock": second, "unit": tr("unit")}
    tooltip = tips(titles)
    base = alt.Chart(frame).encode(x=x, y=y, color=colour, tooltip=tooltip)
    layers = [
        base.mark_rule(strokeWidth=2.2).encode(x2="to:Q"),
        base.mark_point(size=46, strokeWidth=1.8, fill="white"),
        base.mark_point(size=70, filled=True, opacity=1).encode(x=alt.X("to:Q")),
    ]
    if frame["label"].any():
        layers.append(base.mark_text(align="left", dx=9, fontSize=10).encode(x=alt.X("to:Q"), text="label:N"))
    return alt.layer(*layers).properties(height=20 * len(heats) + 140)
