"""Random small works of processes and sites of assets compared with an oracle that shares nothing with the models.

The oracle is a mixed-integer program written from the docs' words, on paths of single units and for SciPy
(``tests/oracles``). For each scenario: no bound above the optimum, no false "infeasible", each solved to its gap, and
nothing in the files of the plan that a battery or the connection cannot do.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.instruments.quiet import quiet
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import Findings, Table, measured

ORACLES = Path(__file__).resolve().parents[2] / "tests" / "oracles"
WORKS, SITES, BURNERS = 100, 50, 50
LIMIT_S = 20.0


@bench("works", "100 small works, 50 sites, 50 where burning pays, against an oracle of its own", long=True)
def main() -> Findings:
    """Compare all; what is wrong is printed with its seed."""
    sys.path.insert(0, str(ORACLES))
    from compared import compare
    from small_sites import random_burner, random_site
    from small_works import random_works

    rows, wrong = [], []
    families: tuple[tuple[str, Callable[[int], dict[str, Any]], int], ...] = (
        ("works of processes", random_works, WORKS),
        ("sites of assets", random_site, SITES),
        ("sites and works where burning pays", lambda seed: random_burner(seed, works=seed % 2 == 1), BURNERS),
    )
    for name, draw, count in families:
        answers = []
        for seed in range(count):
            with quiet():
                answer = compare(draw(seed), LIMIT_S)
            answers.append(answer)
            for fault in answer.faults:
                wrong.append(f"{name}, seed {seed}: {fault}")
                print(wrong[-1], flush=True)
        kinds = Counter(answer.status for answer in answers)
        text = ", ".join(f"{kinds[status]} {status}" for status in sorted(kinds))
        rows.append(measured(f"{count} {name}: seconds of a plan", [a.seconds for a in answers], "s", says=text))
        rows.append(measured(f"{count} {name}: wrong", [float(sum(bool(a.faults) for a in answers))], "", says=""))
    findings = Findings([Table("random small works and sites compared with the oracle", rows)])
    if wrong:
        raise Wrong("; ".join(wrong), findings)
    return findings
