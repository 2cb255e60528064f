"""Energy performance: baseline by regression, its validity, indicator, CUSUM with alarm, normalised savings."""

from emberline.plans.performance.baseline import EnergyBaseline, fit
from emberline.plans.performance.cusum import Cusum, cusum
from emberline.plans.performance.review import review
from emberline.plans.performance.savings import savings
from emberline.plans.performance.tables import by_period, read_content, read_table
from emberline.plans.performance.validity import breaches

__all__ = [
    "Cusum",
    "EnergyBaseline",
    "breaches",
    "by_period",
    "cusum",
    "fit",
    "read_content",
    "read_table",
    "review",
    "savings",
]
