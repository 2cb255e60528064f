"""Why there is no plan: limits in the plant's words, which of them cannot all hold, and the smallest repair."""

from models.explain.capacity import missing
from models.explain.elastic import Conflict, Elastic
from models.explain.limit import Limit, limits
from models.explain.relaxed import impossible, kept

__all__ = ["Conflict", "Elastic", "Limit", "impossible", "kept", "limits", "missing"]
