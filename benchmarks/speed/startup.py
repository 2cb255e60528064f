"""What a command takes before it does anything: CPU seconds of whole processes, user and system together.

``emberline --help``, and ``emberline plan`` of the small shop until the solver starts: the process is the command with
HiGHS's ``run`` replaced by a line that ends it, and the system counts what it took, the interpreter's start included.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

from benchmarks.registry import bench
from benchmarks.reporting.findings import Bar, Findings, Row, Table, measured

ROUNDS = 7
SMALL = "melt-shop-small"
STARTED = 42
"""Exit code that tells that the solver was reached."""
UNTIL_SOLVER = f"""
import os, sys
import highspy
def reached(*args, **how):
    os._exit({STARTED})
for name in ("run", "solve", "minimize"):
    if hasattr(highspy.Highs, name):
        setattr(highspy.Highs, name, reached)
from emberline.ui.cli.main import main
sys.argv = ["emberline", *sys.argv[1:]]
main()
"""
HELP_S, PLAN_S = 0.3, 2.0


@dataclass(frozen=True)
class Spent:
    """What a process took."""

    code: int
    cpu_s: float
    wall_s: float


def spend(arguments: list[str]) -> Spent:
    """Run this Python with some arguments, its runs stored in a folder that is thrown away."""
    with tempfile.TemporaryDirectory() as home:
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            env={**os.environ, "EMBERLINE_HOME": home},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    return Spent(process.returncode, used.ru_utime + used.ru_stime, wall)


def rows(what: str, arguments: list[str], code: int, limit_s: float | None = None) -> list[Row]:
    """CPU and wall seconds of a command over some rounds.

    Raises:
        RuntimeError: it ended with another exit code.
    """
    spend(arguments)  # byte code and files are read once
    items = [spend(arguments) for _ in range(ROUNDS)]
    wrong = next((one.code for one in items if one.code != code), None)
    if wrong is not None:
        raise RuntimeError(f"{what}: exit code {wrong} instead of {code}")
    return [
        measured(f"{what}: CPU", [one.cpu_s for one in items], bars=[] if limit_s is None else [Bar(limit_s)]),
        measured(f"{what}: by the clock", [one.wall_s for one in items]),
    ]


@bench("startup", "CPU seconds of `emberline --help`, and of `emberline plan` until the solver starts")
def main() -> Findings:
    """Measure whole processes."""
    table = Table(
        "Start-up",
        [
            *rows("an empty Python", ["-c", ""], 0),
            *rows("emberline --help", ["-m", "ui", "--help"], 0, HELP_S),
            *rows(
                "emberline plan, until the solver starts", ["-c", UNTIL_SOLVER, "plan", SMALL, "-q"], STARTED, PLAN_S
            ),
        ],
    )
    return Findings([table])
