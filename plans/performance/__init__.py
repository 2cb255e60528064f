"""Energy performance: baseline by regression, its validity, indicator, CUSUM with alarm, normalised savings."""

from emberline.plans.performance.cusum import Cusum
from emberline.plans.performance.losses import Losses, losses
from emberline.plans.performance.review import review
from emberline.plans.performance.tables import Step, joined, read_content, read_table

__all__ = [
    "Cusum",
    "Losses",
    "Step",
    "joined",
    "losses",
    "read_content",
    "read_table",
    "review",
]
