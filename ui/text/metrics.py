"""Names of the goals and of the metrics behind them."""

from emberline.plans.accounts import unit_runs
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

DOES = {
    unit_runs.RUN: mark("run"), unit_runs.START_UP: mark("start-up"),
    unit_runs.CHANGE_OVER: mark("change-over"), unit_runs.WAIT: mark("waiting"),
}  # fmt: skip
"""States of a unit (``plans/accounts/unit_runs.py``)."""
