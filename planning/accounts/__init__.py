"""Accounts: carbon ledger, bill, stock, and their allocation to heats and products."""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.planning.accounts.figures import Figures, comparable
    from emberline.planning.accounts.ledger import Ledger

__all__ = ["Figures", "Ledger", "comparable"]


__getattr__ = door(__name__)
