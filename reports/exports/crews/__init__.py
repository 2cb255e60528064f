"""What a crew reads: the lines of its unit, and pages to print for each shift."""

from emberline.reports.exports.crews.unit_lists import Line, crews, lines, work
from emberline.reports.exports.crews.unit_pages import unit_pages
from emberline.reports.text.activities import Activity

__all__ = ["Activity", "Line", "crews", "lines", "unit_pages", "work"]
