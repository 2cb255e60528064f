"""Fast replays against SimPy: a thousand disturbed days as plain arrays and as recorded runs, and what recourse does.

Each day is followed and added up both ways, in turns, so that a slow minute of the machine hits both. Every figure and
every miss must be the same to the last bit.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import xarray as xr

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Row, Table, measured
from emberline.planning import loop
from emberline.planning.accounts.sums import figures
from emberline.planning.engine.engine import Engine
from emberline.planning.planner import PLAIN, make_plan
from emberline.planning.robustness import ensemble
from emberline.scenarios import Case, load
from emberline.scenarios.columns import Columns
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin import dispatch, replays, violations

DAYS = 1000
OF_WEEK = 100
PART = 50
BAR = Bar(1 / 3, "ratio")
RULES: dict[str, dict[str, float | bool]] = {
    "none": {},
    "casters 10 % slower": {"cast_longer_share": 0.1},
    "power held back by 30 %": {"less_power_share": 0.3},
    "starts held back 30 min": {"start_later_min": 30},
    "three casts ended early": {"end_cast_most": 3},
    "three heats go back": {"return_most": 3},
    "all of them": {
        "cast_longer_share": 0.1, "less_power_share": 0.3, "start_later_min": 30, "end_cast_most": 3, "return_most": 3,
    },
}  # fmt: skip


def violation_rows(run: xr.Dataset | Columns) -> list[tuple[Any, ...]]:
    """The violations of a run, in the order of their moments."""
    names = ("kind", "heat", "unit", "at_min", "amount", "measure")
    return list(zip(*(run[f"violation_{name}"].values.tolist() for name in names), strict=True))


def compared(name: str, days: int) -> list[Row]:
    """Seconds for a day, recorded in SimPy, as plain arrays, and with what was missed only."""
    case = load(name)
    schedule = dispatch(case)
    schedule.attrs.pop("policy")
    slow, fast, steering = [], [], []
    for first in range(0, days, PART):
        numbers = range(first, min(first + PART, days))
        began = time.perf_counter()
        recorded = [
            (figures(case, run, nominated=schedule), violation_rows(run)) for run in replays(case, schedule, numbers)
        ]
        middle = time.perf_counter()
        followed = (day.columns for day in loop.days(case, schedule, numbers))
        plain = [(figures(case, run, nominated=schedule), violation_rows(run)) for run in followed]  # type: ignore[arg-type]
        end = time.perf_counter()
        missed = list(violations(case, schedule, numbers))
        steering.append((time.perf_counter() - end) / len(numbers))
        fast.append((end - middle) / len(numbers))
        slow.append((middle - began) / len(numbers))
        if recorded != plain:
            raise Wrong(f"{name}: plain runs {first} to {numbers[-1]} differ from those of SimPy")
        if [[row[:2] for row in day] for day in missed] != [[row[:2] for row in rows] for _, rows in recorded]:
            raise Wrong(f"{name}: what is missed in runs {first} to {numbers[-1]} differs from SimPy")
    text = f"{days} days, the same to the last bit"
    return [
        measured(f"{name}: recorded in SimPy", slow),
        measured(f"{name}: plain arrays", fast, reference=slow, bars=[BAR], says=text),
        measured(f"{name}: what is missed", steering, reference=slow, bars=[BAR], says="days that steer margins"),
    ]


def broken(case: Case, days: int) -> list[Row]:
    """Share of days on which a draft breaks with each rule, with the same disturbances."""
    with quiet():
        schedule = make_plan(case, PLAIN, replications=0).schedule
    assert schedule is not None
    rows = []
    for name, rule in RULES.items():
        with_rule = case.model_copy(update={"recourse": Recourse.model_validate(rule)})
        judged = ensemble.ensemble(with_rule, schedule, days, Engine())
        assert judged is not None
        share = 1 - judged.chance[0]
        text = f"acts on {100 * judged.recourse_days / days:.0f} % of the days"
        counts = dict.fromkeys(("cast", "wait", "import", "unfinished"), 0)
        for kind in counts:
            mine = np.flatnonzero(judged.data["limit_kind"].values == kind)
            counts[kind] = int((judged.data["missed"].to_numpy()[:, mine] > 0).any(axis=1).sum())
        text += "; days with a miss: " + ", ".join(f"{kind} {count}" for kind, count in counts.items())
        rows.append(measured(name, [100 * share], "% of the days", says=text))
    return rows


@bench("replays", "disturbed days as plain arrays against SimPy, and days that break with and without recourse")
def main() -> Findings:
    """Compare both ways, then the rules."""
    rows = [*compared("melt-shop-day", DAYS), *compared("melt-shop-week", OF_WEEK)]
    tables = [Table("A disturbed day, followed and added up", rows, "recorded runs in SimPy")]
    case = load("melt-shop-day", ["site.grid.import_limit_mw=200"])  # tighter, so that load management has to act
    return Findings([*tables, Table("Days that break with each rule of recourse", broken(case, DAYS // 2))])
