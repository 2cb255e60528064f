"""Starts of named heats and casts with their variables: what rows of precedence, reheating and gaps need."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pyomo.core as pyo

from emberline.models.problem.line import Windows
from emberline.models.problem.line_reader import SlotProblem


@dataclass(frozen=True)
class Placed:
    """A model with its starts: ``x[h, i, u, t]`` over ``START``, casts ``z[c, u, t]`` over ``OPTION``."""

    model: pyo.ConcreteModel
    problem: SlotProblem
    windows: Windows
    of: Mapping[tuple[int, int, int], list[int]]
    """Slots in which an operation of a heat may start on a unit."""
