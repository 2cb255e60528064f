"""How the gap at the limit degrades with less of a machine: on one core, and next to two processes that never rest.

The day of 24 heats on 5 min, the week of 168 heats and the week of 84 heats with its site, each planned with no gap, so
that the limit ends the search. Needs the shared folder of real series, as the bench ``plans`` does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks.planning import week
from benchmarks.planning.cement import week_of
from benchmarks.planning.days import MISSING, day_of, scenario, shared
from benchmarks.planning.site_weeks import SITE, gap
from benchmarks.registry import bench, included
from benchmarks.reporting.findings import Findings, Row, Table, measured
from emberline.scenarios import Case

BUSY = 2
LIMITS_S = {"24 heats on 5 min": 15.0, "168 heats": 60.0, "84 heats with their site": 60.0}


@contextmanager
def _whole() -> Iterator[None]:
    yield


@contextmanager
def _one_core() -> Iterator[None]:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _busy() -> Iterator[None]:
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


MACHINES = {"two cores": _whole, "one core": _one_core, f"next to {BUSY} busy processes": _busy}


@bench("load", "The gap at the limit on two cores, on one, and next to two busy processes", long=True)
def main() -> Findings | None:
    """Every case on every machine."""
    folder = shared()
    if folder is None:
        print(MISSING)
        return None

    def with_limit(name: str, *more: str) -> tuple[str, ...]:
        return (f"goal.effort={LIMITS_S[name]:g}", "goal.gap=0", *more)

    cases: dict[str, Callable[[], Case]] = {
        "24 heats on 5 min": lambda: scenario(
            day_of(0), folder, more=with_limit("24 heats on 5 min", "horizon.step_min=5")
        ),
        "168 heats": lambda: scenario(week_of(week.ALL[0]), folder, "melt-shop-week", with_limit("168 heats")),
        "84 heats with their site": lambda: scenario(
            week_of(week.ALL[0]), folder, SITE, with_limit("84 heats with their site")
        ),
    }
    tables = []
    for name, built in cases.items():
        if not included(name):
            continue
        rows: list[Row] = []
        reference: list[float] = []
        for machine, of in MACHINES.items():
            cpu = time.process_time()
            with of():
                percent, text = gap(built())
            cpu = time.process_time() - cpu
            reference = reference or [percent]
            rows.append(measured(machine, [percent], "%", reference=reference, says=f"{text}; {cpu:.0f} s of CPU"))
            print(f"  {name}, {machine}: {percent:.2f} %, {cpu:.0f} s of CPU", flush=True)
        tables.append(Table(f"{name}: gap after {LIMITS_S[name]:g} s", rows, reference="two cores"))
    return Findings(tables)
