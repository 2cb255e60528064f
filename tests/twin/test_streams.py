"""Random numbers: the same everywhere, and nobody's change touches another's."""

from __future__ import annotations

import numpy as np
import pytest

from emberline.scenarios.line.scatter import BREAKDOWN, SPREAD, stream
from emberline.scenarios.records.disturbances import Breakdown, Disturbances, Spread
from emberline.twin.streams import Breakdowns, breakdowns, factors

SPREADING = Disturbances(duration_spread=0.1, energy_spread=0.05)


def test_the_same_bits_everywhere() -> None:
    """Proves: draws are pinned to the bit. Sensitivity: Python's salted hash or another key order changes them."""
    result = stream(1, "EAF1", 0, SPREAD).integers(0, 2**63, 2).tolist()
    assert result == stream(1, "EAF1", 0, SPREAD).integers(0, 2**63, 2).tolist()
    others = [stream(2, "EAF1", 0, SPREAD), stream(1, "EAF2", 0, SPREAD), stream(1, "EAF1", 1, SPREAD)]
    others.append(stream(1, "EAF1", 0, BREAKDOWN))
    assert all(result != other.integers(0, 2**63, 2).tolist() for other in others)
    assert result == PINNED


def test_more_heats_change_nothing_for_the_first() -> None:
    """Proves: heat 5 has its random numbers however many follow. Sensitivity: one stream shared by durations and
    energies."""
    assert np.array_equal(factors(SPREADING, "M", 6, 1, 0), factors(SPREADING, "M", 60, 1, 0)[:6])


def test_spread_has_the_declared_median_and_mean() -> None:
    """Proves: lognormal with median 1 and the given spread; exponential with mean 1.

    Sensitivity: mean-one lognormal.
    """
    for column, spread in enumerate((Disturbances(duration_spread=0.1), Disturbances(energy_spread=0.05))):
        result = factors(spread, "M", 40_000, 1, 0)[:, column]
        assert np.median(result) == pytest.approx(1, abs=0.003)
        assert np.log(result[result > 1]).std() == pytest.approx((0.1, 0.05)[column] * (1 - 2 / np.pi) ** 0.5, rel=0.03)
    disturbances = Disturbances(units=(Spread(unit="M", distribution="exponential"),))
    exponential = factors(disturbances, "M", 40_000, 1, 0)[:, 0]
    assert exponential.mean() == pytest.approx(1, abs=0.02)
    assert exponential.std() == pytest.approx(1, abs=0.03)
    assert (factors(disturbances, "N", 3, 1, 0) == 1).all()


def test_no_unit_draws_more_than_its_nominal_power() -> None:
    """Proves: a heat that needs more energy takes longer. Sensitivity: durations and energies drawn apart exceed it."""
    durations, energies = factors(SPREADING, "M", 5_000, 1, 0).T
    assert (energies <= durations).all()
    assert (energies < durations).any()
    assert (energies == durations).any()
    assert ((durations > 1) & (energies < 1)).any()  # each is drawn by itself


def test_failures_count_working_time_only() -> None:
    """Proves: failures fall after the drawn working time, across operations. Sensitivity: a clock that runs on idle."""
    generator = stream(7, "M", 0, BREAKDOWN)
    working, repair = (generator.standard_exponential((8, 2)) * [100, 10]).T
    failing = Breakdowns(100.0, 10.0, stream(7, "M", 0, BREAKDOWN))
    half = working[0] / 2
    assert failing.during(0.0, half) == []
    # long after: the other half is still to be worked before it fails
    (stop,) = failing.during(5000.0, half + working[1] / 2)
    assert stop == pytest.approx((5000 + half, repair[0]))
    both = failing.during(9000.0, working[1] / 2 + working[2] + 1e-6)
    second = 9000 + working[1] / 2
    assert [at for at, _ in both] == pytest.approx([second, second + repair[1] + working[2]])


def test_mean_time_between_failures() -> None:
    """Proves: a unit fails as often as its MTBF says. Sensitivity: hours taken for minutes."""
    failing = breakdowns(Disturbances(breakdowns=(Breakdown(unit="M", mtbf_h=10, mttr_min=30),)), 3, 0)["M"]
    stops = failing.during(0.0, 600.0 * 4000)
    assert len(stops) == pytest.approx(4000, rel=0.05)
    assert np.mean([stop_min for _, stop_min in stops]) == pytest.approx(30, rel=0.05)


PINNED = [5417696050860108198, 3326077249915356183]
