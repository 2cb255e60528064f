"""Sequences of plans in one home: goal, step, margins, limits and caps change from one request to the next.

Objective, constant, bound and gap of each stored run are counted from its files and, where steps are hours, compared
with the best of all lists of heats (``tests/oracles/plan_sequences.py``). What must not be: the objective of another
goal, a bound above a plan, a gap below the true one. ``EMBERLINE_SHOPS=10-20`` measures those seeds.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Bar, Findings, Table, measured
from emberline.planning import make_plan
from emberline.runs.store import Store, stored_starts

ROOT = Path(__file__).resolve().parents[2] / "tests"
sys.path += [str(ROOT / "oracles"), str(ROOT / "planning")]

SEEDS = range(200)


@bench("sequences", "200 sequences of plans in one home each: stored objectives, bounds and gaps are true", long=True)
def main() -> Findings:
    """Plan sequence after sequence."""
    from plan_sequences import faults, sequence

    first, _, last = os.environ.get("EMBERLINE_SHOPS", "").partition("-")
    seeds = range(int(first), int(last or first) + 1) if first else SEEDS
    count, stayed, wrong = 0, 0, []
    for seed in seeds:
        with tempfile.TemporaryDirectory(prefix="sequences-") as folder:
            store = Store(Path(folder))
            for place, scenario in enumerate(sequence(seed)):
                with store.working(scenario) as run, quiet():
                    result = make_plan(scenario, starts=stored_starts(store, scenario))
                    store.save(run, result)
                count, stayed = count + 1, stayed + str(result.reason).startswith("The earlier plan stays")
                wrong += [f"seed {seed}, plan {place}: {fault}" for fault in faults(scenario, store.path(run))]
        print(f"  {seed}: {count} plans, {stayed} from the disk {wrong or ''}", flush=True)
    rows = [
        measured("plans", [float(count)], "plans"),
        measured("stored plans that stayed", [float(stayed)], "plans"),
        measured("false objectives, bounds or gaps", [float(len(wrong))], "plans", bars=[Bar(0.0)]),
    ]
    findings = Findings([Table("Sequences of plans", rows)])
    if wrong:
        raise Wrong("; ".join(wrong), findings)
    return findings
