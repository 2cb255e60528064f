"""The Commission's communication template, filled without touching a formula."""

from emberline.plans.compliance.workbook.communication import fill, filled
from emberline.plans.compliance.workbook.sheets import TemplateError

__all__ = ["TemplateError", "fill", "filled"]
