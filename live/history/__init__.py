"""Measurements with their quality, and events: stored in the home or in PostgreSQL."""

from emberline.live.history.history import History, Row, export, of_plant
from emberline.live.history.measured import Measured

__all__ = ["History", "Measured", "Row", "export", "of_plant"]
