"""States of units in words."""

from emberline.planning.accounts import unit_runs
from emberline.reports.text.language import mark

DOES = {
    unit_runs.RUN: mark("run"), unit_runs.START_UP: mark("start-up"),
    unit_runs.CHANGE_OVER: mark("change-over"), unit_runs.WAIT: mark("waiting"),
}  # fmt: skip
"""By state (``planning/accounts/unit_runs.py``)."""
