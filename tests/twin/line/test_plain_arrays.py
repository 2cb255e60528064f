"""Runs as plain arrays, by the clock, against runs recorded in SimPy: the same to the last bit."""

from __future__ import annotations

import numpy as np
import pytest

from emberline.planning.accounts.sums import figures
from emberline.planning.loop import days as followed
from emberline.scenarios import load
from emberline.twin import dispatch, replays


@pytest.mark.parametrize(("name", "days"), [("melt-shop-day", 20), ("melt-shop-site", 1), ("cement-anhui", 1)])
def test_plain_runs_are_those_of_simpy(name: str, days: int) -> None:
    """Proves: every variable of a disturbed run, and every figure that is added up from it, is the same as plain arrays
    by the clock and as a dataset by SimPy. Sensitivity: events of a moment in another order, a sum in another order."""
    case = load(name)
    schedule = dispatch(case)
    schedule.attrs.pop("policy")
    for data, day in zip(replays(case, schedule, range(days)), followed(case, schedule, range(days)), strict=True):
        plain = day.columns
        assert figures(case, data, nominated=schedule) == figures(case, plain, nominated=schedule)  # type: ignore[arg-type]
        for variable in data.data_vars:
            np.testing.assert_array_equal(data[variable].values, plain[str(variable)].values)
