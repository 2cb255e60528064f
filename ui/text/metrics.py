"""Names of the goals and of the metrics behind them."""

from emberline.ui.text.language import mark

GOALS = {
    "carbon": mark("least carbon"),
    "cost": mark("least cost"),
    "cost_with_carbon_price": mark("least cost with the carbon price"),
    "water": mark("least water"),
    "lateness": mark("least lateness"),
    "makespan": mark("least makespan"),
}
"""By ``goal.minimize``."""
NAMES = {"carbon": mark("carbon"), "cost": mark("cost"), "cost_with_carbon_price": mark("cost"), "water": mark("water")}
"""By metric."""
