"""Planning as time goes on: the twin is the plant, every plan knows what was known when it was made."""

from emberline.plans.rolling.comparison import Comparison, Difference, compare
from emberline.plans.rolling.horizon import How, refuse
from emberline.plans.rolling.roll import Rolled, Step, onward, roll
from emberline.plans.rolling.span import load_span

__all__ = ["Comparison", "Difference", "How", "Rolled", "Step", "compare", "load_span", "onward", "refuse", "roll"]
