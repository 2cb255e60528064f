"""Locks: merged by heat and stage, and refused beforehand where no plan can keep them."""

from __future__ import annotations

from typing import Any

import pytest

from emberline.scenarios import Case, ScenarioError, load
from emberline.scenarios.records.locks import Window

DAY = "melt-shop-day"
AT = "2026-03-10T{}+01:00"


def with_locks(*locks: str, name: str = DAY, **remaining: str) -> Case:
    """A bundled scenario with locks, whose heats start on steps."""
    more = {"goal.hold": "off", **remaining}
    return load(name, [f"locks=[{', '.join(locks)}]", *(f"{key}={value}" for key, value in more.items())])


def refused(*locks: str, name: str = DAY, **remaining: str) -> list[str]:
    """What it is refused with: key and message of each mistake."""
    with pytest.raises(ScenarioError) as error:
        with_locks(*locks, name=name, **remaining)
    return [f"{problem.key}: {problem.says}" for problem in error.value.problems]


def lock(heat: str, stage: str, **when: str) -> str:
    """A lock in the file's words; times are of that day."""
    times = {key: value if key == "unit" else f"'{AT.format(value)}'" for key, value in when.items()}
    return "{" + ", ".join([f"heat: {heat}", f"stage: {stage}", *(f"{k}: {v}" for k, v in times.items())]) + "}"


def test_several_locks_hold_at_once() -> None:
    """Proves: locks on one heat and stage are taken together: unit of one, the latest start of the others, whatever
    their order. Sensitivity: the last one alone would leave the start open to one side."""
    parts = [
        lock("C2-2", "melting", earliest="04:00"),
        lock("C2-2", "melting", latest="20:00"),
        lock("C2-2", "melting", unit="EAF1"),
        lock("C2-2", "melting", earliest="03:00"),
    ]
    for order in (parts, parts[::-1]):
        window = with_locks(*order).lock_windows["C2-2", "melting"]
        assert (window.unit, window.earliest_min, window.latest_min) == ("EAF1", 240.0, 1200.0)
        assert sorted(window.numbers) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("second", "text"),
    [
        (lock("C2-2", "melting", earliest="05:00"), "heat C2-2 at melting from 2026-03-10T05:00+01:00 cannot be kept"),
        (lock("C2-2", "melting", start="04:15"), "heat C2-2 at melting 2026-03-10T04:15+01:00 cannot be kept"),
        (lock("C2-2", "melting", unit="EAF2"), "heat C2-2 at melting on EAF2 cannot be kept"),
    ],
)
def test_locks_that_contradict_each_other_are_refused_and_both_are_named(second: str, text: str) -> None:
    """Proves: one line that names both; a lock that agrees with the first is none the worse for it."""
    first = lock("C2-2", "melting", unit="EAF1", start="04:00")
    result = refused(first, second, lock("C2-2", "melting", latest="04:00"))
    assert result == [f"locks.1: {text} together with locks.0 (heat C2-2 at melting on EAF1 2026-03-10T04:00+01:00)"]


def test_a_later_heat_of_a_cast_is_locked_where_the_cast_can_take_it() -> None:
    """Proves: C2-4 is taken 175 min after its cast begins, so 07:10 lies on the grid and 07:15 is refused with the
    nearest times that can be kept. Sensitivity: rounding the offset to steps would move the lock by minutes."""
    assert with_locks(lock("C2-4", "casting", start="07:10")).locks
    assert refused(lock("C2-4", "casting", start="07:15")) == [
        "locks.0.start: 2026-03-10T07:15+01:00 cannot be kept: cast C2 begins on a step of 15 min and takes C2-4 "
        "175 min later; use 2026-03-10T07:10+01:00 or 2026-03-10T07:25+01:00"
    ]


def test_the_first_heat_of_a_cast_lies_on_a_step_like_any_other() -> None:
    """Proves: where a cast begins there is no exception from the steps."""
    for heat, stage in (("C2-1", "casting"), ("C2-1", "melting")):
        assert refused(lock(heat, stage, start="04:20")) == [
            "locks.0.start: 2026-03-10T04:20+01:00 lies between steps of 15 min; use 2026-03-10T04:15+01:00 or "
            "2026-03-10T04:30+01:00"
        ]


def test_a_window_without_a_step_in_it_is_refused() -> None:
    """Proves: a window counts like a start, before a cast and within it."""
    assert "use 2026-03-10T04:00+01:00 or 2026-03-10T04:15+01:00" in "".join(
        refused(lock("C2-2", "melting", earliest="04:01", latest="04:14"))
    )
    assert with_locks(lock("C2-4", "casting", earliest="07:08", latest="07:12")).locks
    (line,) = refused(lock("C2-4", "casting", earliest="07:11", latest="07:24"))
    assert line.endswith("use 2026-03-10T07:10+01:00 or 2026-03-10T07:25+01:00")


