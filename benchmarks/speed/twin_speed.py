"""What the twin costs: weeks of 168 heats, fully recorded, compared with the same heats in bare SimPy.

The reference is SimPy as its manual shows it: one process per heat, one resource per stage, request – timeout – release
and a timeout for each transfer; it records nothing and keeps no cast together. The twin's units work off their
sequence, so that it needs fewer events for the same operations; both numbers are reported.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator

import simpy
import xarray as xr

from benchmarks.instruments.scaled import of_heats
from benchmarks.registry import bench
from benchmarks.reporting.findings import Bar, Findings, Row, Table, measured
from emberline.scenarios import Case, load
from emberline.twin import Follower, dispatch, replays
from emberline.twin.line.line import ListReplay
from emberline.twin.plant import LinePlant

ROUNDS = 11
MONTH = 720
"""Heats of 30 days."""
RATIO, REPLAYS = Bar(3.0, "ratio"), Bar(60.0)
COUNT = 100
"""Replays from which 1,000 are reckoned."""


def bare(scenario: Case) -> int:
    """The scenario's heats through the stages in bare SimPy; returns the number of events."""
    line = scenario.line
    env = simpy.Environment()
    stages = [simpy.Resource(env, len(stage.units)) for stage in line.stages]
    routes = {
        grade.name: [
            (line.stages.index(stage), line.duration_min(grade, stage.units[0].name) or 0.0, 10.0)
            for stage in line.route(grade)
        ]
        for grade in line.grades
    }

    def heat(route: list[tuple[int, float, float]]) -> Generator[simpy.Event, None, None]:
        for stage, duration, transfer in route:
            with stages[stage].request() as request:
                yield request
                yield env.timeout(duration)
            yield env.timeout(transfer)

    for item in scenario.heats:
        env.process(heat(routes[item.grade.name]))
    env.run()
    return next(env._eid)


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Seconds of some rounds after one to warm up."""
    work()
    rows = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        rows.append(time.perf_counter() - began)
    return rows


def recorded(follower: Follower, *, disturbed: bool) -> xr.Dataset:
    """One run in SimPy, as a dataset."""
    plant = LinePlant(follower, 1, 0, disturbed=disturbed, clock=simpy.Environment())
    plant.run()
    return plant.dataset()


def compared(scenario: Case) -> list[Row]:
    """Rows of the line's run and of the baseline schedule, compared with bare SimPy."""
    schedule = dispatch(scenario)
    follower = Follower(scenario, schedule)
    following = ListReplay(follower.operations, follower.operations.arrays["duration"].tolist(), {})
    following.run()
    operations, events = len(follower.operations), next(vars(following.env)["_eid"])
    # in turns, so that a slow minute of the machine hits all of them
    works: dict[str, Callable[[], object]] = {
        "bare": lambda: bare(scenario),
        "without disturbance": lambda: recorded(follower, disturbed=False),
        "with disturbance": lambda: recorded(follower, disturbed=True),
    }
    table: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(ROUNDS):
        for name, work in works.items():
            table[name] += seconds(work, 1)
    reference = table.pop("bare")
    heats = len(scenario.heats)
    rows = [measured(f"{heats} heats: bare SimPy", reference, says=f"{operations} operations, {bare(scenario)} events")]
    rows += [
        measured(
            f"{heats} heats: twin, recorded, {name}", item, reference=reference, bars=[RATIO], says=f"{events} events"
        )
        for name, item in table.items()
    ]
    return [*rows, measured(f"{heats} heats: the baseline schedule", seconds(lambda: dispatch(scenario), 3))]


def replayed(scenario: Case, count: int) -> Row:
    """A row of 1,000 disturbed replays on one core, reckoned from some."""
    schedule = dispatch(scenario)
    began = time.perf_counter()
    for _ in replays(scenario, schedule, range(count)):
        pass
    whole = (time.perf_counter() - began) * 1000 / count
    text = f"reckoned from {count}; asked: {REPLAYS.limit:g} s on two cores"
    return measured("1,000 replays of a week, one core", [whole], bars=[REPLAYS], says=text)


@bench("twin", "a week of 168 heats and a month of 720 compared with bare SimPy, and 1,000 replays")
def main() -> Findings:
    """Measure both horizons."""
    week = load("melt-shop-week")
    rows = [*compared(week), *compared(of_heats(MONTH, 60.0)), replayed(week, COUNT)]
    return Findings([Table("The twin", rows, "bare SimPy, which records nothing")])
