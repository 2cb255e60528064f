"""Why there is no plan: limits in the plant's words, which of them cannot all hold, and the smallest repair."""

from emberline.models.explain.capacity import hours, missing
from emberline.models.explain.elastic import Conflict, Elastic
from emberline.models.explain.limit import Limit, limits
from emberline.models.explain.relaxed import impossible, impossible_at_all, kept

__all__ = ["Conflict", "Elastic", "Limit", "hours", "impossible", "impossible_at_all", "kept", "limits", "missing"]
