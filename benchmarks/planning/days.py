"""How fast a day is planned: 24 heats on 15 and on 5 min with the peak limit, ten days of 2024 drawn by seed.

The reference melt shop (``melt-shop-day``) on real prices and carbon intensities. Reported for each day: seconds until
the first plan and until the gap is proven to be 1 %, counted from the start of the optimization; the twin's preparation
(durations and the baseline schedule, which starts the search) is listed too. Needs the shared folder of real series:
EMBERLINE_SHARED, or ``shared`` next to the checkout.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import bench
from benchmarks.reporting.findings import NEVER, Bar, Findings, Table, measured, number
from emberline import models, twin
from emberline.scenarios import Case, load

SEEDS = range(10)
BAR_S, BAR_FIRST_S, BAR_GAP = 10.0, 3.0, 0.01
LIMIT_S = 60.0
"""Time limit on 15 min: what misses the bar is reported, too."""
FINE_S = 15.0
FINE_GAPS = (Bar(1.0, "median"), Bar(1.5, "worst"))
"""On 5 min: seconds, and gaps [%]."""
MISSING = "left out: the shared folder of real series is missing (put it next to the checkout or set EMBERLINE_SHARED)"


@dataclass(frozen=True)
class Run:
    """One day's plan."""

    seed: int
    day: date
    prepared_s: float
    first_s: float
    reached_s: float
    """Seconds until the gap was proven; infinite where it was not."""
    gap: float
    status: str


def shared() -> Path | None:
    """The shared folder, None where there is none."""
    root = Path(__file__).resolve().parents[2]
    folder = Path(os.environ.get("EMBERLINE_SHARED") or root.parent / "shared")
    return folder if (folder / "data" / "de_2024_hourly.csv").is_file() else None


def day_of(seed: int) -> date:
    """A day of 2024, another one for each seed; the first and last are left out, they reach into other years in UTC."""
    days = np.random.Generator(np.random.Philox(key=2024)).permutation(364)
    return date(2024, 1, 2) + timedelta(days=int(days[seed]))


def scenario(day: date, folder: Path, name: str = "melt-shop-day", more: Sequence[str] = ()) -> Case:
    """A bundled scenario on real prices and intensities, the reference shop on a day unless said otherwise.

    Args:
        day: first day.
        folder: the shared folder.
        name: of the scenario.
        more: further overrides.
    """
    series = f"csv: '{(folder / 'data' / 'de_2024_hourly.csv').resolve()}', interval_min: 60"
    return load(
        name,
        [
            f"horizon.start={day.isoformat()}",
            f"market.price_per_mwh={{{series}, column: price_eur_per_mwh}}",
            f"market.carbon_intensity_kg_per_mwh={{{series}, column: carbon_intensity_lifecycle_kg_per_mwh}}",
            "market.marginal_carbon_intensity_kg_per_mwh=null",
            f"goal.gap={BAR_GAP}",
            *more,
        ],
    )


def run(seed: int, folder: Path, step_min: int = 15, limit_s: float = LIMIT_S) -> Run:
    """Plan one day."""
    day = day_of(seed)
    more = (f"horizon.step_min={step_min}", f"goal.effort={limit_s:g}")
    result = scenario(day, folder, more=more)
    result.inputs  # noqa: B018  reading the file is no part of the search
    began = time.perf_counter()
    envelope = twin.envelope(result)
    listed = twin.dispatch(result, envelope)
    prepared = time.perf_counter() - began
    first = float("inf")
    began = time.perf_counter()

    def tell(event: dict) -> None:
        nonlocal first
        if event.get("incumbent") is not None:
            first = min(first, time.perf_counter() - began)

    with quiet():
        schedule = models.optimize(result, envelope, listed if listed.attrs["complete"] else None, on_progress=tell)
    seconds = time.perf_counter() - began
    gap = float(schedule.attrs["gap"])
    gap = gap if math.isfinite(gap) else NEVER
    reached = seconds if gap <= BAR_GAP + 1e-9 else float("inf")
    return Run(seed, day, prepared, min(first, seconds), reached, gap, str(schedule.attrs["status"]))


def table(
    title: str, runs: Sequence[Run], limit_s: float, gaps: Sequence[Bar] = (), seconds: Sequence[Bar] = ()
) -> Table:
    """Rows of some days: gap at the end, seconds until 1 % was proven, until the first plan, of the preparation.

    Args:
        title: of the table.
        runs: the days.
        limit_s: time limit of the search.
        gaps: what is asked of the gap [%].
        seconds: what is asked of the seconds until 1 %; the first plan is judged with them.
    """
    first = [Bar(BAR_FIRST_S, "worst")] if seconds else []
    rows = [
        measured("gap at the end", [run.gap * 100 for run in runs], "%", bars=gaps),
        measured("1 % proven", [run.reached_s for run in runs], bars=seconds),
        measured("first plan", [run.first_s for run in runs], bars=first),
        measured("twin before it: envelope and baseline schedule", [run.prepared_s for run in runs]),
    ]
    rows += [
        measured(f"{run.day}: 1 % proven", [run.reached_s], says=f"gap {number(run.gap * 100)} %, {run.status}")
        for run in runs
    ]
    return Table(f"{title}, {len(runs)} days of 2024, limit {limit_s:g} s", rows)


def days(step_min: int, limit_s: float) -> list[Run] | None:
    """The ten days on a step; None without the shared folder."""
    folder = shared()
    if folder is None:
        print(MISSING)
        return None
    runs = []
    for seed in SEEDS:
        runs.append(run(seed, folder, step_min, limit_s))
        print(f"  {runs[-1].day}: {number(runs[-1].gap * 100)} %, {runs[-1].status}", flush=True)
    return runs


@bench("plans", "24 heats, 15 min, peak limit, ten real days: seconds to a plan and to a proven gap of 1 %")
def main() -> Findings | None:
    """Ten days on 15 min."""
    runs = days(15, LIMIT_S)
    if runs is None:
        return None
    return Findings([table("24 heats on 15 min", runs, LIMIT_S, seconds=[Bar(BAR_S, "worst")])])


@bench("plans-5min", "24 heats, 5 min, peak limit, ten real days: gap after 15 s")
def fine() -> Findings | None:
    """Ten days on 5 min."""
    runs = days(5, FINE_S)
    return None if runs is None else Findings([table("24 heats on 5 min", runs, FINE_S, gaps=FINE_GAPS)])
