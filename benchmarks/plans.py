"""How fast a day is planned: 24 heats on 15 min with the peak limit, ten days of 2024 drawn by seed.

The reference melt shop (``melt-shop-day``) on real prices and carbon intensities. Told for each day: seconds until the
first plan and until the gap is proven to be 1 %, counted from the start of the optimization; the twin's preparation
(durations and the foreman's list, which starts the search) stands beside it. Needs the shared folder of real series:
EMBERLINE_SHARED, or ``shared`` beside the checkout.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

import models
import twin
from benchmarks.quiet import quiet
from benchmarks.registry import bench
from scenarios import Scenario, load

SEEDS = range(10)
BAR_S, BAR_FIRST_S, BAR_GAP = 10.0, 3.0, 0.01


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
    root = Path(__file__).resolve().parent.parent
    folder = Path(os.environ.get("EMBERLINE_SHARED") or root.parent / "shared")
    return folder if (folder / "data" / "de_2024_hourly.csv").is_file() else None


def day_of(seed: int) -> date:
    """A day of 2024, another one for each seed; the first and last are left out, they reach into other years in UTC."""
    days = np.random.Generator(np.random.Philox(key=2024)).permutation(364)
    return date(2024, 1, 2) + timedelta(days=int(days[seed]))


def scenario(day: date, folder: Path, name: str = "melt-shop-day", more: Sequence[str] = ()) -> Scenario:
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


def run(seed: int, folder: Path) -> Run:
    """Plan one day."""
    day = day_of(seed)
    made = scenario(day, folder)
    made.inputs  # noqa: B018  reading the file is no part of the search
    began = time.perf_counter()
    envelope = twin.envelope(made)
    listed = twin.dispatch(made, envelope)
    prepared = time.perf_counter() - began
    first = float("inf")
    began = time.perf_counter()

    def tell(event: dict) -> None:
        nonlocal first
        if event.get("incumbent") is not None:
            first = min(first, time.perf_counter() - began)

    with quiet():
        schedule = models.optimize(made, envelope, listed if listed.attrs["complete"] else None, on_progress=tell)
    seconds = time.perf_counter() - began
    gap = float(schedule.attrs["gap"]) if schedule.attrs["found"] else float("inf")
    reached = seconds if gap <= BAR_GAP + 1e-9 else float("inf")
    return Run(seed, day, prepared, min(first, seconds), reached, gap, str(schedule.attrs["status"]))


@bench("plans", "24 heats, 15 min, peak limit, ten real days: seconds to a plan and to a proven gap of 1 %")
def main() -> None:
    """Print the table of ten days."""
    folder = shared()
    if folder is None:
        print(
            "left out: the shared folder of real series is missing (lay it beside the checkout or set EMBERLINE_SHARED)"
        )
        return
    print("seed  day         prepared s  first plan s  1 % proven s     gap %  status")
    runs = []
    for seed in SEEDS:
        one = run(seed, folder)
        runs.append(one)
        print(
            f"{one.seed:4}  {one.day}  {one.prepared_s:10.2f}  {one.first_s:12.2f}  {one.reached_s:12.2f}  "
            f"{one.gap * 100:8.2f}  {one.status}",
            flush=True,
        )
    reached, first = [one.reached_s for one in runs], [one.first_s for one in runs]
    print(
        f"1 % proven: median {statistics.median(reached):.2f} s, worst {max(reached):.2f} s (bar {BAR_S:g} s); "
        f"first plan: median {statistics.median(first):.2f} s, worst {max(first):.2f} s (bar {BAR_FIRST_S:g} s)"
    )
    missed = sum(one.reached_s > BAR_S or one.first_s > BAR_FIRST_S for one in runs)
    print(f"{len(runs) - missed} of {len(runs)} days within the bars")
