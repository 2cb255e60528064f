"""History of measurements with their quality, and of events, stored in Emberline's home folder or in PostgreSQL."""

from emberline.live.history.history import History, Row, export, of_plant
from emberline.live.history.measured import Measured

__all__ = ["History", "Measured", "Row", "export", "of_plant"]
