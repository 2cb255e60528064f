"""The catalogue: a row for each run, in SQLite next to the runs or in PostgreSQL.

It knows no files. What it knows of a run can be read from the run's folder again (``runs/store/store.py``).
"""

from emberline.runs.store.catalogue.catalogue import Catalogue
from emberline.runs.store.catalogue.database import VARIABLE
from emberline.runs.store.catalogue.errors import CatalogueError, NotKeptError, StoreError
from emberline.runs.store.catalogue.tables import Entry

__all__ = ["VARIABLE", "Catalogue", "CatalogueError", "Entry", "NotKeptError", "StoreError"]
