"""How a side answers: a case as JSON on its standard input, one JSON line on its standard output.

Everything from the case's plain data to the objective is timed, by phase: *build* the model in the tool's own words,
*hand over* (what the tool makes of it until the solver runs), *solve* (inside HiGHS), *extract* (after it). Loading
libraries is measured separately; what a tool loads only when it first solves counts where it is loaded, and so the case
is solved again in the same process, which is reported too. Seconds are CPU seconds of the process, which a busy machine
stretches less than those of the clock; HiGHS has one thread. Peak memory is that of the first time, libraries included.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import highspy

from benchmarks.peers import hub

Phase = Callable[[str], None]
"""Called by a side when its next phase begins."""
BUILD, HAND_OVER, SOLVE, EXTRACT = PHASES = ("build", "hand_over", "solve", "extract")


class Unable(Exception):
    """The tool has no way of its own to say what the case asks for."""


def untimed(phase: str) -> None:
    """Where nobody measures."""


class Clock:
    """CPU seconds by phase; the runs of HiGHS are noticed, whoever calls them."""

    def __init__(self) -> None:
        self._depth = 0
        for name in ("run", "solve", "minimize"):
            if hasattr(highspy.Highs, name):
                setattr(highspy.Highs, name, self._timed(getattr(highspy.Highs, name)))
        self.restart()

    def restart(self) -> None:
        """Begin again, building."""
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self._phase, self._began = BUILD, time.process_time()

    def enter(self, phase: str) -> None:
        """End the phase there is and begin another."""
        now = time.process_time()
        self.seconds[self._phase] += now - self._began
        self._phase, self._began = phase, now

    def _timed(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **how: Any) -> Any:
            self._depth += 1
            if self._depth == 1:
                self.enter(SOLVE)
            try:
                return run(*args, **how)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.enter(EXTRACT)

        return timed


def answer(solve: Callable[[hub.HubCase, Phase], tuple[float, str]], packages: Iterable[str], loaded_s: float) -> None:
    """Solve the case on the standard input and print the answer.

    Args:
        solve: returns the objective [EUR] and a word on what is not the tool's own, else an empty one; it tells when it
            begins to hand over.
        packages: whose versions are reported.
        loaded_s: CPU seconds that loading the libraries took.
    """
    case = hub.read(json.load(sys.stdin))
    table: dict[str, Any] = {"load_s": loaded_s, "versions": {name: version(name) for name in (*packages, "highspy")}}
    clock = Clock()
    with _quiet():
        for again in ("", "again_"):
            gc.collect()
            clock.restart()
            try:
                objective, by_hand = solve(case, clock.enter)
            except Unable as unable:
                table["unable"] = str(unable)
                break
            clock.enter(EXTRACT)
            if not all(clock.seconds[phase] for phase in (HAND_OVER, SOLVE)):
                raise RuntimeError("the solver was called past the clock")
            table |= {f"{again}objective": objective, "by_hand": by_hand}
            table |= {f"{again}{phase}_s": seconds for phase, seconds in clock.seconds.items()}
            table.setdefault("peak_mib", peak_mib())
    print(json.dumps(table))


def peak_mib() -> float:
    """Highest memory that this process has had [MiB]."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage also counts what the process was before it became this program, a copy of its parent
        line = next((one for one in status.read_text().splitlines() if one.startswith("VmHWM:")), None)
        if line is not None:
            return int(line.split()[1]) / 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


@contextlib.contextmanager
def _quiet() -> Any:
    """Send what libraries and solver print on the standard output to the error output."""
    sys.stdout.flush()
    stored = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(stored, 1)
        os.close(stored)
