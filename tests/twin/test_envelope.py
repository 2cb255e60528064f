"""What the twin tells the optimizer."""

from __future__ import annotations

import numpy as np
import pytest
from shops import cast, melt_shop, one_machine, scenario

from emberline.scenarios import load
from emberline.scenarios.line.scatter import quantile_min, stream
from emberline.scenarios.line.tables import shop
from emberline.twin import envelope
from emberline.twin.streams import Breakdowns


def test_without_disturbance_the_plan_reckons_with_nominal() -> None:
    """Proves: no spread, no margin, and the median of a symmetric one neither. Sensitivity: margins from rounding."""
    for disturbances in ({}, {"duration_spread": 0.2}, {"planning_quantile": 0.9}):
        data = envelope(scenario(melt_shop(), [cast()], disturbances=disturbances))
        assert data["planned_min"].equals(data["duration_min"])
    assert envelope(load("melt-shop-day"))["planned_min"].max() == 95


def test_quantile_of_a_lognormal_spread() -> None:
    """Proves: 30 min · exp(0.2 · 1.2816) = 38.8 → 9 whole minutes more. Sensitivity: a normal spread gives 8."""
    disturbances = {"duration_spread": 0.2, "planning_quantile": 0.9}
    case = scenario(one_machine(30.0), [cast(count=1)], disturbances=disturbances)
    assert quantile_min(case.disturbances, "M", 30.0, 0.9) == pytest.approx(30 * np.exp(0.2 * 1.2815516), rel=1e-6)
    assert float(envelope(case)["planned_min"][0, 0]) == 39


def test_quantile_with_breakdowns_is_the_engine_s() -> None:
    """Proves: the quantile agrees with operations that the engine interrupts. Sensitivity: one failure at most."""
    broken = {"breakdowns": [{"unit": "M", "mtbf_h": 1.0, "mttr_min": 20.0}]}
    case = scenario(one_machine(60.0), [cast(count=1)], disturbances=broken)
    failing = Breakdowns(60.0, 20.0, stream(11, "M", 0, 2))
    rows = [60 + sum(stop_min for _, stop_min in failing.during(0.0, 60.0)) for _ in range(20_000)]
    for quantile in (0.5, 0.8, 0.95):
        assert quantile_min(case.disturbances, "M", 60.0, quantile) == pytest.approx(
            np.quantile(rows, quantile), abs=2.5
        )


def test_availability_is_the_share_of_the_step() -> None:
    """Proves: two overlapping outages count once, by minutes. Sensitivity: steps taken whole."""
    outages = [
        {"unit": "M", "start": "20 min", "end": "35 min"},
        {"unit": "M", "start": "30 min", "end": "40 min"},
    ]
    data = envelope(scenario(one_machine(), [cast(count=1)], state={"outages": outages}))
    assert data["available"].values[0, :4] == pytest.approx([1, 1 / 3, 1 / 3, 1])


def test_state_is_reported() -> None:
    """Proves: what has begun comes through. Sensitivity: a default instead."""
    state = {"started": [{"heat": "A-1", "stage": "ladle", "unit": "L", "start": "-PT10M"}]}
    case = scenario(melt_shop(), [cast()], state=state)
    data = envelope(case)
    assert float(data["started_min"].sel(heat="A-1", stage="ladle")) == -10
    assert str(data["started_unit"].sel(heat="A-1", stage="ladle").item()) == "L"
    # the furnace is over, though the state does not say so
    assert shop(case).route[0] == (1, 2)
