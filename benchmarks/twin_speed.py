"""What the twin costs: a week of 168 heats, fully recorded, beside the same heats in bare SimPy.

The reference is SimPy as its manual shows it: one process per heat, one resource per stage, request – timeout – release
and a timeout for each transfer; it records nothing and keeps no cast together. The twin's units work off their
sequence, so that it needs fewer events for the same operations; both numbers are printed.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Generator

import simpy

from scenarios import Scenario, load
from twin import Follower, dispatch, replays
from twin.line import Following

ROUNDS = 15


def bare(scenario: Scenario) -> int:
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


def seconds(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median seconds of some rounds after one to warm up."""
    work()
    taken = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def main() -> None:
    """Print median and ratio for the week, and what 1,000 disturbed replays take on one core."""
    scenario = load("melt-shop-week")
    schedule = dispatch(scenario)
    follower = Follower(scenario, schedule)
    reference = seconds(lambda: bare(scenario))
    nominal = seconds(lambda: follower.run(1, 0, False))
    disturbed = seconds(lambda: follower.run(1, 0, True))
    listed = seconds(lambda: dispatch(scenario), rounds=3)
    following = Following(follower.todo, follower.todo.arrays["duration"].tolist(), {})
    following.run()
    operations, events = len(follower.todo), next(following.env._eid)
    print(f"bare SimPy, {operations} operations, {bare(scenario)} events  {reference * 1e3:8.2f} ms")
    for what, found in (("without disturbance", nominal), ("with", disturbed)):
        text = f"twin, recorded, {events} events, {what}"
        print(f"{text:41} {found * 1e3:8.2f} ms   {found / reference:5.2f} × bare SimPy")
    print(f"the foreman's list                        {listed * 1e3:8.2f} ms")
    began = time.perf_counter()
    count = 1000 if "--all" in sys.argv else 100
    for _ in replays(scenario, schedule, range(count)):
        pass
    print(f"1,000 replays, one core                   {(time.perf_counter() - began) * 1000 / count:8.1f} s")


if __name__ == "__main__":
    main()
