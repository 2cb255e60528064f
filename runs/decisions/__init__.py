"""Advice to a shift, its decisions, and their audit."""

from emberline.runs.decisions.decisions import APPROVED, OPEN, WITHDRAWN, Advice, AuditRow, Decisions

__all__ = ["APPROVED", "OPEN", "WITHDRAWN", "Advice", "AuditRow", "Decisions"]
