"""Planning as time goes on: the twin is the plant, every plan knows what was known when it was made."""

from emberline.plans.rolling.comparison import Comparison, Difference, compare
from emberline.plans.rolling.horizon import How, refuse
from emberline.plans.rolling.roll import Rolled, Step, roll

__all__ = ["Comparison", "Difference", "How", "Rolled", "Step", "compare", "refuse", "roll"]
