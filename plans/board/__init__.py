"""The planning board: where heats and runs of a plan may move, and which rules a move breaks, without a search."""

from emberline.plans.board import run_slack
from emberline.plans.board.heat_board import HeatBoard, of_plan, undone
from emberline.plans.board.run_board import RunBoard

__all__ = ["HeatBoard", "RunBoard", "of_plan", "run_slack", "undone"]
