"""Each case in each tool, several times in fresh processes, and the tables of what they came to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import hub
from benchmarks.peers.protocol import PHASES
from benchmarks.registry import Wrong
from benchmarks.reporting.findings import NEVER, Bar, Findings, Row, Table, measured

ROOT = Path(__file__).resolve().parents[2]
HOME = "EMBERLINE_PEERS"
"""Environment variable that names another folder than ``.venv-peers`` in the checkout."""
SIDES = {
    "Emberline": "emberline_side",
    "HiGHS by hand": "direct_side",
    "linopy by hand": "linopy_side",
    "PyPSA": "pypsa_side",
    "oemof.solph": "oemof_side",
    "flixopt": "flixopt_side",
}
ROUNDS = 3
AGREE = 1e-6
"""Share by which an objective may differ from Emberline's."""
LIMIT_S = 600
BEFORE_SOLVING = PHASES[:2]
"""Building and handing over: what a tool adds to the solver before it runs."""
YEAR_BARS = {"linopy by hand": 0.5, "PyPSA": 0.1, "oemof.solph": 0.05, "flixopt": 0.1}
"""What Emberline's building and handing over of the year may take at most, as a share of the tool's."""
MEMORY_BAR = 1.0
"""Emberline's peak memory on the year as a share of linopy's."""


class Failed(RuntimeError):
    """A side ended without an answer; one line."""


def interpreter() -> Path | None:
    """Python of the peers' environment; None where there is none."""
    folder = Path(os.environ.get(HOME) or ROOT / ".venv-peers")
    places = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
    return next((place for place in places if place.is_file()), None)


