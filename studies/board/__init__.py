"""The planning board: where heats and runs of a plan may move, and which rules a move breaks, without a search."""

from emberline.studies.board.heat_board import HeatBoard, key_text, undone
from emberline.studies.board.run_board import RunBoard, of_plan

__all__ = ["HeatBoard", "RunBoard", "key_text", "of_plan", "undone"]
