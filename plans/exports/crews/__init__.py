"""What a crew reads: the lines of its unit, and pages to print for each shift."""

from emberline.plans.exports.crews.unit_lists import Line, crews, lines
from emberline.plans.exports.crews.unit_pages import unit_pages
from emberline.plans.exports.worded import does

__all__ = ["Line", "crews", "does", "lines", "unit_pages"]
