"""Stored runs, drafts and ensembles, and the catalogue that lists them."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.plans.store import drafts, ensembles, fronts, snapshots
    from emberline.plans.store.catalogue.entry import Entry
    from emberline.plans.store.catalogue.errors import CatalogueError, StoreError
    from emberline.plans.store.run_folder import StoredRun
    from emberline.plans.store.store import Store
    from emberline.plans.store.stored_starts import stored_starts

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
    "stored_starts": "stored_starts",
}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
