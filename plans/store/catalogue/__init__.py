"""The catalogue: a row for each run, in SQLite next to the runs or in PostgreSQL.

It knows no files. What it knows of a run can be read from the run's folder again (``plans/store/store.py``).
"""

from emberline.plans.store.catalogue.catalogue import Catalogue
from emberline.plans.store.catalogue.database import VARIABLE
from emberline.plans.store.catalogue.entry import Entry
from emberline.plans.store.catalogue.errors import CatalogueError, NotKeptError, StoreError

__all__ = ["VARIABLE", "Catalogue", "CatalogueError", "Entry", "NotKeptError", "StoreError"]
