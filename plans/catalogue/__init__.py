"""The catalogue: a row for each run, in SQLite beside the runs or in PostgreSQL.

It knows no files. What it knows of a run can be read from the run's folder again (``plans/store.py``).
"""

from plans.catalogue.catalogue import Catalogue
from plans.catalogue.database import VARIABLE
from plans.catalogue.entry import Entry
from plans.catalogue.errors import CatalogueError, NotKeptError, StoreError

__all__ = ["VARIABLE", "Catalogue", "CatalogueError", "Entry", "NotKeptError", "StoreError"]
