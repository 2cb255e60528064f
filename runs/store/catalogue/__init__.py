"""Catalogue with one row per run, in SQLite next to the runs or in PostgreSQL.

It does not access files. Its data can be restored from the run folders (``runs/store/store.py``).
"""

from emberline.runs.store.catalogue.catalogue import Catalogue
from emberline.runs.store.catalogue.database import VARIABLE
from emberline.runs.store.catalogue.errors import CatalogueError, NotKeptError, StoreError
from emberline.runs.store.catalogue.tables import Entry

__all__ = ["VARIABLE", "Catalogue", "CatalogueError", "Entry", "NotKeptError", "StoreError"]
