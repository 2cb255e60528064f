"""Public signals fetched from their publishers, politely, kept in the home as issued, and continued by a forecast."""

from emberline.live.signals.fetching import Result, Span, fetch
from emberline.live.signals.forecasting import drivers, forecast
from emberline.live.signals.polite import Client, SourceError

__all__ = ["Client", "Result", "SourceError", "Span", "drivers", "fetch", "forecast"]
