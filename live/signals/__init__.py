"""Public signals, fetched from their publishers within rate limits, stored as issued and extended by forecasts."""

from emberline.live.signals.fetching import Result, Span, fetch
from emberline.live.signals.forecasting import drivers, forecast
from emberline.live.signals.polite import Client, SourceError

__all__ = ["Client", "Result", "SourceError", "Span", "drivers", "fetch", "forecast"]
