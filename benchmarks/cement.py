"""How fast a cement week is planned: ``cement-week`` at 15 min on real weeks of 2024, and a month at 30 min.

Each week is planned for carbon, for cost, and for cost under a demand charge on the highest quarter-hour. The gap
is told on what can be decided: process emissions that no plan can avoid are left out. The twin replays every plan.
Needs the shared folder of real series: EMBERLINE_SHARED, or ``shared`` beside the checkout.
"""

from __future__ import annotations

import resource
import statistics
import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

import models
import twin
from benchmarks.plans import scenario, shared
from benchmarks.quiet import quiet
from benchmarks.registry import bench
from scenarios import Scenario

WEEKS = 3
COST = "goal.minimize=cost"
CHARGE = (
    "market.tariff={name: network, demand: [{name: network demand, rates: [{per_mw: 8500 EUR/MW}]}], "
    "energy: [{name: network energy, rates: [{per_mwh: 4 EUR/MWh}]}]}"
)
CASES: dict[str, tuple[tuple[str, ...], float, float]] = {
    "carbon": ((), 0.01, 60.0),
    "cost": ((COST,), 0.01, 60.0),
    "cost, demand charge": ((COST, CHARGE), 0.04, 200.0),
}
"""Overrides, gap and time limit [s] by case."""
MONTH = ("horizon.days=31", "horizon.step_min=30", "goal.time_limit_s=300")
MEBI = 1024.0


def week_of(seed: int) -> date:
    """A Monday of 2024, another one for each seed."""
    weeks = np.random.Generator(np.random.Philox(key=52)).permutation(50)
    return date(2024, 1, 8) + timedelta(weeks=int(weeks[seed]))


def run(made: Scenario) -> tuple[float, float, str]:
    """Seconds of the optimization, gap and what there is to say of a plan."""
    envelope, listed = twin.envelope(made), twin.dispatch(made)
    began = time.perf_counter()
    with quiet():
        whole = bool(listed.attrs["complete"])
        schedule = models.optimize(made, envelope, listed if whole else None, others=() if whole else (listed,))
    seconds = time.perf_counter() - began
    if not schedule.attrs["found"]:
        return seconds, float("inf"), str(schedule.attrs["status"])
    missed = twin.replay(made, schedule)["violation_kind"].values.tolist()
    says = f"{schedule.attrs['status']}; " + (f"violations: {', '.join(sorted(set(missed)))}" if missed else "holds")
    return seconds, float(schedule.attrs["gap"]), says


@bench("cement", "a cement week at 15 min on real weeks, with and without demand charge; a month at 30 min")
def main() -> None:
    """Print the table."""
    folder = shared()
    if folder is None:
        print(
            "left out: the shared folder of real series is missing (lay it beside the checkout or set EMBERLINE_SHARED)"
        )
        return
    print("case                  begins      seconds   gap %  status")
    for name, (more, gap, limit) in CASES.items():
        found = []
        for seed in range(WEEKS):
            asked = (*more, f"goal.gap={gap}", f"goal.time_limit_s={limit}")
            found.append(_line(name, week_of(seed), folder, asked))
        seconds, gaps = zip(*found, strict=True)
        within = sum(g <= gap + 1e-9 for g in gaps)
        spent = f"median {statistics.median(seconds):.1f} s, worst {max(seconds):.1f} s"
        print(f"{name}: {within} of {WEEKS} weeks within {gap:.0%} (bar {limit:g} s); {spent}", flush=True)
    _line("month", date(2024, 5, 1), folder, MONTH)
    print(f"highest memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBI:.0f} MiB")


def _line(name: str, day: date, folder: Path, more: tuple[str, ...]) -> tuple[float, float]:
    seconds, gap, says = run(scenario(day, folder, "cement-week", more))
    print(f"{name:20}  {day}  {seconds:8.1f}  {gap * 100:6.2f}  {says}", flush=True)
    return seconds, gap
