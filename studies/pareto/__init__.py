"""Pareto fronts of a metric, such as carbon, and cost."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.studies.pareto.front import Axis, Front, axes, rows
    from emberline.studies.pareto.point import run_of
    from emberline.studies.pareto.search import MAX_POINTS, pareto

__all__ = ["MAX_POINTS", "Axis", "Front", "axes", "pareto", "rows", "run_of"]


__getattr__ = door(__name__)
