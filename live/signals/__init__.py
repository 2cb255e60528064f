"""Public signals fetched from their publishers, politely, and kept in the home as issued."""

from emberline.live.signals.fetching import Result, Span, fetch
from emberline.live.signals.polite import Client, SourceError

__all__ = ["Client", "Result", "SourceError", "Span", "fetch"]
