"""Eleven plans again, one after the other, on a machine that two other solvers keep busy.

Each begins from what is stored. More PV can be curtailed, so a plan may never emit more than a stored one of the same
shop with as much PV or less; and the limit that it reports is the one that was asked for.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import Wrong, bench, included
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.planning import make_plan
from emberline.runs.store import Store, stored_starts
from emberline.scenarios import load

SHOP = "melt-shop-day"
PV_MW = (12, 20, 30, 40, 60, 12, 14, 16, 10, 25, 50, 12)
"""The first is the plan before."""
SECONDS = 60.0
SPARE_S = 6.0
"""By which a plan may be late: a batch of replays that is under way, and storing it."""
CLOSE = 1e-3
"""Share by which figures may differ where another plan is as good within its gap."""
SOLVER = """
from emberline.planning import plan
from emberline.scenarios import load
while True: plan(load("melt-shop-week"))
"""


@contextmanager
def busy(count: int) -> Iterator[None]:
    """Other solvers at work."""
    others = [
        subprocess.Popen([sys.executable, "-c", SOLVER], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(count)
    ]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


@bench(
    "replans", "eleven plans again on a busy machine: never worse than a stored plan, the limit is the limit", long=True
)
def main() -> Findings:
    """Plan again and again; ``--part`` *two solvers* or *as it is* leaves the other case out."""
    rows, wrong = [], []
    for case, count in (("two solvers", 2), ("as it is", 0)):
        if not included(case):
            continue
        stored: list[tuple[int, float, bool]] = []
        took = []
        with busy(count), tempfile.TemporaryDirectory(prefix="replans-") as folder:
            store = Store(Path(folder))
            for pv_mw in PV_MW:
                settings = [f"site.pv.peak_mw={pv_mw}", f"goal.effort={SECONDS:g}"]
                scenario, began = load(SHOP, settings), time.perf_counter()
                with store.working(scenario) as run, quiet():
                    result = make_plan(scenario, starts=stored_starts(store, scenario))
                    store.save(run, result)
                took.append(time.perf_counter() - began)
                record, sums = result.holding, result.replay_figures
                faults = []
                if sums is None or record is None:
                    faults.append("no plan")
                else:
                    reached = record.reached
                    same = [kg for mw, kg, level in stored if mw == pv_mw and level >= reached]
                    if same and sums.carbon_kg > min(same) * (1 + CLOSE):
                        faults.append(f"{sums.carbon_kg / min(same) - 1:.2%} more carbon than a stored plan")
                    stored.append((pv_mw, sums.carbon_kg, reached))
                if result.scenario.goal.time_limit_s != SECONDS:
                    faults.append(f"limit {result.scenario.goal.time_limit_s:g} s")
                if took[-1] > SECONDS + SPARE_S:
                    faults.append(f"{took[-1]:.0f} s")
                text = result.verdict if sums is None else f"{sums.carbon_kg / 1000:,.1f} t CO2e"
                share = "" if record is None else f", holds on {100 * record.share:.1f} %"
                print(f"  {case}, PV {pv_mw} MW: {text}{share}, {took[-1]:.0f} s {faults or ''}", flush=True)
                wrong += [f"{case}, PV {pv_mw} MW: {fault}" for fault in faults]
        rows.append(measured(f"{case}: seconds of a plan with a limit of {SECONDS:g} s", took, "s"))
    rows.append(measured("worse than a stored plan, or late", [float(len(wrong))], "plans", bars=[Bar(0.0)]))
    findings = Findings([Table("Plans made again", rows)])
    if wrong:
        raise Wrong("; ".join(wrong), findings)
    return findings