def test_two_heats_of_a_cast_are_locked_together() -> None:
    """Proves: the second lock is judged with the first: the nearest time is where the first one has the cast."""
    first = lock("C2-4", "casting", start="07:10")
    assert with_locks(first, lock("C2-1", "casting", start="04:15")).locks
    (line,) = refused(first, lock("C2-1", "casting", start="04:30"))
    assert line.startswith("locks.1.start: heat C2-1 at casting 2026-03-10T04:30+01:00 cannot be kept together with ")
    assert "locks.0 (heat C2-4 at casting 2026-03-10T07:10+01:00), of the same cast" in line
    assert line.endswith("; use 2026-03-10T04:15+01:00")
    # of two earlier ones the one that stands in the way is named
    (line,) = refused(first, lock("C2-2", "casting", latest="12:00"), lock("C2-1", "casting", start="04:30"))
    assert "cannot be kept together with locks.0 (heat C2-4" in line
    apart = lock("C2-1", "casting", unit="CC1"), lock("C2-3", "casting", unit="CC2")
    (line,) = refused(*apart)
    assert line.startswith("locks.1: heat C2-3 at casting on CC2 cannot be kept together with locks.0")


def test_casters_of_different_pace_take_a_heat_at_different_times() -> None:
    """Proves: every caster that may take the cast is looked at; the nearest times name the caster."""
    slower = {"line.grades.0.duration_min": "{melting: 52, ladle: 39, CC1: 62, CC2: 65}"}
    units = "[{name: CC1, power_mw: 1, setup_min: 30}, {name: CC2, power_mw: 1, setup_min: 30}]"
    remaining: dict[str, Any] = {"line.stages.casting.units": units, "disturbances": "{}", **slower}
    two = "{heat: C1-2, stage: casting, start: %s}"
    assert with_locks(two % "'182 min'", name="melt-shop-small", **remaining).locks
    assert with_locks(two % "'185 min'", name="melt-shop-small", **remaining).locks
    (line,) = refused(two % "'190 min'", name="melt-shop-small", **remaining)
    assert "takes C1-2 62 min later on CC1, 65 min later on CC2" in line
    assert line.endswith("use 2026-06-16T03:05+02:00 on CC2 or 2026-06-16T03:17+02:00 on CC1")
    named = "{heat: C1-2, stage: casting, unit: CC2, start: '182 min'}"
    assert refused(named, name="melt-shop-small", **remaining)[0].endswith(
        "use 2026-06-16T02:50+02:00 or 2026-06-16T03:05+02:00"
    )


def test_the_pace_of_the_plan_counts_margins() -> None:
    """Proves: the times that can be kept are those of the planning durations: a quantile moves them.

    Sensitivity: nominal durations would accept 03:00 for the second heat of a cast that plans with 66 min each."""
    lock = "{heat: C1-2, stage: casting, start: '180 min'}"
    assert with_locks(lock, name="melt-shop-small").locks
    (line,) = refused(
        lock, name="melt-shop-small",
        disturbances="{duration_spread: 0.1, margins: [{stage: casting, quantile: 0.84}]}",
    )  # fmt: skip
    assert "takes C1-2 66 min later; use 2026-06-16T02:51+02:00 or 2026-06-16T03:06+02:00" in line


def test_lateness_has_no_steps_and_what_has_begun_is_past_deciding() -> None:
    """Proves: the goal lateness takes any minute, but no contradiction; a lock on what has begun must agree with it."""
    least = {"goal.minimize": "lateness", "name": "melt-shop-small"}
    assert with_locks("{heat: C1-2, stage: casting, start: '187 min'}", **least).locks
    pair = "{heat: C1-2, stage: casting, start: '187 min'}", "{heat: C1-1, stage: casting, start: '126 min'}"
    (line,) = refused(*pair, **least)
    assert line.endswith("use 2026-06-16T02:07+02:00")
    table = {"name": "melt-shop-small", "state.started": "[{heat: C1-1, stage: melting, unit: EAF, start: -15 min}]"}
    assert with_locks("{heat: C1-1, stage: melting, unit: EAF, latest: 1 h}", **table).locks
    assert refused("{heat: C1-1, stage: melting, start: 0 h}", **table) == [
        "locks.0: heat C1-1 has started at melting already, 2026-06-15T23:45+02:00 on EAF"
    ]
    cast = table | {
        "state.started": "[{heat: C1-1, stage: ladle, unit: LF, start: -70 min}, "
        "{heat: C1-1, stage: casting, unit: CC, start: -20 min}]"
    }
    assert with_locks("{heat: C1-2, stage: casting, start: 40 min}", **cast).locks
    (line,) = refused("{heat: C1-2, stage: casting, start: 45 min}", **cast)
    assert line.endswith("cannot be kept: cast C1 is under way; use 2026-06-16T00:40+02:00")
    assert refused("{heat: C1-1, stage: melting, earliest: 1 h}", **cast) == [
        "locks.0: heat C1-1 has left melting already"
    ]


def test_what_a_start_misses() -> None:
    """Proves: a second does not count, more does; a window is never shorter than the leeway, and only at its end."""
    window = Window(earliest_min=60.0, latest_min=60.0)
    assert [window.missed_min(at) for at in (60.0, 60.01, 61.0, 58.0)] == [0.0, 0.0, 1.0, 2.0]
    assert [window.missed_min(at, 15.0) for at in (75.0, 76.0, 58.0)] == [0.0, 16.0, 2.0]
    assert Window(latest_min=60.0).missed_min(61.0, 15.0) == 1.0
    assert Window(earliest_min=30.0, latest_min=60.0).missed_min(61.0, 15.0) == 1.0
