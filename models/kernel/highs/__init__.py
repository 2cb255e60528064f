"""The only room that names a solver: a Pyomo model goes to HiGHS and its outcome comes back.

The model is compiled to arrays (``models/kernel/compile.py``) and handed to HiGHS as a whole; a model that differs in
numbers only is sent as the changes to the one before, so that basis and solution stay. A start is set just before the
run. What HiGHS calls unknown is never taken for a solution.
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


def solve(model: pyo.ConcreteModel, *, work: float, **how: Any) -> Outcome:
    """Solve a linear or mixed-integer Pyomo model once and load the solution into its variables.

    Args:
        model: with one active objective, minimized or maximized.
        work: at most, compiling included (``scenarios/effort.py``).
        **how: ``gap``, relative, at which the search may stop; ``start`` from the values that the variables hold;
            ``relax`` the integrality; ``nodes`` of branch and bound at most, which unlike seconds gives the same result
            each time; ``heuristics``, share of the work that goes into them; ``ipm`` for a linear program, or the first
            one of a mixed-integer search, by interior point, several times faster on these than the simplex method;
            ``crossover`` from there to a basis; ``tolerance``, relative, at which the interior point may end, the
            program taken as it is; ``on_progress``, called with ``incumbent``, ``bound`` (None with a start) and
            ``seconds``; ``cancel``, polled, True ends the run with what was found.

    Raises:
        RuntimeError: this release of the solver is known to be wrong.
    """
    began = effort.now()
    program = Program(model)
    return program.run(work=work - (effort.now() - began), **how)
