"""The planning board: where heats of a plan may be moved to, and which rules a move breaks, without a search."""

from emberline.plans.board.heat_board import HeatBoard, of_plan, undone

__all__ = ["HeatBoard", "of_plan", "undone"]
