"""Random small shops against CP-SAT, which is given every way of every heat and shares nothing with the models.

The shops and their ways are those of the tests (``tests/oracles``): outages to odd minutes, set-ups, steps of 5 to 60
minutes, casts, locks, units that draw when idle, heat loss, import limits, negative prices. What must not be: a bound
above an optimum, "no plan" that is called proven where there is one, a plan further from the optimum than its gap says.
Needs OR-tools (``benchmarks/peers/requirements.txt``) in addition to Emberline. ``EMBERLINE_SHOPS=10-20`` measures
those seeds. A second battery needs Emberline alone: lines of few heats with sites are compared with a mixed-integer
program of their ways and the site (``line_oracle``), and their plans judged by the files that they are exported to.
"""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.planning import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests" / "oracles"))

SEEDS = range(300)
ORACLE_S = 60.0
LIMITS_S = (20.0, 60.0)
"""A line of few heats with a site reaches its gap in the first, almost always, and in the second."""
EFFORT, NET_S = 60.0, 600.0
"""Of a plan of such a line, so that it depends on no machine, and what ends it all the same."""
CENT = 1e-3
SCALE = 1e4


@dataclass(frozen=True)
class Judged:
    """A shop with its optimum and its plan."""

    seed: int
    heats: int
    optimum: float | None
    """None: there is no plan."""
    proven: bool
    """Whether CP-SAT proved the optimum, or that there is no plan."""
    plan: Plan
    seconds: float

    @property
    def faults(self) -> list[str]:
        """What must not be."""
        result, best = self.plan, self.optimum
        if not self.proven:
            return []
        rows = []
        if self.between:
            return [] if result.acceptable else [result.verdict]
        if best is None:
            return ["a plan where there is none"] if result.has_schedule else []
        near = CENT + 1e-6 * abs(best)
        if result.status == "infeasible":
            rows.append("proven to have no plan, and there is one")
        if result.bound is not None and result.bound > best + near:
            rows.append(f"bound {result.bound:.3f} above the optimum {best:.3f}")
        if result.objective is not None and result.objective < best - near:
            rows.append(f"plan {result.objective:.3f} below the optimum {best:.3f}")
        if result.objective is not None and result.gap is not None:
            lowest = result.objective - result.gap * abs(result.objective)
            if lowest > best + near:
                rows.append(f"a gap of {result.gap:.4%} is too small")
        if result.has_schedule and not result.acceptable:
            rows.append(result.verdict)
        return rows

    @property
    def between(self) -> bool:
        """Whether the plan is the baseline schedule, whose starts may lie between steps: it has no objective."""
        return self.plan.has_schedule and self.plan.objective is None

    @property
    def short(self) -> str:
        """What should be better; empty: nothing."""
        if self.optimum is None or not self.proven or self.between:
            return ""
        if not self.plan.has_schedule:
            return f"{self.plan.status}, and there is a plan"
        target = self.plan.scenario.goal.gap
        return "" if self.plan.gap is not None and self.plan.gap <= target + 1e-9 else f"gap {self.plan.gap}"


def judged(seed: int) -> Judged | None:
    """Plan a shop and count it; None where the dice made a scenario with mistakes."""
    from random_shops import built, raw

    try:
        scenario = built(raw(seed))
    except ValueError:
        return None
    optimum, proven = counted(scenario)
    began = time.perf_counter()
    result = make_plan(scenario, PLAIN)
    seconds = time.perf_counter() - began
    return Judged(seed, len(scenario.heats), optimum, proven, result, seconds)


def counted(scenario: Case, limit_s: float = ORACLE_S) -> tuple[float | None, bool]:
    """The optimum of a shop by CP-SAT (None: there is no plan), and whether it is proven."""
    from counted_shops import Item, read
    from ortools.sat.python import cp_model

    shop = read(scenario)
    m = cp_model.CpModel()
    busy: dict[int, list[Any]] = {}
    loads: list[tuple[Any, Any]] = []
    cost: list[Any] = []

    def choices(item: Item) -> list[Any]:
        """One way of an item, as a list of booleans."""
        rows = [m.new_bool_var("") for _ in item.ways]
        m.add_exactly_one(rows)
        for variable, way in zip(rows, item.ways, strict=True):
            cost.append(round(way.cost * SCALE) * variable)
            loads.append((variable, way.metered))
            bits, place = way.busy, 0
            while bits:
                step = (bits & -bits).bit_length()
                place += step
                busy.setdefault(place - 1, []).append(variable)
                bits >>= step
        return rows

    for item in shop.items:
        places = choices(item)
        for heat, fits in zip(item.heats, item.fits, strict=True):
            ways = choices(heat)
            for c, place in enumerate(places):
                m.add(sum(way for way, fit in zip(ways, fits[c], strict=True) if fit) >= place)
    for variables in busy.values():
        m.add_at_most_one(variables)
    if math.isfinite(shop.limit_mwh):
        for i, idle in enumerate(shop.idle.metered):
            total = sum(math.floor(metered[i] * 1e6) * variable for variable, metered in loads if metered[i])
            m.add(total <= math.ceil((shop.limit_mwh - idle) * 1e6) + 1)
    m.minimize(sum(cost))
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = limit_s
    solver.parameters.num_workers = 2
    status = solver.solve(m)
    if status == cp_model.INFEASIBLE:
        return None, True
    result = (
        solver.objective_value / SCALE + shop.idle.cost if status in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None
    )
    return result, status == cp_model.OPTIMAL


