"""Rolling-horizon planning: the twin acts as the plant, and each plan uses only the information available by then."""

from emberline.studies.rolling.comparison import Comparison, Difference, compare
from emberline.studies.rolling.horizon import How, load_span, refuse
from emberline.studies.rolling.roll import Rolled, Step, onward, roll

__all__ = ["Comparison", "Difference", "How", "Rolled", "Step", "compare", "load_span", "onward", "refuse", "roll"]
