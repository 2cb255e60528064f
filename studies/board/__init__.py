"""Planning board: possible moves of heats and runs, and the rules that a move violates, without a search."""

from emberline.studies.board.heat_board import HeatBoard, key_text, undone
from emberline.studies.board.run_board import RunBoard, of_plan

__all__ = ["HeatBoard", "RunBoard", "key_text", "of_plan", "undone"]
