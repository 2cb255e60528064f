"""Stored runs, drafts and ensembles, and the catalogue that lists them."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.runs.store import drafts, ensembles, fronts, snapshots
    from emberline.runs.store.catalogue.entry import Entry
    from emberline.runs.store.catalogue.errors import CatalogueError, StoreError
    from emberline.runs.store.run_folder import StoredRun
    from emberline.runs.store.starts import stored_starts
    from emberline.runs.store.store import Store

__all__ = [
    "CatalogueError",
    "Entry",
    "Store",
    "StoreError",
    "StoredRun",
    "drafts",
    "ensembles",
    "fronts",
    "snapshots",
    "stored_starts",
]
_PLACES = {
    "CatalogueError": "catalogue.errors",
    "Entry": "catalogue.entry",
    "Store": "store",
    "StoreError": "catalogue.errors",
    "StoredRun": "run_folder",
    "stored_starts": "starts",
}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
