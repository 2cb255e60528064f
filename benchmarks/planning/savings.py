"""Savings of the bundled scenarios against the baseline, with intervals, next to what a simple rule reaches.

Each scenario is planned as the command line does it: where it has disturbances, the plan is one that holds. The saving
is the median of the disturbed replays with P10 and P90, plan and baseline under the same disturbances, of the plan as
printed and planned again; undisturbed where nothing is disturbed. The simple rule is the best of
``planning/answer/rules.py``: units rest in the worst hours of each day, or a peak is set and kept.
"""

from __future__ import annotations

import time

from benchmarks.instruments.quiet import quiet
from benchmarks.planning.days import SEEDS, day_of, scenario, shared
from benchmarks.registry import bench, included
from benchmarks.reporting.findings import Findings, Table, measured
from emberline.planning import Plan, make_plan
from emberline.planning.answer import answer
from emberline.planning.answer.record import Headline, Saving
from emberline.scenarios import bundled, load
from emberline.scenarios.goal_metrics import goal_metric

LONGEST_MIN = 8 * 24 * 60
"""Longer horizons are left out."""
HEAD = (
    "scenario", "goal", "to expect", "share", "P10 to P90", "holds", "printed: to expect", "P10 to P90",
    "holds", "baseline holds", "undisturbed", "simple rule, undisturbed", "best plan, at most",
)  # fmt: skip


def row(result: Plan) -> list[str]:
    """The row of a plan; its cells are texts."""
    first = answer(result)
    name, goal = result.scenario.name, result.scenario.goal.minimize
    if first is None or first.headline.carbon is None or first.headline.cost is None:
        return [name, goal, "not compared", *["–"] * (len(HEAD) - 3)]
    head: Headline = first.headline
    money = goal_metric(result.scenario).money
    saving, scale = (head.cost, 1.0) if money else (head.carbon, 1e-3)
    assert saving is not None
    unit = head.currency if money else "t CO2e"
    rule, holding, printed = head.rule, head.holding, head.printed

    def span(one: Saving | None) -> str:
        if one is None or one.p10 is None or one.p90 is None:
            return "–"
        return f"{one.p10 * scale:,.1f} to {one.p90 * scale:,.1f}"

    def percent(share: float | None) -> str:
        return "–" if share is None else f"{100 * share:.0f} %"

    alone = None if printed is None else printed.saving
    return [
        name, goal, f"{saving.expected * scale:,.1f} {unit}", f"{100 * saving.share:.2f} %", span(saving),
        percent(None if holding is None else holding.share),
        "–" if alone is None else f"{alone.expected * scale:,.1f}", span(alone),
        percent(None if printed is None else printed.holding.share),
        percent(None if holding is None else holding.baseline_share), f"{saving.net * scale:,.1f}",
        "–" if rule is None else f"{rule.saved * scale:,.1f}",
        "–" if head.to_best is None else f"{head.to_best * scale:,.1f} more",
    ]  # fmt: skip


def markdown(rows: list[list[str]]) -> str:
    """A table for a page."""
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


@bench("savings", "bundled scenarios and ten real days: savings with intervals, next to a simple rule", long=True)
def main() -> Findings:
    """Print the table of ``docs/savings.md``; ``--part`` picks some by name or date."""
    cases = [(name, load(name)) for name in bundled() if load(name).horizon.length_min <= LONGEST_MIN]
    folder = shared()
    if folder is not None:
        cases += [(f"melt-shop-day, prices of {day}", scenario(day, folder)) for day in map(day_of, SEEDS)]
    rows, seconds = [], []
    for label, case in cases:
        if not included(label):
            continue
        began = time.perf_counter()
        with quiet():
            result = make_plan(case)
        seconds.append(measured(label, [time.perf_counter() - began]))
        rows.append([label, *row(result)[1:]])
        print(markdown(rows[-1:]), flush=True)
    print(markdown(rows))
    return Findings([Table("Seconds of each plan", seconds)])
