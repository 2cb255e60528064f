"""The Commission's communication template, filled without touching a formula."""

from emberline.reports.compliance.workbook.communication import fill, filled
from emberline.reports.compliance.workbook.sheets import TemplateError

__all__ = ["TemplateError", "fill", "filled"]
