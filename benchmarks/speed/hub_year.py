"""What Emberline costs compared with HiGHS by hand: a year of 8,760 hours of the neutral hub, by phase.

Both sides run in turns, each round in a process of its own, and must come to the same objective. Loading libraries is
separately. Then the same year with its CHP switched, to a gap of 0.1 %.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.instruments import points
from benchmarks.peers import compare, hub
from benchmarks.peers.protocol import PHASES
from benchmarks.registry import Wrong, bench
from benchmarks.reporting.findings import NEVER, Bar, Findings, Row, Table, measured

ROUNDS = 5
SIDES = {"HiGHS by hand": "direct_side", "Emberline": "emberline_side"}
WORDS = {"build": "build", "hand_over": "hand-over", "solve": "solve", "extract": "extract"}
TOTAL = Bar(1.25, on="ratio")
SWITCHED_GAP, SWITCHED = 1e-3, Bar(20.0, on="worst")
SWITCHED_LIMIT_S = 60.0


@bench("hub", "the hub's year of 8,760 hours and HiGHS by hand, CPU s by phase; with its CHP switched, to 0.1 %")
def main() -> Findings:
    """Measure both cases."""
    year = next(case for case in hub.cases() if case.name == "year")
    rows = compare.measure(year, dict.fromkeys(SIDES, Path(sys.executable)), SIDES, ROUNDS)
    findings = Findings([phases(year, rows), switched()])
    wrong = compare.disagreement(rows)
    if wrong:
        raise Wrong(wrong, findings)
    return findings


def phases(case: hub.HubCase, rows: list[compare.Answers]) -> Table:
    """Seconds by phase of some tools, the first of them the reference, cold and again in the same process."""
    reference = rows[0]
    items: list[Row] = []
    for again, how in ((False, "first in the process"), (True, "again")):
        for row in rows:
            if row.unable:
                items.append(Row(f"{row.tool}, {how}", "", NEVER, NEVER, NEVER, says=row.unable))
                continue
            for phase in PHASES:
                items.append(measured(f"{row.tool}, {how}: {WORDS[phase]}", row.seconds(phase, again=again)))
            judged = (TOTAL,) if row.tool == "Emberline" else ()
            items.append(
                measured(
                    f"{row.tool}, {how}: total",
                    row.seconds(*PHASES, again=again),
                    reference=reference.seconds(*PHASES, again=again),
                    bars=judged,
                )
            )
    for row in rows:
        if not row.unable:
            items.append(
                measured(f"{row.tool}: loading libraries", row.seconds("load"), reference=reference.seconds("load"))
            )
            items.append(measured(f"{row.tool}: peak memory", row.peaks, "MiB", reference=reference.peaks))
    objective = "" if reference.unable else f"Objective {reference.objective:,.4f} EUR on all sides."
    return Table(f"{case.name}: {case.says}", items, reference.tool, [objective])


def switched() -> Table:
    """The switched year by hand and as Emberline plans it."""
    case = hub.switched()
    by_hand = compare.ask(Path(sys.executable), "direct_side", case)
    text = points.ask("switched", 2 * SWITCHED_LIMIT_S + 60, time_limit_s=SWITCHED_LIMIT_S)
    hand_s = sum(by_hand[f"{phase}_s"] for phase in PHASES)
    rows = [measured("HiGHS by hand, to 0.1 %", [hand_s], reference=[hand_s])]
    if text is None:
        return Table(case.says, [*rows, measured("Emberline, to 0.1 %", [NEVER], bars=[SWITCHED])])
    reached = text["gap"] <= SWITCHED_GAP + 1e-9
    phases: dict[str, Any] = text["seconds"]
    first = phases["build"] + phases["first goal"]
    rows += [
        measured(
            "Emberline, to 0.1 %", [first if reached else NEVER], reference=[hand_s], bars=[SWITCHED],
            says=f"{text['status']}, gap {text['gap']:.3%}",
        ),
        measured("Emberline, build", [phases["build"]], reference=[by_hand["build_s"] + by_hand["hand_over_s"]]),
        measured("Emberline, the second goal too", [phases["search"]]),
        measured("Emberline, peak memory", [text["peak_mib"]], "MiB", reference=[by_hand["peak_mib"]]),
        measured("objective EUR", [text["objective"]], "", reference=[by_hand["objective"]]),
    ]  # fmt: skip
    return Table(f"{case.name}: {case.says}", rows, "HiGHS by hand, gap 0.1 %, one thread")
