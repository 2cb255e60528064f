"""Counts by unit: Hall's condition by hand, and the published melt shops, whose transfers differ by pair of units."""

from __future__ import annotations

import math
import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from benchmarks.published import melt_shop
from emberline.models.formulations.line.by_unit.model import Matched
from emberline.models.formulations.line.by_unit.succession_cuts import Units, matching, patterns
from emberline.models.kernel.highs import solve
from emberline.models.problem.assignment import mistakes
from emberline.models.search.incumbent import Search
from emberline.models.strategies import corridors
from emberline.models.strategies.line import by_counts
from emberline.scenarios import Case

shared = pytest.mark.shared
SHARED = Path(os.environ.get("EMBERLINE_SHARED", Path(__file__).resolve().parents[6] / "shared"))
FOLDER = SHARED / "oracles" / "melt_shop"


def envelope(scenario: Case) -> xr.Dataset:
    """An envelope without disturbance, made by hand: the models' tests need no twin."""
    line, heats, units = scenario.line, scenario.heats, scenario.line.units
    minutes = np.array(
        [[line.duration_min(heat.grade, unit.name) or math.nan for unit in units] for heat in heats], dtype=float
    )
    energy = np.array([[line.energy_mwh(heat.grade, unit.name) for unit in units] for heat in heats])
    shape = len(heats), len(line.stages)
    return xr.Dataset(
        {
            "duration_min": (("heat", "unit"), minutes),
            "planned_min": (("heat", "unit"), minutes),
            "energy_mwh": (("heat", "unit"), energy),
            "available": (("unit", "time"), np.ones((len(units), scenario.horizon.n_steps))),
            "started_min": (("heat", "stage"), np.full(shape, math.nan)),
            "started_unit": (("heat", "stage"), np.full(shape, "")),
            "battery_level_mwh": ((), 0.0),
            "peak_so_far_mw": ((), 0.0),
        },
        coords={
            "heat": [heat.name for heat in heats],
            "unit": [unit.name for unit in units],
            "stage": [stage.name for stage in line.stages],
        },
    )


def search(name: str, groups: list[int], seconds: float = 120) -> Search:
    case = melt_shop.read(FOLDER / name)
    scenario = melt_shop.published(case, groups)
    return melt_shop.search(case, scenario, envelope(scenario), seconds, gap=0.0)


def test_patterns_of_two_units_with_a_short_and_a_long_way() -> None:
    """Proves: two sources, two targets, one slot more across, need three sets of Hall's condition.

    Sensitivity: without the two skewed sets a heat on the far unit could start a slot early.
    """
    assert patterns([(0, 1), (1, 0)]) == [((-1, 0), (-1, 0)), ((0, -1), (0, -1)), ((0, 0), (0, 0))]


def test_patterns_of_equal_ways_are_one() -> None:
    """Proves: where all ways are equal the pooled precedence remains. Sensitivity: a second set would be no use."""
    assert patterns([(0, 0), (0, 0)]) == [((0, 0), (0, 0))]


def test_matching_gives_way() -> None:
    """Proves: a demand that took the only supply of another moves on. Sensitivity: greedily, the second finds none."""
    assert matching([[0, 1], [0]]) == [1, 0]
    assert matching([[0], [0]]) is None
    assert matching([[0], []]) is None
    assert matching([]) == []


@shared
@pytest.mark.parametrize(
    ("name", "groups", "optimum"),
    [("plant2.json", [1], 26238.9842), ("toy_a2.json", [1, 2, 3, 4], 46874.0)],
)
def test_published_optimum_is_proven(name: str, groups: list[int], optimum: float) -> None:
    """Proves: plan and bound meet at the published optimum. Sensitivity: the longest transfers cost 0.7 % more."""
    result = search(name, groups)
    by_counts(result)
    assert result.best is not None
    assert mistakes(result.problem, result.best) == []
    assert result.value == pytest.approx(optimum, abs=0.01)
    assert result.bound == pytest.approx(optimum, abs=0.01)


@shared
def test_pooled_transfers_bracket_the_exact_ones() -> None:
    """Proves: shortest transfers bound from below, longest from above. Sensitivity: swapped, the order turns round."""
    values: dict[str, float] = {}
    names: tuple[Units, ...] = ("shortest", "each", "longest")
    for units in names:
        result = search("plant2.json", [1])
        matched = Matched(result.problem, result.data, units=units)
        corridors.set_goal(matched, result, pure=True)
        outcome = solve(matched.model, work=60)
        assert outcome.objective is not None
        values[units] = outcome.objective
    assert values["shortest"] <= values["each"] + 1e-6
    assert values["each"] < values["longest"]
    assert values["each"] == pytest.approx(26238.9842, abs=0.01)
