"""Random small shops with sites of all kinds, all schedules tried: no joint bound above the best, no plan below it."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline import models, twin

TESTS = Path(__file__).resolve().parents[2] / "tests"
SHOPS = 100
SAME = 1e-6


@bench("joint", "100 random small shops with sites: the joint bound and the plan against every schedule", long=True)
def main() -> Findings:
    """Compare all; what is wrong is printed with its seed."""
    sys.path[:0] = [str(TESTS / part) for part in ("models", "twin", "oracles")]
    from sited_shops import best_plan, joint_bound, random_shop

    seconds, gaps, plans, wrong = [], [], [], []
    for seed in range(SHOPS):
        built = random_shop(seed)
        best = best_plan(built)
        began = time.perf_counter()
        proof, _ = joint_bound(built)
        seconds.append(time.perf_counter() - began)
        with quiet():
            plan = models.optimize(built, twin.envelope(built))
        if best is None:
            if plan.attrs["found"]:
                wrong.append(f"seed {seed}: a plan where no schedule is one")
            continue
        size = max(abs(best), 1.0)
        for name, bound in (("joint bound", proof.bound), ("bound of the plan", plan.attrs.get("bound"))):
            if bound is not None and bound > best + SAME * size:
                wrong.append(f"seed {seed}: {name} {bound:g} above the best schedule, {best:g}")
        if proof.bound is not None:
            gaps.append(100 * (best - proof.bound) / size)
        if plan.attrs["found"]:
            plans.append(100 * (plan.attrs["objective"] - best) / size)
            if plans[-1] < -100 * SAME:
                wrong.append(f"seed {seed}: a plan of {plan.attrs['objective']:g} below the best schedule, {best:g}")
        if wrong and wrong[-1].startswith(f"seed {seed}:"):
            print(f"  {wrong[-1]}", flush=True)
    rows = [
        measured("wrong", [float(len(wrong))], "", bars=[Bar(0.0, "worst")]),
        measured("best schedule above the joint bound", gaps, "%"),
        measured("plan above the best schedule", plans, "%"),
        measured("seconds of the joint bound", seconds),
    ]
    findings = Findings([Table(f"{SHOPS} random small shops with sites, all schedules tried", rows)])
    if wrong:
        raise Wrong("; ".join(wrong), findings)
    return findings
