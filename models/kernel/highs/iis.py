"""Why a model has no solution: an irreducible infeasible subsystem of its relaxation."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import highspy
import numpy as np

from emberline.models.kernel.highs import handover
from emberline.models.kernel.standard_form import Compiled
from emberline.scenarios import effort


def conflict(form: Compiled, *, work: float) -> list[tuple[Any, str]] | None:
    """Constraints and bounds of the relaxation that cannot all hold, none of which could be left out.

    Members of the Pyomo model, constraints and variables, each with the side that is meant: ``lower``, ``upper`` or
    ``both``. None where the relaxation has a solution, or nothing was found in time.
    """
    # with the options of every solver: HiGHS refuses another number of threads once one has run
    iis, solver = highspy.IisStrategy, handover.new()
    handover.hand_over(solver, replace(form, whole=np.zeros(len(form.whole), dtype=bool)))
    # of seconds: nothing is counted here, and nothing but what is said of a conflict follows from it
    solver.setOptionValue("time_limit", max(work, 0.01))
    solver.setOptionValue("iis_time_limit", max(work, 0.01))
    # first those of a phase that minimizes what is violated, then each of them is tried
    solver.setOptionValue("iis_strategy", int(iis.kIisStrategyFromLp) | int(iis.kIisStrategyIrreducible))
    began = time.perf_counter()
    status, subsystem = solver.getIis()
    effort.spend(time.perf_counter() - began)
    if status != highspy.HighsStatus.kOk or not len(subsystem.row_index_) + len(subsystem.col_index_):
        return None
    bound = highspy.IisBoundStatus
    sides = {int(bound.kIisBoundStatusLower): "lower", int(bound.kIisBoundStatusUpper): "upper"}
    constraints, variables = form.constraints, form.columns
    rows = [(constraints[row], side) for row, side in zip(subsystem.row_index_, subsystem.row_bound_, strict=True)]
    columns = [(variables[j], side) for j, side in zip(subsystem.col_index_, subsystem.col_bound_, strict=True)]
    return [(member, sides.get(int(side), "both")) for member, side in rows + columns]
