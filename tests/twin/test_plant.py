"""A plant that stops: carrying on changes nothing, another list touches nothing that has begun."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
import simpy

from emberline import twin
from emberline.scenarios import load
from emberline.twin import Follower
from emberline.twin.line.operations import Actual, Key, Row
from emberline.twin.plant import LinePlant

COLUMNS = ("op_heat", "op_unit", "op_start_min", "op_end_min", "meter_mw", "violation_at_min", "violation_amount")
RECOURSE = (
    "recourse={cast_longer_share: 0.2, end_cast_most: 2, return_most: 2, start_later_min: 20, less_power_share: 0.2}"
)


@pytest.fixture(scope="module", params=[(), (RECOURSE,)], ids=["plain", "recourse"])
def follower(request: pytest.FixtureRequest) -> Follower:
    """The day shop's own list as a schedule, without and with recourse."""
    scenario = load("melt-shop-day", list(request.param))
    return Follower(scenario, twin.dispatch(scenario).assign_attrs(policy="schedule"))


def rows(plant: LinePlant, by_min: float = 0.0) -> Iterator[Row]:
    """The list of a plant, what has not begun by so much later."""
    operations = plant.operations
    for i in range(len(operations)):
        at = operations.scheduled[i] + by_min
        yield operations.heat[i], operations.stage[i], operations.unit[i], at, at + operations.planned[i]


@pytest.mark.parametrize("replication", range(8, 20))
def test_stopped_and_carried_on_is_the_same_to_the_last_bit(follower: Follower, replication: int) -> None:
    """However often a day is stopped and asked, it is the day that runs through."""
    through, stopped = (LinePlant(follower, 1, replication) for _ in range(2))
    for minute in range(11, 1440, 23):
        stopped.run(float(minute))
        stopped.so_far()
    in_simpy = LinePlant(follower, 1, replication, clock=simpy.Environment())
    for plant in (through, stopped, in_simpy):
        plant.run()
    one, other, followed = through.columns(), stopped.columns(), in_simpy.columns()
    for name in COLUMNS:
        assert np.array_equal(one[name].values, followed[name].values), name
        assert np.array_equal(one[name].values, other[name].values), name


@pytest.mark.parametrize("replication", range(8, 20))
def test_another_list_touches_nothing_that_has_begun(follower: Follower, replication: int) -> None:
    """Units, starts, ends and standstills of what has begun stay, under lists that move all the rest."""
    through = LinePlant(follower, 1, replication)
    through.run()
    plant = LinePlant(follower, 1, replication)
    past: dict[Key, Actual] = {}
    for minute, by_min in zip((150.0, 405.0, 700.0), (0.0, 20.0, 40.0), strict=True):
        plant.run(minute)
        plant.follow_rows(list(rows(plant, by_min)))
        for key, one in plant.so_far().actuals.items():
            assert one.start <= minute
            if one.end <= minute:
                assert past.setdefault(key, one) == one, key
    plant.run()
    ran = plant.so_far().actuals
    for key, one in past.items():
        assert (ran[key].unit, ran[key].start, ran[key].end) == (one.unit, one.start, one.end)
    for u, unit in enumerate(plant.shop.units):
        busy = sorted((one.start, one.end) for one in ran.values() if one.unit == u)
        assert all(second[0] >= first[1] - 1e-9 for first, second in itertools.pairwise(busy)), unit


def test_failures_belong_to_the_working_time_of_a_unit(follower: Follower) -> None:
    """A list that is followed later meets each failure after as much work as one that is followed at once."""

    def failed_after(plant: LinePlant) -> dict[int, list[tuple[float, float]]]:
        plant.run()
        after: dict[int, list[tuple[float, float]]] = {}
        for u in range(len(plant.shop.units)):
            worked = 0.0
            for one in sorted((o for o in plant.so_far().actuals.values() if o.unit == u), key=lambda o: o.start):
                lost = 0.0
                for at, stop_min in one.stops:
                    after.setdefault(u, []).append((worked + at - one.start - lost, stop_min))
                    lost += stop_min
                worked += one.working
        return after

    compared = 0
    for replication in range(8, 28):
        at_once, later = (LinePlant(follower, 1, replication) for _ in range(2))
        later.run(60.0)
        later.follow_rows(list(rows(later, 30.0)))
        first, second = failed_after(at_once), failed_after(later)
        for u in first.keys() & second.keys():
            for one, other in zip(first[u], second[u], strict=False):
                assert one == pytest.approx(other, abs=1e-6)
                compared += 1
    assert compared >= 10


@pytest.mark.parametrize("replication", [8, 10, 12])
def test_a_look_ahead_leaves_the_day_where_it_is(follower: Follower, replication: int) -> None:
    """What will come to be is what comes to be, before and after another schedule."""
    plant = LinePlant(follower, 1, replication)
    first = plant.state()
    plant.run(333.0)
    again = plant.state()
    assert np.array_equal(first["op_start_min"].values, again["op_start_min"].values)
    moved = twin.dispatch(follower.shop.scenario).assign_attrs(policy="schedule")
    moved["start_min"] = moved["start_min"] + 15.0
    plant.follow(moved)
    other = plant.state()
    assert plant.now == 333.0
    plant.run()
    assert np.array_equal(other["op_end_min"].values, plant.columns()["op_end_min"].values)
    actuals = first["op_start_min"].to_numpy() <= 333.0
    late = other["op_start_min"].to_numpy() <= 333.0
    assert np.array_equal(first["op_end_min"].values[actuals], other["op_end_min"].values[late])
    assert (other["op_start_min"].to_numpy()[~late] > first["op_start_min"].to_numpy()[~actuals]).mean() > 0.6
