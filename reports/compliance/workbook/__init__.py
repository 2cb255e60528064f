"""The Commission's communication template, filled without touching a formula."""

from emberline.reports.compliance.workbook.communication import filled
from emberline.reports.compliance.workbook.sheets import TemplateError

__all__ = ["TemplateError", "filled"]