def ask(python: Path, side: str, case: hub.HubCase) -> dict[str, Any]:
    """One side's answer to a case.

    Raises:
        Failed: it ended with an error, or took too long.
    """
    command = [str(python), "-m", f"benchmarks.peers.{side}"]
    try:
        process = subprocess.run(
            command, input=json.dumps(case.data()), capture_output=True, text=True, cwd=ROOT, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{side}, {case.name}: no answer in {LIMIT_S} s") from None
    if process.returncode:
        last = (process.stderr.strip().splitlines() or ["no word of error"])[-1]
        raise Failed(f"{side}, {case.name}: exit code {process.returncode}: {last}")
    return json.loads(process.stdout)


@dataclass(frozen=True)
class Answers:
    """What a tool made of a case."""

    tool: str
    answers: list[dict[str, Any]]
    error: str = ""

    @property
    def unable(self) -> str:
        """Why the tool has no answer, empty where it has one."""
        return self.error or self.answers[0].get("unable", "")

    @property
    def objective(self) -> float:
        """Objective [EUR]."""
        return float(self.answers[0]["objective"])

    @property
    def peaks(self) -> list[float]:
        """Highest memory [MiB], by round."""
        return [answer["peak_mib"] for answer in self.answers]

    def seconds(self, *phases: str, again: bool = False) -> list[float]:
        """Seconds of some phases together, by round; ``again``: of the second time in the same process."""
        before = "again_" if again else ""
        return [sum(answer[f"{before}{phase}_s"] for phase in phases) for answer in self.answers]

    def apart(self, reference: float) -> float:
        """By how much the round furthest off differs from a reference, as a share."""
        rows = [answer[key] for answer in self.answers for key in ("objective", "again_objective")]
        return max(abs(value - reference) for value in rows) / max(abs(reference), 1e-9)


def measure(
    case: hub.HubCase, pythons: Mapping[str, Path], sides: Mapping[str, str] = SIDES, rounds: int = ROUNDS
) -> list[Answers]:
    """All tools on one case, in turns, so that a slow minute of the machine hits all of them."""
    answers: dict[str, list[dict[str, Any]]] = {tool: [] for tool in sides}
    errors: dict[str, str] = {}
    for _ in range(rounds):
        for tool, side in sides.items():
            text = answers[tool]
            if tool in errors or (text and "unable" in text[0]):
                continue
            try:
                text.append(ask(pythons[tool], side, case))
            except Failed as failed:
                errors[tool] = str(failed)
    return [Answers(tool, item, errors.get(tool, "")) for tool, item in answers.items()]


def disagreement(rows: list[Answers]) -> str:
    """Which tool failed, or has another objective than the first one; empty where all that answer agree."""
    first = rows[0]
    for row in rows:
        if row.error:
            return row.error
        if not row.unable and first.unable:
            return f"{first.tool}: {first.unable}"
        if not row.unable and row.apart(first.objective) > AGREE:
            return f"{row.tool} differs from {first.tool} by {row.apart(first.objective):.0e}, more than {AGREE:g}"
    return ""


def table(case: hub.HubCase, rows: list[Answers]) -> Table:
    """A case's table; ratios are to Emberline, the first of the tools."""
    first = rows[0]
    items: list[Row] = []
    for row in rows:
        if row.unable:
            items.append(Row(row.tool, "", NEVER, NEVER, NEVER, says=row.unable))
            continue
        apart = f"objective differs by {row.apart(first.objective):.0e}" if not first.unable else ""
        text = ", ".join(filter(None, (apart, row.answers[0]["by_hand"] and f"by hand: {row.answers[0]['by_hand']}")))
        for again, how in ((False, "first"), (True, "again")):
            for what, phases in (("build and hand over", BEFORE_SOLVING), ("solve", PHASES[2:3]), ("total", PHASES)):
                base = None if first.unable else first.seconds(*phases, again=again)
                items.append(
                    measured(f"{row.tool}, {how}: {what}", row.seconds(*phases, again=again), reference=base, says=text)
                )
                text = ""
        items.append(measured(f"{row.tool}: peak memory", row.peaks, "MiB", reference=first.peaks or None))
    objective = "" if first.unable else f"Objective {first.objective:,.4f} EUR."
    return Table(f"{case.name}: {case.says}", items, first.tool, [objective])


def bars(rows: list[Answers]) -> Table:
    """Emberline on the year against each tool: what its building, handing over and memory are a share of."""
    by_tool = {row.tool: row for row in rows if not row.unable}
    ours, items = by_tool.get("Emberline"), []
    for tool, share in YEAR_BARS.items():
        if ours is None or tool not in by_tool:
            items.append(Row(f"against {tool}", "", NEVER, NEVER, NEVER, within=False, says="no answer"))
            continue
        for again, how in ((False, "first in the process"), (True, "again")):
            items.append(
                measured(
                    f"build and hand over against {tool}, {how}",
                    ours.seconds(*BEFORE_SOLVING, again=again),
                    reference=by_tool[tool].seconds(*BEFORE_SOLVING, again=again),
                    bars=[Bar(share, on="ratio")],
                )
            )
    if ours is not None and "linopy by hand" in by_tool:
        items.append(
            measured(
                "peak memory against linopy by hand", ours.peaks, "MiB",
                reference=by_tool["linopy by hand"].peaks, bars=[Bar(MEMORY_BAR, on="ratio")],
            )
        )  # fmt: skip
    return Table("Emberline on the year", items, "the tool named in the row")


def main() -> Findings | None:
    """All tables; None without the peers' environment.

    Raises:
        Wrong: an objective differs or a side fails; with the tables.
    """
    python = interpreter()
    if python is None:
        print("left out: the peers have an environment of their own, which `make bench-peers` makes")
        return None
    pythons = dict.fromkeys(SIDES, python) | dict.fromkeys(("Emberline", "HiGHS by hand"), Path(sys.executable))
    print(f"{ROUNDS} fresh processes each; HiGHS on one thread, gap 0; loading libraries apart")
    tables: list[Table] = []
    wrong: list[str] = []
    versions: dict[str, str] = {}
    loaded: dict[str, list[float]] = {tool: [] for tool in SIDES}
    for case in hub.cases():
        print(f"  {case.name}", flush=True)
        rows = measure(case, pythons)
        tables.append(table(case, rows))
        if case.name == "year":
            tables.insert(0, bars(rows))
        wrong += [f"{case.name}: {line}" for line in [disagreement(rows)] if line]
        for row in rows:
            loaded[row.tool] += [answer["load_s"] for answer in row.answers]
            for answer in row.answers[:1]:
                versions[row.tool] = ", ".join(f"{name} {number}" for name, number in answer["versions"].items())
    tables.append(
        Table(
            "Loading libraries",
            [measured(tool, seconds or [NEVER], says=versions.get(tool, "")) for tool, seconds in loaded.items()],
            notes=["NOT all objectives agree." if wrong else f"All objectives agree to {AGREE:g}."],
        )
    )
    findings = Findings(tables)
    if wrong:
        raise Wrong("; ".join(wrong), findings)
    return findings
