"""How a side answers: a case as JSON on its standard input, one JSON line on its standard output.

The time inside HiGHS counts as solving; everything else from the case's plain data to the objective as building, the
hand-over to the solver and reading the solution back included. Loading libraries is told apart; what a tool loads only
when it first solves counts as building, and so the case is solved again in the same process and that told too.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

import highspy

from benchmarks.peers import hub


class Unable(Exception):
    """The tool has no way of its own to say what the case asks for."""


class Clock:
    """Seconds inside HiGHS, whoever calls it."""

    def __init__(self) -> None:
        self.solve = 0.0
        for name in ("run", "solve", "minimize"):
            if hasattr(highspy.Highs, name):
                setattr(highspy.Highs, name, self._timed(getattr(highspy.Highs, name)))
        self._depth = 0

    def _timed(self, run: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **how: Any) -> Any:
            self._depth += 1
            began = time.perf_counter()
            try:
                return run(*args, **how)
            finally:
                self._depth -= 1
                if not self._depth:
                    self.solve += time.perf_counter() - began

        return timed


def answer(solve: Callable[[hub.Case], tuple[float, str]], packages: Iterable[str], loaded_s: float) -> None:
    """Solve the case on the standard input and print the answer.

    Args:
        solve: returns the objective [EUR] and a word on what is not the tool's own, else an empty one.
        packages: whose versions are told.
        loaded_s: seconds that loading the libraries took.
    """
    case = hub.read(json.load(sys.stdin))
    told: dict[str, Any] = {"load_s": loaded_s, "versions": {name: version(name) for name in (*packages, "highspy")}}
    clock = Clock()
    with _quiet():
        for again in ("", "again_"):
            gc.collect()
            clock.solve, began = 0.0, time.perf_counter()
            try:
                objective, by_hand = solve(case)
            except Unable as unable:
                told["unable"] = str(unable)
                break
            seconds = time.perf_counter() - began
            if clock.solve == 0.0:
                raise RuntimeError("the solver was called past the clock")
            told |= {f"{again}objective": objective, "by_hand": by_hand}
            told |= {f"{again}solve_s": clock.solve, f"{again}build_s": seconds - clock.solve}
    print(json.dumps(told))


@contextlib.contextmanager
def _quiet() -> Any:
    """Send what libraries and solver print on the standard output to the error output."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
