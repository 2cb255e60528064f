"""What each lever of the melt shop with its energy site brings, in a week of 2024 drawn by seed.

``melt-shop-site`` on real German prices and carbon intensities: the plan made together against the baseline and against
production planned first and the site after, and what shifting, battery, steam store, heat recovery and engine bring,
alone and as the last. Needs the shared folder of real series, as the bench ``plans`` does.
"""

from __future__ import annotations

import sys
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.instruments.quiet import quiet
from benchmarks.planning.days import MISSING, shared
from benchmarks.registry import bench
from benchmarks.reporting.findings import Findings, Table, measured
from emberline.scenarios import Case, load

SEED = 0
SECONDS = 120


def week_of(seed: int) -> date:
    """The Monday of a week of 2024, another one for each seed; the first and the last reach into other years in UTC."""
    weeks = np.random.Generator(np.random.Philox(key=2024)).permutation(51)
    return date(2024, 1, 8) + timedelta(weeks=int(weeks[seed]))


def scenario(monday: date, folder: Path, seconds: float = SECONDS) -> Case:
    """The reference shop with its site in a real week."""
    series = f"csv: '{(folder / 'data' / 'de_2024_hourly.csv').resolve()}', interval_min: 60"
    return load(
        "melt-shop-site",
        [
            f"horizon.start={monday.isoformat()}",
            f"market.price_per_mwh={{{series}, column: price_eur_per_mwh}}",
            f"market.carbon_intensity_kg_per_mwh={{{series}, column: carbon_intensity_lifecycle_kg_per_mwh}}",
            "market.marginal_carbon_intensity_kg_per_mwh=null",
            f"goal.effort={seconds:g}",
        ],
    )


@bench(
    "levers",
    "a site's week of 84 heats in Germany 2024: what shifting, battery, store, recovery, engine bring",
    long=True,
)
def main() -> Findings | None:
    """Print the tables of one week."""
    from emberline.studies.levers.study import levers
    from emberline.ui.cli.studies.printing import show_levers

    folder = shared()
    if folder is None:
        print(MISSING)
        return None
    result = scenario(week_of(SEED), folder)
    began = time.perf_counter()
    last = [""]

    def tell(event: dict[str, Any]) -> None:
        message = f"{event['phase']} {event.get('lever', '')}".strip()
        if message != last[0]:
            last[0] = message
            print(f"{time.perf_counter() - began:6.1f} s  {message}", file=sys.stderr, flush=True)

    with quiet():
        outcome = levers(result, on_progress=tell)
    show_levers(outcome)
    return Findings([Table(f"All levers, seed {SEED}", [measured("seconds", [time.perf_counter() - began])])])
