"""The day as it was run as the baseline: from a heat log, and a meter."""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd
import planned
import pytest
from shops import cast

from emberline.planning.plan.alternatives.logged_day import as_run
from emberline.planning.plan.baseline import Baseline
from emberline.scenarios import Case, ScenarioError
from emberline.scenarios.loading import heat_log
from emberline.scenarios.loading.meter import Meter
from emberline.studies.calibration.twin_log import twin_log


@cache
def shop() -> Case:
    """Two casts. Not to be changed."""
    return planned.shop(orders=[cast("A", 2), cast("B", 1)], disturbances={"replications": 0})


@cache
def ran() -> pd.DataFrame:
    """A day that went as the baseline wants it, its heats and casts under other names. Not to be changed."""
    return twin_log(shop(), replications=[0], disturbed=False)


def test_a_day_that_went_as_the_baseline_is_the_baseline() -> None:
    """Proves: heats of other names are matched by their casts, and starts, energy, cost and carbon are those of the
    baseline; a day two hours later has each operation two hours later and the same energy. Sensitivity: heats matched
    by grade alone, which swaps casts; the log's zone."""
    case = shop()
    expected = Baseline.of(case)
    baseline, what = as_run(case, heat_log.checked(ran(), case, "log.csv"))
    assert (what.log, what.meter, what.missed) == ("log.csv", "", 0)
    assert baseline.figures == expected.figures
    assert baseline.complete
    later = ran().assign(**{name: pd.to_datetime(ran()[name]) + pd.Timedelta("2h") for name in ("start", "end")})
    shifted, _ = as_run(case, heat_log.checked(later, case))
    moved = shifted.run["op_start_min"].to_numpy() - expected.run["op_start_min"].to_numpy()
    assert moved == pytest.approx(np.full(len(moved), 120.0), abs=0.02)  # the log's times are whole seconds
    assert shifted.figures.energy_mwh == pytest.approx(expected.figures.energy_mwh)


def test_what_was_metered_is_what_counts() -> None:
    """Proves: with a meter that reads 3 MW all day the baseline takes 72 MWh, whatever its heats draw, and its cost is
    that of 3 MW; a meter that lacks an hour is refused with the time. Sensitivity: metered and reckoned power added."""
    case = shop()
    log = heat_log.checked(ran(), case)
    begin = case.horizon.instant(0).timestamp() / 60
    meter = Meter("meter.csv", begin + 60.0 * np.arange(24), np.full(24, 3.0), 60.0)
    baseline, what = as_run(case, log, meter)
    assert what.meter == "meter.csv"
    assert baseline.figures.energy_mwh == pytest.approx(72)
    assert baseline.figures.import_mwh == pytest.approx(72)
    assert baseline.figures.peak_mw == pytest.approx(3)
    assert baseline.figures.cost == pytest.approx(72 * float(case.inputs["price_per_mwh"].mean()))
    short = Meter("meter.csv", np.delete(meter.start_min, 5), np.full(23, 3.0), 60.0)
    with pytest.raises(ScenarioError, match=r"meter.csv.* has no reading at"):
        as_run(case, log, short)


def test_a_day_that_made_less_is_refused() -> None:
    """Proves: a log that lacks a heat of the orders is refused with both counts. Sensitivity: a saving against less."""
    less = ran()[~ran()["heat"].str.endswith("A-2")]
    with pytest.raises(ScenarioError, match=r"has 2 heats of .* and the orders have 3"):
        as_run(shop(), heat_log.checked(less, shop()))
