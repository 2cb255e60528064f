"""Stored runs, drafts and ensembles, and the catalogue that lists them."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.plans.store import as_planned, drafts, ensembles, fronts, holding, snapshots
    from emberline.plans.store.catalogue.entry import Entry
    from emberline.plans.store.catalogue.errors import CatalogueError, StoreError
    from emberline.plans.store.home import RUN_ID
    from emberline.plans.store.run_folder import StoredRun
    from emberline.plans.store.store import Store
    from emberline.plans.store.stored_starts import stored_starts

__all__ = [
    "RUN_ID",
    "CatalogueError",
    "Entry",
    "Store",
    "StoreError",
    "StoredRun",
    "as_planned",
    "drafts",
    "ensembles",
    "fronts",
    "holding",
    "snapshots",
    "stored_starts",
]
_PLACES = {
    "RUN_ID": "home",
    "CatalogueError": "catalogue.errors",
    "Entry": "catalogue.entry",
    "Store": "store",
    "StoreError": "catalogue.errors",
    "StoredRun": "run_folder",
    "stored_starts": "stored_starts",
}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
