"""Advice to a shift, its decisions, and their audit."""

from emberline.plans.decisions.decisions import Advice, AuditRow, Decisions

__all__ = ["Advice", "AuditRow", "Decisions"]
