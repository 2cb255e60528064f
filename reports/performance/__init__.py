"""Energy performance: regression baseline, its validity, indicator, CUSUM with alarm, normalised savings."""

from emberline.reports.performance.cusum import Cusum
from emberline.reports.performance.losses import Losses, losses
from emberline.reports.performance.review import review
from emberline.reports.performance.tables import Step, joined, read_content, read_table

__all__ = ["Cusum", "Losses", "Step", "joined", "losses", "read_content", "read_table", "review"]
