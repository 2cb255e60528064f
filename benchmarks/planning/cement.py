"""How fast a cement week is planned: ``cement-week`` at 15 min on real weeks of 2024, and a month at 30 min.

Each week is planned for carbon, for cost, and for cost under a demand charge on the highest quarter-hour. The gap
counts what can be decided: process emissions that no plan can avoid are left out. The twin replays every plan.
Needs the shared folder of real series: EMBERLINE_SHARED, or ``shared`` next to the checkout.
"""

from __future__ import annotations

import time
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from benchmarks.instruments.quiet import quiet
from benchmarks.peers.protocol import peak_mib
from benchmarks.planning.days import MISSING, scenario, shared
from benchmarks.registry import bench, included
from benchmarks.reporting.findings import Bar, Findings, Table, measured, number
from emberline import models, twin
from emberline.scenarios import Case

WEEKS = 3
COST = "goal.minimize=cost"
CHARGE = (
    "market.tariff={name: network, demand: [{name: network demand, rates: [{per_mw: 8500 EUR/MW}]}], "
    "energy: [{name: network energy, rates: [{per_mwh: 4 EUR/MWh}]}]}"
)
CASES: dict[str, tuple[tuple[str, ...], float, tuple[float, ...]]] = {
    "carbon": ((), 60.0, (0.01,)),
    "cost": ((COST,), 60.0, (0.01,)),
    "cost, demand charge": ((COST, CHARGE), 200.0, (0.04, 0.015)),
}
"""Overrides, time limit [s] and bars of the gap by case."""
GAP = 0.01
"""At which a search ends."""
MONTH = ("horizon.days=31", "horizon.step_min=30", "goal.effort=300")


def week_of(seed: int) -> date:
    """A Monday of 2024, another one for each seed."""
    weeks = np.random.Generator(np.random.Philox(key=52)).permutation(50)
    return date(2024, 1, 8) + timedelta(weeks=int(weeks[seed]))


def run(result: Case) -> tuple[float, float, str]:
    """Seconds of the optimization, gap and what there is to say of a plan."""
    envelope, listed = twin.envelope(result), twin.dispatch(result)
    began = time.perf_counter()
    with quiet():
        whole = bool(listed.attrs["complete"])
        schedule = models.optimize(result, envelope, listed if whole else None, others=() if whole else (listed,))
    seconds = time.perf_counter() - began
    if not schedule.attrs["found"]:
        return seconds, float("inf"), str(schedule.attrs["status"])
    missed = twin.replay(result, schedule)["violation_kind"].values.tolist()
    text = f"{schedule.attrs['status']}; " + (f"violations: {', '.join(sorted(set(missed)))}" if missed else "holds")
    return seconds, float(schedule.attrs["gap"]), text


def weeks(seeds: range) -> Table | None:
    """Each case in some weeks; None without the shared folder."""
    folder = shared()
    if folder is None:
        print(MISSING)
        return None
    rows = []
    for name, (more, limit, bars) in CASES.items():
        if not included(name):
            continue
        case = (*more, f"goal.gap={GAP}", f"goal.effort={limit}")
        items = [_line(name, week_of(seed), folder, case) for seed in seeds]
        seconds, gaps, text = zip(*items, strict=True)
        remark = "; ".join(sorted(set(text)))
        rows.append(
            measured(
                f"{name}: gap after {limit:g} s",
                [g * 100 for g in gaps],
                "%",
                bars=[Bar(bar * 100, "worst") for bar in bars],
                says=remark,
            )
        )
        rows.append(measured(f"{name}: seconds", seconds))
    return Table(f"A cement week on 15 min, {len(seeds)} weeks of 2024", rows)


@bench("cement", "a cement week at 15 min on a real week: carbon, cost, cost with a demand charge")
def main() -> Findings | None:
    """One week."""
    table = weeks(range(1))
    return None if table is None else Findings([table])


@bench("cement-weeks", "a cement week at 15 min on three real weeks, and a month at 30 min", long=True)
def long() -> Findings | None:
    """Three weeks and a month."""
    table, folder = weeks(range(WEEKS)), shared()
    if table is None or folder is None:
        return None
    if not included("month"):
        return Findings([table])
    seconds, gap, text = _line("month", date(2024, 5, 1), folder, MONTH)
    month = [
        measured("gap", [gap * 100], "%", says=text),
        measured("seconds", [seconds]),
        measured("highest memory of this process", [peak_mib()], "MiB"),
    ]
    return Findings([table, Table("May 2024 on 30 min", month)])


def _line(name: str, day: date, folder: Path, more: tuple[str, ...]) -> tuple[float, float, str]:
    seconds, gap, text = run(scenario(day, folder, "cement-week", more))
    print(f"  {name:20}  {day}  {seconds:8.1f} s  {number(gap * 100)} %  {text}", flush=True)
    return seconds, gap, text
