"""Accounts: carbon ledger, bill, stock, and their allocation to heats and products."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import opened

if TYPE_CHECKING:
    from emberline.planning.accounts import bill, ledger, products, stock, sums, unit_runs
    from emberline.planning.accounts.figures import Figures, comparable
    from emberline.planning.accounts.ledger import Ledger

__all__ = [
    "Figures",
    "Ledger",
    "bill",
    "comparable",
    "ledger",
    "products",
    "stock",
    "sums",
    "unit_runs",
]
_PLACES = {"Figures": "figures", "Ledger": "ledger", "comparable": "figures"}


def __getattr__(name: str) -> object:
    return opened(__name__, _PLACES, name)
