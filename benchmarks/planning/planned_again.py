"""Days planned again: how long a look takes, how long a hundred days, and what is saved and kept next to printed plans.

Each plan is a draft without margins, the same on all days. Looks are timed in the middle of disturbed days. What looks
at the clock are worth is measured on the plan of a day that is made to hold.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import bench
from benchmarks.reporting.findings import Bar, Findings, Row, Table, measured
from emberline import twin
from emberline.planning import PLAIN, make_plan
from emberline.planning.engine.engine import engine
from emberline.planning.loop.following import shift
from emberline.planning.plan.record import Plan
from emberline.planning.planner import Steps
from emberline.planning.robustness.ensemble import Ensemble, ensemble
from emberline.planning.robustness.planned_again import most_days
from emberline.scenarios import load
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.records.replanning import Replanning
from emberline.twin.run import plants

DAYS, STATES, WORKERS = 100, 50, 2
NEVER_MIN = 1e5
CLOCKS = {
    "when something happens, hourly at least": Replanning(),
    **{f"every {hours:g} h": Replanning(every_min=60 * hours, late_min=NEVER_MIN, rest_min=60 * hours)
       for hours in (1, 3, 12)},
}  # fmt: skip
"""When a shift looks at its list."""
GRINDING = str(Path(__file__).parents[2] / "scenarios" / "library" / "templates" / "grinding-plant.yaml")
OF = {
    "melt-shop-small": (0.05, None), "melt-shop-day": (0.05, 60.0), "melt-shop-week": (0.5, None),
    GRINDING: (0.05, None), "cement-week": (0.5, None),
}  # fmt: skip
"""Seconds of a look at most, and of all days."""


def looks(plan: Plan) -> list[float]:
    """CPU seconds of looks in the middle of disturbed days."""
    assert plan.schedule is not None
    begin, length, seconds = plants(plan.scenario, plan.schedule), plan.scenario.horizon.length_min, []
    policy: Any = shift(begin(7, 0))
    for replication in range(STATES):
        plant = begin(7, replication)
        plant.run(length * (0.2 + 0.6 * replication / STATES))
        before = time.process_time()
        policy.decide(plant)
        seconds.append(time.process_time() - before)
    return seconds


def by_the_clock(name: str) -> Table:
    """Saving and days on which limits are kept with looks so many minutes apart and none between, and by default."""
    with quiet():
        plan = make_plan(load(name), Steps(front=False, again=False, rules=False))
    assert plan.schedule is not None
    listed, rows = twin.dispatch(plan.requested), list[Row]()
    metric = goal_metric(plan.scenario)
    _, scale, _ = metric.display
    with engine(WORKERS) as workers:
        for label, looks_at in CLOCKS.items():
            goal = plan.scenario.goal.model_copy(update={"replan": looks_at})
            days = ensemble(
                plan.scenario.model_copy(update={"goal": goal}), plan.schedule, DAYS, workers, seed=4242,
                dispatched=listed, planned_again=True,
            )  # fmt: skip
            assert days is not None
            assert days.other is not None
            if not rows:
                rows += worth("never, as printed", days, scale)
            rows += worth(label, days.other, scale)
    return Table(f"{name}: {DAYS} days by how often a shift looks", rows)


def worth(label: str, days: Ensemble, scale: float) -> list[Row]:
    """Rows of the median saving and of the days on which limits are kept."""
    unit, _, _ = goal_metric(days.scenario).display
    saved = days.quantiles()[f"saved_{goal_metric(days.scenario).figure}"]["p50"]
    share = 100 * days.chance[0]
    return [measured(f"{label}: saved", [scale * saved], unit), measured(f"{label}: limits kept", [share], "%")]


def savings(name: str, days: Ensemble, draft: float) -> list[Row]:
    """Rows of the saving and of the days on which limits are kept."""
    saved = days.quantiles()[f"saved_{goal_metric(days.scenario).figure}"]["p50"]
    low, high = (100 * share for share in days.chance[1:])
    return [
        measured(f"{name}: limits kept", [100 * days.chance[0]], "%", says=f"{low:.1f} to {high:.1f} %"),
        measured(f"{name}: saved, median ÷ undisturbed draft", [100 * saved / draft], "%"),
    ]


@bench("planned-again", "days planned again: a look, a hundred days, saving and limits kept (when named)", long=True)
def main() -> Findings:
    """Measure each plant."""
    tables = []
    for name, (look_s, all_s) in OF.items():
        with quiet():
            plan = make_plan(load(name, ["goal.hold=off"]), PLAIN, replications=0)
        assert plan.schedule is not None
        assert plan.replay_figures is not None
        metric, count = goal_metric(plan.scenario), most_days(plan.scenario)
        draft = metric.of(plan.baseline_figures) - metric.of(plan.replay_figures)
        rows = [measured("a look, CPU", looks(plan), bars=[Bar(look_s)])]
        listed = twin.dispatch(plan.scenario)
        with engine(WORKERS) as workers:
            before = time.perf_counter()
            both = ensemble(
                plan.scenario, plan.schedule, count, workers, seed=4242, dispatched=listed, planned_again=True
            )
            seconds = time.perf_counter() - before
        assert both is not None
        assert both.other is not None
        bars = [] if all_s is None else [Bar(all_s)]
        rows.append(measured(f"{count} days on {WORKERS} cores, printed and baseline too", [seconds], bars=bars))
        rows += savings("printed", both, draft) + savings("planned again", both.other, draft)
        baseline = 100 * float(np.mean(both.data["baseline_violations"].to_numpy() == 0))
        rows.append(measured("baseline: limits kept", [baseline], "%"))
        tables.append(Table(f"{plan.scenario.name}: {count} days", rows))
    return Findings([*tables, by_the_clock("melt-shop-day")])
