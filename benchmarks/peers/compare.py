"""Each case in each tool, several times in fresh processes, and the tables of what they came to."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peers import hub

ROOT = Path(__file__).resolve().parents[2]
HOME = "EMBERLINE_PEERS"
"""Environment variable that names another folder than ``.venv-peers`` in the checkout."""
SIDES = {"Emberline": "emberline_side", "PyPSA": "pypsa_side", "oemof.solph": "oemof_side", "flixopt": "flixopt_side"}
ROUNDS = 3
AGREE = 1e-6
"""Share by which an objective may differ from Emberline's."""
LIMIT_S = 600


class Failed(RuntimeError):
    """A side ended without an answer; one line."""


def interpreter() -> Path | None:
    """Python of the peers' environment; None where there is none."""
    folder = Path(os.environ.get(HOME) or ROOT / ".venv-peers")
    places = (folder / "bin" / "python", folder / "Scripts" / "python.exe")
    return next((place for place in places if place.is_file()), None)


def ask(python: Path, side: str, case: hub.Case) -> dict[str, Any]:
    """One side's answer to a case.

    Raises:
        Failed: it ended with an error, or took too long.
    """
    command = [str(python), "-m", f"benchmarks.peers.{side}"]
    try:
        done = subprocess.run(
            command, input=json.dumps(case.data()), capture_output=True, text=True, cwd=ROOT, timeout=LIMIT_S
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"{side}, {case.name}: no answer in {LIMIT_S} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word of error"])[-1]
        raise Failed(f"{side}, {case.name}: exit code {done.returncode}: {last}")
    return json.loads(done.stdout)


@dataclass(frozen=True)
class Row:
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

    def seconds(self, *phases: str) -> list[float]:
        """Seconds of some phases together, by round."""
        return [sum(answer[f"{phase}_s"] for phase in phases) for answer in self.answers]

    def apart(self, reference: float) -> float:
        """By how much the round furthest off differs from a reference, as a share."""
        found = [answer[key] for answer in self.answers for key in ("objective", "again_objective")]
        return max(abs(value - reference) for value in found) / max(abs(reference), 1e-9)


def measure(case: hub.Case, pythons: dict[str, Path]) -> list[Row]:
    """All tools on one case, in turns, so that a slow minute of the machine hits all of them."""
    answers: dict[str, list[dict[str, Any]]] = {tool: [] for tool in SIDES}
    errors: dict[str, str] = {}
    for _ in range(ROUNDS):
        for tool, side in SIDES.items():
            told = answers[tool]
            if tool in errors or (told and "unable" in told[0]):
                continue
            try:
                told.append(ask(pythons[tool], side, case))
            except Failed as failed:
                errors[tool] = str(failed)
    return [Row(tool, told, errors.get(tool, "")) for tool, told in answers.items()]


def table(rows: list[Row]) -> tuple[list[str], bool]:
    """A case's table in Markdown, and whether all tools that have an answer agree with Emberline's and none failed."""
    first = rows[0]
    lines = [
        "| tool | objective EUR | differs by | build s | ÷ Emberline | build again s | ÷ Emberline | solve s | "
        "total s | ÷ Emberline | by hand |",
        "|" + " --- |" * 11,
    ]
    agree = not any(row.error for row in rows)
    for row in rows:
        if row.unable:
            lines.append(f"| {row.tool} | – | | | | | | | | | {row.unable} |")
            continue
        apart = "–" if first.unable else f"{row.apart(first.objective):.0e}"
        agree &= not first.unable and row.apart(first.objective) <= AGREE
        columns = [row.tool, f"{row.objective:,.4f}", apart]
        for phases, beside in ((("build",), True), (("again_build",), True), (("solve",), False), (BOTH, True)):
            columns.append(_spread(row.seconds(*phases)))
            if beside:
                columns.append("" if first.unable else _ratio(row, first, *phases))
        lines.append(f"| {' | '.join([*columns, row.answers[0]['by_hand']])} |")
    return lines, agree


BOTH = ("build", "solve")


def _ratio(row: Row, first: Row, *phases: str) -> str:
    return f"{statistics.median(row.seconds(*phases)) / statistics.median(first.seconds(*phases)):.2f}"


def _spread(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.2f} ({min(seconds):.2f}–{max(seconds):.2f})"


def main() -> None:
    """Print a table for each case.

    Raises:
        SystemExit: with code 1 where an objective differs or a side fails.
    """
    python = interpreter()
    if python is None:
        print("left out: the peers have an environment of their own, which `make bench-peers` makes")
        return
    pythons = dict.fromkeys(SIDES, python) | {"Emberline": Path(sys.executable)}
    print(f"median of {ROUNDS} fresh processes (least–most); HiGHS on one thread, gap 0; loading libraries apart")
    fine = True
    versions: dict[str, dict[str, str]] = {}
    loaded: dict[str, list[float]] = {tool: [] for tool in SIDES}
    for case in hub.cases():
        rows = measure(case, pythons)
        lines, agree = table(rows)
        fine &= agree
        print(f"\n{case.name}: {case.says}\n", *lines, sep="\n", flush=True)
        for row in rows:
            loaded[row.tool] += [answer["load_s"] for answer in row.answers]
            versions[row.tool] = versions.get(row.tool) or (row.answers[0]["versions"] if row.answers else {})
    print("\n| tool | loading libraries s | versions |\n| --- | --- | --- |")
    for tool, seconds in loaded.items():
        told = ", ".join(f"{name} {number}" for name, number in versions[tool].items())
        print(f"| {tool} | {_spread(seconds) if seconds else '–'} | {told} |")
    print(f"\n{'all objectives agree' if fine else 'NOT all objectives agree'} to {AGREE:g}")
    if not fine:
        raise SystemExit(1)
