"""Public signals, such as prices and carbon intensities: what there is, and what was fetched of it, kept as issued."""

from emberline.scenarios.signals.catalogue import SOURCES, Quantity, Signal, Source, signal
from emberline.scenarios.signals.forecasts import Forecast, forecast_of, keep_forecast
from emberline.scenarios.signals.issues import Course, Issue, course, folder, issued, keep, stored, table

__all__ = [
    "SOURCES",
    "Course",
    "Forecast",
    "Issue",
    "Quantity",
    "Signal",
    "Source",
    "course",
    "folder",
    "forecast_of",
    "issued",
    "keep",
    "keep_forecast",
    "signal",
    "stored",
    "table",
]
