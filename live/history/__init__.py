"""What was measured, with its quality, and what happened: kept in the home or in PostgreSQL."""

from emberline.live.history.activity import daily_energy
from emberline.live.history.history import History, export, of_plant
from emberline.live.history.rows import Row

__all__ = ["History", "Row", "daily_energy", "export", "of_plant"]
