"""The planning board: where heats and runs of a plan may move, and which rules a move breaks, without a search."""

from emberline.plans.board import run_slack
from emberline.plans.board.heat_board import HeatBoard, of_plan, undone

__all__ = ["HeatBoard", "of_plan", "run_slack", "undone"]
