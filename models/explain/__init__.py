"""Explanation of infeasibility: limits in the plant's words, which of them conflict, and the smallest repair.

Checks that need no model are imported without Pyomo.
"""

from typing import TYPE_CHECKING

from emberline.scenarios.doors import door

if TYPE_CHECKING:
    from emberline.models.explain.all_limits import PRICES, Limit, limits
    from emberline.models.explain.capacity import hours, missing
    from emberline.models.explain.elastic import Conflict, Elastic
    from emberline.models.explain.relaxed import baseline_holds, holds, impossible, impossible_at_all
    from emberline.models.explain.shadow_prices import abatement_price

__all__ = [
    "PRICES",
    "Conflict",
    "Elastic",
    "Limit",
    "abatement_price",
    "baseline_holds",
    "holds",
    "hours",
    "impossible",
    "impossible_at_all",
    "limits",
    "missing",
]


__getattr__ = door(__name__)
