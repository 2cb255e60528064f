"""The solver in a process that others use too."""

from __future__ import annotations

import threading

import highspy
import pytest
from random_models import random_model

from emberline.models.kernel.highs import Program


def solve_elsewhere() -> None:
    """A small mixed-integer program, as another library solves one: with two threads."""
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("threads", 2)
    binaries = [solver.addVariable(lb=0, ub=1, type=highspy.HighsVarType.kInteger) for _ in range(12)]
    solver.addConstr(sum((i % 5 + 1) * one for i, one in enumerate(binaries)) <= 11)
    assert solver.maximize(sum((i % 3 + 1.5) * one for i, one in enumerate(binaries))) == highspy.HighsStatus.kOk


def test_another_library_has_used_highs_with_other_threads() -> None:
    """Proves: a program is solved all the same in a thread in which HiGHS ran with two threads. Sensitivity: without
    another call HiGHS refuses, and a search finds nothing."""
    alone = Program(random_model(3)).run(work=5.0)
    outcomes = []

    def both() -> None:
        solve_elsewhere()
        outcomes.append(Program(random_model(3)).run(work=5.0))

    thread = threading.Thread(target=both)
    thread.start()
    thread.join()
    assert (outcomes[0].status, alone.status) == ("optimal", "optimal")
    assert outcomes[0].objective == pytest.approx(alone.objective)
