"""Writing a model looks at the clock: what is too late ends without it, with the plan that there is."""

from __future__ import annotations

import itertools

import pytest
from enumerated_shops import shop

from emberline import twin
from emberline.models import optimize
from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.kernel import deadline
from emberline.models.kernel.templates import building
from emberline.models.problem import line_reader
from emberline.models.problem import site as sites
from emberline.scenarios import Case, load


def looks(scenario: Case) -> int:
    """How often the clock is looked at while a line's bound is written."""
    envelope = twin.envelope(scenario)
    count = itertools.count()
    with deadline.writing(lambda: next(count) < 0), building():
        Pooled(line_reader.from_scenario(scenario, envelope), sites.read(scenario, envelope), bounding=True)
    return next(count)


def late(scenario: Case) -> Case:
    """The scenario, its time over long before it begins."""
    goal = scenario.goal.model_copy(update={"effort": -2 * deadline.LATE_S})
    return scenario.model_copy(update={"goal": goal})


def test_the_clock_is_looked_at_between_rows() -> None:
    """Proves: writing ends at the look at which the time is over, and the next model is written as ever.

    Sensitivity: a look at the beginning only."""
    scenario = shop([float(hour) for hour in range(12)], [1, 2], ladle_h=1)
    all_looks = looks(scenario)
    assert all_looks > 5
    envelope = twin.envelope(scenario)
    problem, data = line_reader.from_scenario(scenario, envelope), sites.read(scenario, envelope)
    for last in (0, all_looks // 2, all_looks - 1):
        count = itertools.count()
        with pytest.raises(deadline.TimeIsOverError), deadline.writing(lambda: next(count) >= last), building():  # noqa: B023
            Pooled(problem, data, bounding=True)
    assert looks(scenario) == all_looks


def test_where_the_time_is_over_the_baseline_is_the_plan() -> None:
    """Proves: a line whose time was over before its bound was written keeps the baseline's list and claims no bound; a
    plant with processes says that there was no time."""
    heats = shop([5.0, 1.0, 3.0], [1, 1])
    envelope = twin.envelope(heats)
    data = optimize(late(heats), envelope, twin.dispatch(heats, envelope))
    assert (data.attrs["found"], data.attrs["status"]) == (1, "best found")
    assert data.attrs["bound"] != data.attrs["bound"]
    plant = load("aluminium-potline", ("disturbances.replications=0",))
    envelope = twin.envelope(plant)
    data = optimize(late(plant), envelope, twin.dispatch(plant, envelope))
    assert (data.attrs["found"], data.attrs["status"]) == (0, "no plan within the limit")


def test_a_linear_program_is_counted_as_long_as_it_takes() -> None:
    """Proves: three weeks of a site in quarter-hours, a third of a second of the solver, take 1.5 units at most.

    Sensitivity: iterations that count by coefficients alone, which takes four."""
    site = load(
        "works-hub-year",
        ["horizon={start: 2026-01-01, zone: Europe/Berlin, length_h: 504, step_min: 15}", "goal.effort=1.5"],
    )
    schedule = optimize(site, twin.envelope(site))
    assert schedule.attrs["found"]
    assert schedule.attrs["status"] == "within gap"