def seeds() -> range:
    """Which shops are measured."""
    few = os.environ.get("EMBERLINE_SHOPS")
    if not few:
        return SEEDS
    first, _, end = few.partition("-")
    return range(int(first), int(end))


@bench("shops", "300 random small shops against CP-SAT, given every way of every heat", long=True)
def run() -> Findings:
    """Every plan and bound against the optimum."""
    faults: list[str] = []
    times: list[float] = []
    shorts: list[str] = []
    unsure = empty = 0
    for seed in seeds():
        one = judged(seed)
        if one is None:
            continue
        times.append(one.seconds)
        unsure += not one.proven
        empty += one.optimum is None and one.proven
        faults += [f"shop {seed}: {text}" for text in one.faults]
        shorts += [f"shop {seed}: {one.short}"] if one.short else []
        if seed % 25 == 24:
            print(f"  until shop {seed}: {len(faults)} faults, {len(shorts)} short", flush=True)
        for line in [*one.faults, one.short]:
            if line:
                print(f"shop {seed} ({one.heats} heats, {one.seconds:.0f} s): {line}", flush=True)
    table = Table(
        f"{len(times)} random small shops",
        [
            measured("what must not be", [len(faults)], "", bars=[Bar(0, on="worst")]),
            measured("not to their gap, or without a plan that there is", [len(shorts)], "", bars=[Bar(0, on="worst")]),
            measured("a plan with all that belongs to it", times, "s"),
            measured("without a plan by CP-SAT", [empty], ""),
            measured("not settled by CP-SAT", [unsure], ""),
        ],
        notes=[*faults, *shorts],
    )
    findings = Findings([table])
    if faults:
        raise Wrong(f"{len(faults)} faults, the first: {faults[0]}", findings)
    return findings


@bench("few", "300 random lines of few heats with sites against the optimum of a program of all their ways", long=True)
def few() -> Findings:
    """Plans of lines with PV, batteries, export, limits and demand charges; what is wrong is printed with its seed."""
    from line_oracle import compared
    from random_shops import built, sited

    faults: list[str] = []
    shorts: list[str] = []
    times: list[float] = []
    kinds: Counter[str] = Counter()
    # a run that is cut short has seen all of the range
    for seed in sorted(seeds(), key=lambda seed: seed % 3):
        try:
            scenario = built(sited(seed))
        except ValueError:
            continue
        goal = scenario.goal.model_copy(update={"effort": EFFORT, "time_limit_s": NET_S})
        with quiet():
            began = time.process_time()
            result = make_plan(scenario.model_copy(update={"goal": goal}), PLAIN)
            seconds = time.process_time() - began
            answer = compared(result, ORACLE_S)
        kinds[answer.oracle.status] += 1
        times.append(math.nan if answer.short else seconds)
        lines = [f"shop {seed} ({len(scenario.heats)} heats, {seconds:.1f} s)"]
        faults += [f"{lines[0]}: {fault}" for fault in answer.faults]
        shorts += [f"{lines[0]}: {answer.short}"] if answer.short else []
        print(": ".join([*lines, result.status, answer.oracle.status, answer.short, *answer.faults]), flush=True)
    n = max(len(times), 1)
    table = Table(
        f"{len(times)} random lines of few heats with sites",
        [
            measured("what must not be", [len(faults)], "", bars=[Bar(0, "worst")]),
            *(
                measured(f"at the gap in {limit:.0f} s", [100 * sum(value <= limit for value in times) / n], "%")
                for limit in LIMITS_S
            ),
            measured("processor time of a plan", times, "s"),
            measured("without a plan by the oracle", [kinds["infeasible"]], ""),
            measured("not settled by the oracle", [kinds["open"]], ""),
        ],
        notes=[*faults, *shorts],
    )
    findings = Findings([table])
    if faults:
        raise Wrong(f"{len(faults)} faults, the first: {faults[0]}", findings)
    return findings
