"""A number is moved on the page: how soon the next plan of a melt shop with its energy site is there.

Jobs are asked for as the page Plan asks for them (``runs/jobs/queue.py``): the worker that has made the first plan
makes the next ones, and begins with what that has left. The page shows plan and bound as they improve, so their gap is
read when a quarter of the first plan's time is over. The same changes are planned afresh too, by a worker that knows
nothing: how much better that plan is is reported.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import NEVER, Bar, Findings, Row, Table, measured, number

SCENARIO = "melt-shop-site"
MOVES = {"PV of 30 MW": "site.pv.peak_mw=30", "carbon at 90 EUR/t": "market.carbon_price.per_t=90"}
"""What is moved, one after the other."""
QUARTER = 0.25
GAP = Bar(1.5, on="ratio")
PATIENCE_S = 900.0


@dataclass(frozen=True)
class TimedPlan:
    """A plan, as the page gets it."""

    seconds: float
    """From the button to the stored plan."""
    objective: float
    """First goal, of what can be decided."""
    gap: float
    """Infinite where no bound was proven in time."""
    status: str
    trajectory: list[tuple[float, float]]
    """Seconds since the button and the least gap of the search that the page has shown until then."""

    def gap_after(self, seconds: float) -> float:
        """Least gap that the page has shown by then; infinite: none."""
        return min((gap for at, gap in self.trajectory if at <= seconds), default=NEVER)

    @property
    def says(self) -> str:
        """Status and gap."""
        gap = "no bound in that time" if self.gap == NEVER else f"gap {number(100 * self.gap)} %"
        return f"{self.status}, {gap}"


def _plan(overrides: list[str]) -> TimedPlan:
    """Ask for a plan and wait for it."""
    from emberline.runs.jobs import queue
    from emberline.runs.store.store import Store

    began = time.perf_counter()
    run = queue.start(SCENARIO, overrides)
    trajectory: list[tuple[float, float]] = []
    while not (status := queue.status(run)).ended:
        if status.gap is not None and (not trajectory or status.gap < trajectory[-1][1]):
            trajectory.append((time.perf_counter() - began, status.gap))
        if time.perf_counter() - began > PATIENCE_S:
            raise Wrong(f"{SCENARIO} with {overrides}: no plan within {PATIENCE_S:g} s")
        time.sleep(0.1)
    seconds = time.perf_counter() - began
    if status.state != "stored":
        raise Wrong(f"{SCENARIO} with {overrides}: {status.state}: {'; '.join(status.lines)}")
    result = Store().open(run).plan
    if result.objective is None or not result.acceptable:
        raise Wrong(f"{SCENARIO} with {overrides}: {result.verdict}")
    return TimedPlan(seconds, result.objective, NEVER if result.gap is None else result.gap, result.status, trajectory)


@contextmanager
def _home() -> Iterator[None]:
    """A home of its own, whose workers know nothing yet; they end with it."""
    from emberline.runs.jobs import queue

    before = os.environ.get("EMBERLINE_HOME")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["EMBERLINE_HOME"] = folder
        try:
            yield
        finally:
            queue.dismiss()
            del os.environ["EMBERLINE_HOME"]
            if before is not None:
                os.environ["EMBERLINE_HOME"] = before


@bench("slider", "PV and carbon price moved on the page: the next plan of a melt shop with its site", long=True)
def main() -> Findings:
    """Plan, move, move; and the same moves afresh."""
    with _home():
        first = _plan([])
        print(f"  first: {first.seconds:.1f} s, {first.says}", flush=True)
        best = 100 * first.gap_after(NEVER)
        rows: list[Row] = [
            measured("the first plan", [first.seconds], reference=[first.seconds], says=first.says),
            measured("the first plan: gap of its search", [best], "%", reference=[best]),
        ]
        overrides: list[str] = []
        moved: list[tuple[str, list[str], TimedPlan]] = []
        for name, override in MOVES.items():
            overrides = [*overrides, override]
            result = _plan(overrides)
            moved.append((name, overrides, result))
            print(f"  {name}: {result.seconds:.1f} s, {result.says}", flush=True)
    for name, changed, result in moved:
        soon = 100 * result.gap_after(QUARTER * first.seconds)
        text = f"after {number(QUARTER * first.seconds)} s"
        what = f"{name}: gap in a quarter of the time"
        rows.append(measured(what, [soon], "%", reference=[best], bars=[GAP], says=text))
        rows.append(measured(name, [result.seconds], reference=[first.seconds], says=result.says))
        with _home():
            afresh = _plan(changed)
        worse = 100 * (result.objective - afresh.objective) / abs(afresh.objective)
        rows.append(measured(f"{name}, afresh", [afresh.seconds], reference=[first.seconds], says=afresh.says))
        rows.append(measured(f"{name}: the plan above the one made afresh", [worse], "%"))
    return Findings([Table(f"{SCENARIO}, moved on the page", rows, reference="the first plan")])
