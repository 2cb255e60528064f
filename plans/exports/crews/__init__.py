"""What a crew reads: the lines of its unit, and pages to print for each shift."""

from emberline.plans.exports.activities import Activity
from emberline.plans.exports.crews.unit_lists import Line, crews, lines, work
from emberline.plans.exports.crews.unit_pages import unit_pages

__all__ = ["Activity", "Line", "crews", "lines", "unit_pages", "work"]
