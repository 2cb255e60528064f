"""Missed locks and work in outages are violations of a run."""

from __future__ import annotations

from typing import Any

import pytest
from shops import cast, melt_shop, scenario, violations

from emberline.scenarios import Case
from emberline.scenarios.records.orders import Lock
from emberline.twin import dispatch, replay, replays

LOCKED = ("lock", "outage")


def with_locks(built: Case, *locks: dict[str, Any]) -> Case:
    """The scenario with other locks, for a schedule that was made without them."""
    return built.model_copy(update={"locks": tuple(map(Lock.model_validate, locks))})


def missed(case: Case, schedule: Any, **how: Any) -> list[Any]:
    """Violations of locks and outages in an undisturbed replay."""
    return [row for row in violations(replay(case, schedule, **how)) if row[0] in LOCKED]


def test_a_missed_lock_is_a_violation() -> None:
    """Proves: start, earliest, latest and unit are judged to the second, each by the minutes it misses; what is kept
    and what is off by less than a second is none. Sensitivity: a later heat of a cast is judged at its own start."""
    two = melt_shop()
    two["stages"][0]["units"].append({"name": "F2", "power_mw": 40.0})
    built = scenario(two, [cast("A", 2)])
    schedule = dispatch(built)
    at = float(schedule["start_min"].sel(heat="A-2", stage="casting"))
    first = float(schedule["start_min"].sel(heat="A-1", stage="casting"))
    assert at == first + 45
    on = {"heat": "A-2", "stage": "casting"}
    for item in ({"start": f"{at} min"}, {"earliest": f"{at} min", "latest": f"{at} min"}, {"unit": "C"}):
        assert missed(with_locks(built, on | item), schedule) == []
    assert missed(with_locks(built, on | {"start": f"{at + 0.01} min"}), schedule) == []
    for text, amount in (("start", 15.0), ("earliest", 15.0), ("latest", 5.0)):
        moment = at + amount if text != "latest" else at - amount
        (row,) = missed(with_locks(built, on | {text: f"{moment} min"}), schedule)
        assert row == ("lock", "A-2", at, pytest.approx(amount), "min")
    unit = str(schedule["unit"].sel(heat="A-1", stage="melting").item())
    other = {"heat": "A-1", "stage": "melting", "unit": "F2" if unit == "F" else "F"}
    (row,) = missed(with_locks(built, other), schedule)
    assert (row[0], row[1], row[3]) == ("lock", "A-1", 45.0), "it spends 45 min elsewhere"


def test_two_locks_are_judged_at_once() -> None:
    """Proves: the window of both counts. Sensitivity: the last lock alone would be kept."""
    built = scenario(melt_shop(), [cast("A", 2)])
    schedule = dispatch(built)
    at = float(schedule["start_min"].sel(heat="A-2", stage="melting"))
    pair = [
        {"heat": "A-2", "stage": "melting", "earliest": f"{at + 30} min"},
        {"heat": "A-2", "stage": "melting", "latest": "20 h"},
    ]
    for locks in (pair, pair[::-1]):
        (row,) = missed(with_locks(built, *locks), schedule)
        assert row[3] == pytest.approx(30.0)


def test_under_disturbance_a_lock_leaves_one_step() -> None:
    """Proves: a named start that slips by less than a step is on time in a disturbed replay, one that slips by more is
    missed; a latest start has no such leeway. Sensitivity: to the second, no disturbed day would hold."""
    built = scenario(melt_shop(), [cast("A", 4)], disturbances={"duration_spread": 0.15, "seed": 3})
    schedule = dispatch(built)
    start = {name: float(schedule["start_min"].sel(heat="A-4", stage=name)) for name in ("melting", "ladle")}
    on = {"heat": "A-4", "stage": "ladle"}
    named = with_locks(built, on | {"start": f"{start['ladle']} min"})
    latest = with_locks(built, on | {"latest": f"{start['ladle']} min"})
    slips = []
    for one, two in zip(replays(named, schedule, range(12)), replays(latest, schedule, range(12)), strict=True):
        row = (one["op_heat"].values == "A-4") & (one["op_stage"].values == "ladle")
        slip = float(one["op_start_min"].values[row][0]) - start["ladle"]
        slips.append(slip)
        by_start, by_latest = ([v for v in violations(run) if v[0] == "lock"] for run in (one, two))
        assert [v[3] for v in by_start] == ([pytest.approx(slip)] if slip > 15 else [])
        assert [v[3] for v in by_latest] == ([pytest.approx(slip)] if slip > 1 / 60 else [])
    assert any(0 < slip < 15 for slip in slips)
    assert any(slip > 15 for slip in slips)


def test_what_has_begun_is_past_judging() -> None:
    """Proves: a lock on an operation under way is no violation, whatever it says."""
    table = {"started": [{"heat": "A-1", "stage": "melting", "unit": "F", "start": "-10 min"}]}
    built = scenario(melt_shop(), [cast("A", 2)], state=table)
    schedule = dispatch(built)
    assert missed(with_locks(built, {"heat": "A-1", "stage": "melting", "start": "5 h"}), schedule) == []


def test_work_in_an_outage_is_a_violation() -> None:
    """Proves: minutes within an outage are reported, with the unit; outside it nothing is. Sensitivity: a list that
    plans an operation for less time than it takes starts it in a gap in which it does not fit."""
    built = scenario(melt_shop(), [cast("A", 1)])
    schedule = dispatch(built)
    at = float(schedule["start_min"].sel(heat="A-1", stage="melting"))
    short = schedule.copy(deep=True)
    short["end_min"].loc[{"heat": "A-1", "stage": "melting"}] = at + 20
    for begin, minutes in ((at + 30, 15.0), (at + 45, 0.0)):
        outage = {"unit": "F", "start": f"{begin} min", "end": f"{begin + 60} min"}
        case = scenario(melt_shop(), [cast("A", 1)], state={"outages": [outage]})
        result = missed(case, short)
        assert result == ([("outage", "A-1", begin, pytest.approx(minutes), "min")] if minutes else [])


def test_a_locked_heat_under_way_may_wait_as_long_as_allowed() -> None:
    """Proves: a heat that leaves L at 15 min and is locked to be cast at 60 waits the 45 min that it may. Sensitivity:
    a limit that is missed by less than rounding taken for broken."""
    case = scenario(
        melt_shop(),
        [cast(count=1)],
        state={
            "started": [
                {"heat": "A-1", "stage": stage, "unit": unit, "start": start}
                for stage, unit, start in (("melting", "F", "-75 min"), ("ladle", "L", "-15 min"))
            ]
        },
        locks=[{"heat": "A-1", "stage": "casting", "start": "60 min"}],
    )
    schedule = dispatch(case)
    assert schedule.attrs["complete"]
    assert float(schedule["start_min"].sel(heat="A-1", stage="casting")) == 60
