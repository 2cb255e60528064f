"""The only package that uses a solver: a Pyomo model is passed to HiGHS, and its outcome is returned.

The model is compiled to arrays (``models/kernel/compile.py``) and passed to HiGHS as a whole; a model that differs in
numbers only is sent as changes to the previous one, so that basis and solution are kept. A start is set just before the
run. An unknown status of HiGHS is never taken for a solution.
"""

from __future__ import annotations

from typing import Any

import pyomo.core as pyo

from emberline.models.kernel.arrays import Neighbourhood
from emberline.models.kernel.highs.handover import Multipliers, Outcome, SearchRun, quiet
from emberline.models.kernel.highs.program import Program
from emberline.models.kernel.progress import Progress
from emberline.scenarios import effort

__all__ = ["Multipliers", "Neighbourhood", "Outcome", "Program", "Progress", "SearchRun", "quiet", "solve"]


def solve(model: pyo.ConcreteModel, *, work: float, **options: Any) -> Outcome:
    """Solve a linear or mixed-integer Pyomo model once and load the solution into its variables.

    Args:
        model: model with one active objective, minimized or maximized.
        work: maximum work, compilation included (``scenarios/effort.py``).
        **options: ``gap``, relative gap at which the search may stop; ``start`` from the values of the variables;
            ``relax`` the integrality; ``nodes``, maximum number of branch and bound nodes, which unlike seconds gives
            the same result each time; ``heuristics``, share of the work for them; ``ipm``, interior point for a linear
            program, or for the first one of a mixed-integer search, several times faster on these than the simplex
            method; ``crossover`` from there to a basis; ``tolerance``, relative tolerance of the interior point method,
            without presolve; ``on_progress``, called with ``incumbent``, ``bound`` (None with a start) and ``seconds``;
            ``cancel``, polled, True ends the run with what was found.

    Raises:
        RuntimeError: this release of the solver is known to give wrong results.
    """
    began = effort.now()
    program = Program(model)
    return program.run(work=work - (effort.now() - began), **options)
