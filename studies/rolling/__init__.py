"""Planning as time goes on: the twin is the plant, every plan knows what was known when it was made."""

from emberline.studies.rolling.comparison import Comparison, Difference, compare
from emberline.studies.rolling.horizon import How, load_span, refuse
from emberline.studies.rolling.roll import Rolled, Step, onward, roll

__all__ = ["Comparison", "Difference", "How", "Rolled", "Step", "compare", "load_span", "onward", "refuse", "roll"]
