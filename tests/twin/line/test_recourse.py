"""Recourse of the dispatcher: what each rule does on a day worked out by hand, and that none acts undisturbed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
from shops import cast, melt_shop, scenario

from emberline.scenarios import Scenario
from emberline.scenarios.line.tables import shop
from emberline.scenarios.records.disturbances import Recourse
from emberline.twin import dispatch, misses, replay, replays
from emberline.twin.line.line import LineHistory, ListReplay
from emberline.twin.line.load_management import LoadManagement
from emberline.twin.line.operations import Operations, operations

ALL = {"assets": True, "cast_longer_share": 0.3, "start_later_min": 20}


def one_cast(heats: int = 2, **rest: Any) -> tuple[Scenario, xr.Dataset]:
    """Heats of one cast: furnace, ladle furnace and caster."""
    case = scenario(melt_shop(), [cast("A", heats)], **rest)
    return case, dispatch(case)


def follow(todo: Operations, late: str, minutes: float, recourse: Recourse) -> LineHistory:
    """The list with one operation that takes longer than planned."""
    names = [f"{todo.shop.names[h]} {todo.shop.stages[k]}" for h, k in zip(todo.heat, todo.stage, strict=True)]
    duration = todo.arrays["duration"].tolist()
    duration[names.index(late)] += minutes
    return ListReplay(todo, duration, {}, recourse).run()


@pytest.mark.parametrize(("share", "longer"), [(0.0, 0.0), (0.2, 2.0), (1.0, 7.5)])
def test_a_caster_casts_slower_while_the_next_heat_is_late(share: float, longer: float) -> None:
    """Proves: the first heat is cast from 105 to 150 min; the second should leave the ladle furnace at 135 and reach
    the caster at 150, and is 40 min late. At 140 min it is expected in 15, with 10 min left to cast: the next five take
    longer by the share at most, or by half; then again. By the share of 20 % that is 2 min in all, without limit 2.5
    and 5. The gap is shorter by as much, and it costs by the hour. Sensitivity: a caster that keeps its pace, or one
    that knows the future."""
    case, schedule = one_cast()
    todo = operations(shop(case), schedule)
    first, second = (todo.sequence[todo.shop.unit_index["C"]][place] for place in (0, 1))
    recourse = Recourse(cast_longer_share=share, cast_longer_cost_per_h=60)
    course = follow(todo, "A-2 ladle", 40.0, recourse)
    assert (course.start[first], course.start[second]) == (105, 190)
    assert course.end[first] == pytest.approx(150 + longer)
    assert sum(act.cost for act in course.acts) == pytest.approx(longer)
    assert [act.unit for act in course.acts] == (["C"] if longer else [])


def test_load_management_holds_the_next_start_back_until_there_is_room() -> None:
    """Proves: a furnace of even power that starts in the middle of an interval draws by halves; where the interval has
    no room for its half the start moves to the minute from which there is, where that is within reach, else it stays.
    Sensitivity: a start that looks at the interval's end only."""
    case, schedule = one_cast(1)
    todo = operations(shop(case), schedule)
    i = todo.sequence[todo.shop.unit_index["F"]][0]
    power = float(todo.arrays["energy"][i]) / todo.planned[i] * 60
    profile = todo.shop.profiles[todo.unit[i]]
    assert profile.relative.tolist() == [1.0]
    room = np.full(96, 1e3)
    room[0] = power * 5 / 60  # for five of its fifteen minutes
    assert LoadManagement(todo, room, 15.0, 10.0).start(i, 5.0) == 10.0
    assert LoadManagement(todo, room, 15.0, 4.0).start(i, 5.0) == 5.0
    assert LoadManagement(todo, room, 15.0, 10.0).start(i, 12.0) == 12.0


def test_nothing_acts_undisturbed() -> None:
    """Proves: without disturbance a run with all recourse is that without, to the last bit, of plan and baseline.

    Sensitivity: a rule that looks at nominal days too."""
    case, schedule = one_cast(3, disturbances={"duration_spread": 0.1})
    ready = case.model_copy(update={"recourse": Recourse.model_validate(ALL)})
    for listed in (schedule, schedule.assign_attrs(policy="schedule")):
        xr.testing.assert_identical(replay(case, listed), replay(ready, listed))
        assert "recourse" not in replay(ready, listed).sizes


def test_what_was_done_is_told_with_the_run() -> None:
    """Proves: on disturbed days what a caster did stands in the run with unit, minutes and cost, gaps are no longer
    than without, and misses are those of the runs. Sensitivity: acts that are not handed on."""
    case, schedule = one_cast(4, disturbances={"duration_spread": 0.25})
    recourse = Recourse(cast_longer_share=0.3, cast_longer_cost_per_h=120)
    ready = case.model_copy(update={"recourse": recourse})
    gaps = dict.fromkeys(("usual", "ready"), 0.0)
    acted = 0
    for name, one in (("usual", case), ("ready", ready)):
        for run, rows in zip(replays(one, schedule, range(40)), misses(one, schedule, range(40)), strict=True):
            assert [row.at_min for row in rows] == run["violation_at_min"].values.tolist()
            gap = run["violation_kind"].values == "cast"
            gaps[name] += float(run["violation_amount"].values[gap].sum())
            if "recourse" in run.sizes:
                acted += run.sizes["recourse"]
                assert set(run["recourse_unit"].values.tolist()) == {"C"}
                np.testing.assert_allclose(run["recourse_cost"], 2 * run["recourse_amount"])
    assert acted
    assert gaps["ready"] < gaps["usual"]
