"""The nearest plan that keeps the rules, and what speaks against a start, with a heat under way between two slots."""

from __future__ import annotations

import pytest
from enumerated_shops import shop

from emberline import twin
from emberline.models import line
from emberline.planning.plan.alternatives.nearest import nearest
from emberline.studies.why.limits import Line


@pytest.mark.parametrize(("start", "soonest", "latest"), [(-119.5, 1, 2), (-60, 1, 3), (-59.5, 2, 3), (-0.25, 2, 3)])
def test_a_heat_under_way_is_moved_where_it_may_be(start: float, soonest: int, latest: int) -> None:
    """Proves: a heat in F1 since then, for 2 h, is taken by L between its end and 2 h later; the nearest plan lies
    there, words speak against every other slot alone, and the next heat is in F1 as soon as it is free.

    Sensitivity: an hour more, as its start lies between two."""
    state = {"started": [{"heat": "H1", "stage": "melting", "unit": "F1", "start": f"{start} min"}]}
    scenario = shop([50.0] * 9, [2, 1], ladle_h=1, wait_h=2, state=state)
    problem = line.from_scenario(scenario, twin.envelope(scenario))
    first = problem.heats[0].operations[0].first
    for slot in range(6):
        moved = nearest(problem, line.Starts(((0, 1), (0, 1)), ((first, min(slot, 3)), (0, 4)), (), ()))
        assert moved is not None
        assert moved.slot == ((first, min(max(slot, soonest), latest)), (soonest, 4))
        against = Line(scenario, problem, moved).in_the_way((0, 1), slot)
        assert bool(against) == (not soonest <= slot <= latest), against
