"""A stored plan made again: unchanged data change nothing, locks are kept, overrides lock what a schedule says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from enumerated_shops import best, shop
from shops import cast, melt_shop
from shops import scenario as cast_shop

from emberline.planning.plan.holding import Holding
from emberline.planning.plan.record import Plan
from emberline.planning.plan.replan import choose, holds, lock, locked, with_locks, without_margins
from emberline.planning.planner import PLAIN, make_plan
from emberline.runs.store.store import Store
from emberline.scenarios import ScenarioError, load
from emberline.scenarios.records.disturbances import Disturbances
from emberline.scenarios.records.orders import AnyLock, Lock

INTENSITY = [900.0, 100.0, 500.0, 300.0, 400.0]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """A plan of two heats, written and read back."""
    result, store = make_plan(shop(INTENSITY, [1, 1]), PLAIN), Store(tmp_path_factory.mktemp("home"))
    with store.working(result.scenario) as run:
        store.save(run, result)
    return store.open(run).plan


def again(stored: Plan, locks: Sequence[AnyLock] | None = None) -> Plan:
    """A stored plan made again, under other locks where there are any."""
    scenario = stored.scenario if locks is None else with_locks(stored.scenario, locks)
    return make_plan(scenario, PLAIN, before=stored)


def starts(result: Plan) -> list[float]:
    """Starts in hours."""
    assert result.schedule is not None
    return [float(hour) for hour in result.schedule["start_min"].to_numpy()[:, 0] / 60]


def test_unchanged_data_change_nothing(stored: Plan) -> None:
    """Proves: a plan within its gap comes back as it is; one that is not is searched on and still stays.

    Sensitivity: a search from the start could give the two equal heats the other way round.
    """
    assert again(stored) is stored
    turned = swapped(stored)
    after = again(replace(turned, gap=0.5, status="best found"))
    assert after.schedule is not None
    assert turned.schedule is not None
    np.testing.assert_array_equal(after.schedule["start_min"], turned.schedule["start_min"])
    assert after.status == "within gap"
    assert after.reason == "The earlier plan stays."
    assert after.acceptable


def swapped(result: Plan) -> Plan:
    """The same plan with its two equal heats the other way round: as good, and what a search would not give first."""
    assert result.schedule is not None
    times = {
        name: (("heat", "stage"), result.schedule[name].to_numpy()[::-1].copy()) for name in ("start_min", "end_min")
    }
    return replace(result, schedule=result.schedule.assign(times))


def test_a_plan_gives_way_to_a_clearly_better_one(stored: Plan) -> None:
    """Proves: a stored plan that is far from the best is searched on, and the better one is taken."""
    assert stored.schedule is not None
    late = {name: stored.schedule[name] + 60.0 for name in ("start_min", "end_min")}
    value = 10 * (500.0 + 400.0)
    flows = {name: stored.schedule[name].roll(time=1) for name in ("line_mw", "import_mw")}
    poor = stored.schedule.assign(late | flows).assign_attrs(objective=value, gap=0.5)
    after = again(replace(stored, schedule=poor, objective=value, gap=0.5, status="best found"))
    truth = best(stored.scenario)
    assert truth is not None
    assert after.objective == pytest.approx(truth.kg, rel=1e-5)
    assert sorted(starts(after)) == [1, 3]


def test_locks_are_kept_and_only_what_must_move_moves(stored: Plan) -> None:
    """Proves: a lock to the dirtiest hour is kept, its price is the enumerated one, and freed again it is undone."""
    lock = Lock(heat="H1", stage="melting", start=timedelta(0))
    pinned = again(stored, [lock])
    assert starts(pinned)[0] == 0
    truth = best(pinned.scenario, lambda heat, place: heat != "H1" or place[1] == 0)
    assert truth is not None
    assert pinned.objective == pytest.approx(truth.kg, rel=1e-5)
    freed = again(pinned, [])
    assert freed.objective == pytest.approx(stored.objective or 0.0, rel=1e-5)


def test_a_lock_at_its_own_place_changes_nothing(stored: Plan) -> None:
    """Proves: locking heats where they are keeps the schedule to the minute."""
    at = dict.fromkeys(("H1", "H2"))
    assert stored.schedule is not None
    (override,) = locked(stored.scenario, stored.schedule, at)
    assert override.count('"start"') == 2
    rows = [
        Lock(heat=heat, stage="melting", start=timedelta(hours=hour))
        for heat, hour in zip(at, starts(stored), strict=True)
    ]
    after = again(stored, rows)
    assert starts(after) == starts(stored)
    assert after.objective == pytest.approx(stored.objective or 0.0)


def test_a_heat_that_is_locked_to_another_unit_goes_there() -> None:
    """Proves: an earlier schedule on a unit that is ruled out now is no plan, and planning goes on without it.

    Sensitivity: lags from a unit that is not allowed have no number; looking them up would end the search.
    """
    result = make_plan(shop(INTENSITY, [1, 1], furnaces=2, ladle_h=1), PLAIN)
    assert result.schedule is not None
    unit = str(result.schedule["unit"].sel(heat="H1", stage="melting").item())
    other = "F2" if unit == "F1" else "F1"
    scenario = with_locks(result.scenario, [Lock(heat="H1", stage="melting", unit=other)])
    assert not holds(scenario, result.envelope, result.schedule)
    after = again(result, scenario.locks)
    assert after.schedule is not None
    assert after.schedule["unit"].sel(heat="H1", stage="melting").item() == other
    assert after.objective == pytest.approx(result.objective or 0.0, rel=1e-5), "the furnaces are alike"


def test_a_search_reports_the_best_plan_as_it_improves() -> None:
    """Proves: each better plan is reported once, with unit and start of every operation, the last as the schedule has
    them. Sensitivity: a plan that is reported with every bound floods the log of a job."""
    events: list[dict[str, Any]] = []
    result = make_plan(shop(INTENSITY, [1, 1]), PLAIN, on_progress=events.append)
    reports = [event["operations"] for event in events if "operations" in event]
    assert result.schedule is not None
    at = {heat: result.schedule.sel(heat=heat, stage="melting") for heat in ("H1", "H2")}
    assert reports[-1] == [(heat, 0, str(one["unit"].item()), float(one["start_min"])) for heat, one in at.items()]
    assert all(one != two for one, two in pairwise(reports))


def test_margins_that_were_learnt_give_way(stored: Plan) -> None:
    """Proves: to be planned again in seconds a plan has the margins that were asked for, and no bound, which larger
    margins had raised; what is disturbed stays."""
    disturbances = {"duration_spread": 0.1, "due_margin_min": 30.0}
    scenario = stored.scenario.model_copy(update={"disturbances": Disturbances.model_validate(disturbances)})
    holding = Holding(
        level=0.9, status="holds", reached=True, days=100, share=0.95, interval=(0.9, 0.97), baseline_share=None,
        draft_share=None, severity={}, baseline_severity={}, recourse_cost=0.0, draft_objective=None, draft_bound=None,
        draft_gap=None, draft_figures={}, draft_saving={}, price={}, most_price=None, margins={}, settings=(),
        request={"due_margin_min": 5.0}, misses=(),
    )  # fmt: skip
    again = without_margins(replace(stored, scenario=scenario, holding=holding))
    assert again.scenario.disturbances.model_dump(exclude_defaults=True) == disturbances | {"due_margin_min": 5.0}
    assert again.bound is None
    assert again.scenario.goal == scenario.goal


def test_an_earlier_plan_that_breaks_a_lock_does_not_hold(stored: Plan) -> None:
    """Proves: ``holds`` sees a lock, and ``choose`` takes what was found then, however little better it is."""
    assert stored.schedule is not None
    scenario = with_locks(stored.scenario, [Lock(heat="H1", stage="melting", start=timedelta(0))])
    assert holds(stored.scenario, stored.envelope, stored.schedule)
    assert not holds(scenario, stored.envelope, stored.schedule)
    other = stored.schedule.assign_attrs(reason="other")
    assert choose(scenario, stored.envelope, stored.schedule, other).attrs["reason"] == "other"


def test_overrides_lock_what_a_schedule_says() -> None:
    """Proves: what ``locked`` writes is a --set that loads, keeps other locks, and names unit and start.

    A later heat of a cast is locked where it is taken, which is no mistake where that is between steps.
    """
    scenario = load("melt-shop-small", ["locks=[{heat: C2-1, stage: casting, earliest: 5 h}]"])
    from emberline import twin

    schedule = twin.dispatch(scenario)
    table: dict[str | tuple[str, str], float | None] = {
        "C1-1": None, ("C3-2", "casting"): None, ("C1-2", "melting"): 300.0
    }  # fmt: skip
    texts = locked(scenario, schedule, table)
    again = load("melt-shop-small", texts)
    values = {(lock.heat, lock.stage): lock for lock in again.locks}
    assert values["C2-1", "casting"].earliest == timedelta(hours=5)
    assert values["C1-1", "melting"].unit == "EAF"
    assert values["C1-2", "melting"].start == timedelta(hours=5)
    second = float(schedule["start_min"].sel(heat="C3-2", stage="casting"))
    assert values["C3-2", "casting"].start == timedelta(minutes=second)
    assert len(again.locks) == 4


def test_mistaken_locks_are_refused() -> None:
    """Proves: an unknown heat or stage, a start off the steps and one outside the horizon are each reported in a
    line."""
    case = cast_shop(melt_shop(), [cast("A", 2)])
    from emberline import twin

    schedule = twin.dispatch(case)
    wrong: tuple[tuple[str | tuple[str, str], float, str], ...] = (
        ("B-9", 0.0, "there is no such heat"),
        (("A-1", "rolling"), 0.0, "does not run through 'rolling'"),
        ("A-1", 7.0, "lies between steps"),
        ("A-1", 1e5, "outside the horizon"),
    )
    for key, at, text in wrong:
        with pytest.raises(ScenarioError, match=text):
            locked(case, schedule, {key: at})


def test_a_lock_where_the_heat_is_planned_costs_nothing() -> None:
    """Proves: locking a heat where the plan has it leaves the plan as good as it was: the cap on extra cost stays the
    amount that it was, though the baseline schedule with the lock is another. Sensitivity: a cap that moves with it."""
    scenario = load("melt-shop-small", ("disturbances.replications=0", "goal.effort=8", "goal.gap=0.05"))
    result = make_plan(scenario, PLAIN)
    assert result.schedule is not None
    assert scenario.goal.caps.extra_cost_share is not None
    heat, stage = scenario.heats[0].name, scenario.line.stages[0].name
    after = again(result, [lock(scenario, result.schedule, heat, stage)])
    assert after.objective is not None
    assert result.objective is not None
    assert after.objective <= result.objective * (1 + 1e-6)
    assert after.acceptable
