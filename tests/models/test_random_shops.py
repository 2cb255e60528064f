"""Random small shops against all their plans, counted one by one from the scenario alone."""

from __future__ import annotations

import counted_shops
import pytest
import random_shops
from line_oracle import line_optimum

from emberline import models, twin
from emberline.scenarios import Case

NEAR = 1e-3


def optimized(scenario: Case) -> dict[str, object]:
    """What a search that begins with the baseline schedule says."""
    envelope = twin.envelope(scenario)
    listed = twin.dispatch(scenario, envelope)
    return dict(models.optimize(scenario, envelope, listed if listed.attrs["complete"] else None).attrs)


@pytest.mark.parametrize("seed", [1000, 1003, 1004, 1006, 1009, 1010, 1014, 1027, 1031, 1034, 1036, 1038, 1039])
def test_plan_and_bound_are_the_best_of_all(seed: int) -> None:
    """Proves: of shops with outages to odd minutes, set-ups and steps of 5 to 60 min the plan is the best of all.

    Sensitivity: units that must be available through set-ups and the rest of a slot have worse plans and bounds above
    the best.
    """
    scenario = random_shops.built(random_shops.raw(seed, most_heats=4))
    best = counted_shops.best(counted_shops.read(scenario))
    result = optimized(scenario)
    assert best is not None
    assert line_optimum(scenario).value == pytest.approx(best)
    assert result["status"] == "within gap"
    assert result["objective"] == pytest.approx(best, rel=2e-4, abs=NEAR)
    assert float(str(result["bound"])) <= best + NEAR


@pytest.mark.parametrize("seed", [1010, 1028, 2007, 2013, 2026, 2043])
def test_units_of_unequal_durations(seed: int) -> None:
    """Proves: plan and bound are the best of all where units differ in duration and waiting heats are reheated.

    Sensitivity: a heat on the slow unit that ends after its due time, or after the horizon; heat lost on the mean unit.
    """
    scenario = random_shops.built(random_shops.uneven(random_shops.raw(seed, most_heats=4 - (seed < 2000)), seed))
    best = counted_shops.best(counted_shops.read(scenario))
    result = optimized(scenario)
    assert best is not None
    assert result["status"] == "within gap"
    assert result["objective"] == pytest.approx(best, rel=2e-4, abs=NEAR)
    assert float(str(result["bound"])) <= best + NEAR


@pytest.mark.parametrize("seed", [1024, 1037])
def test_no_start_on_steps_is_no_proof_of_starts_between(seed: int) -> None:
    """Proves: where no start on steps keeps all limits, and starts between them were not ruled out, that is said.

    Sensitivity: "infeasible" would be said of every shop whose grid is too coarse.
    """
    scenario = random_shops.built(random_shops.raw(seed, most_heats=4))
    assert counted_shops.best(counted_shops.read(scenario)) is None
    assert optimized(scenario)["status"] == "no plan on this grid"
