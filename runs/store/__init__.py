"""Stored runs, drafts and ensembles, and the catalogue that lists them."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.runs.store.catalogue.errors import CatalogueError, StoreError
    from emberline.runs.store.catalogue.labels import Filter
    from emberline.runs.store.catalogue.tables import Entry
    from emberline.runs.store.run_folder import StoredRun
    from emberline.runs.store.starts import stored_starts
    from emberline.runs.store.store import Store

__all__ = ["CatalogueError", "Entry", "Filter", "Store", "StoreError", "StoredRun", "stored_starts"]


__getattr__ = door(__name__)
