"""Pareto front of a metric, such as carbon, and cost by the ε-constraint method.

After Mavrotas (2009), "Effective implementation of the ε-constraint method in multi-objective mathematical programming
problems", Applied Mathematics and Computation 213: both ends are lexicographic optima (least carbon, then least cost at
that carbon; least cost, then least carbon at that cost). Between them, cost is minimized under evenly spaced caps on
carbon with carbon as the second goal. A cap that the next looser plan already keeps is not searched again.

The grid is bisected recursively. Each point starts from the best known plan of its neighbours that keeps its cap
(``point.py``). The dependencies follow from the grid alone, so the front is the same for any number of workers, except
for searches that end by the time limit and plans that differ within the gap.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from emberline.planning.engine import memory
from emberline.planning.engine.engine import Engine, engine, heard, unwrapped
from emberline.planning.engine.progress import Progress
from emberline.planning.plan import pace
from emberline.scenarios import Case
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.studies.pareto.front import CARBON, COST, SAME, Front, axes, nondominated, tabulate
from emberline.studies.pareto.point import Ground, Solved, between, end, prepare

MAX_POINTS = 101


def pareto(
    scenario: Case,
    points: int = 11,
    *,
    metric: str = CARBON,
    workers: int = 1,
    cluster: str | None = None,
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Front:
    """Search for the front of a metric and cost.

    Args:
        scenario: scenario to plan. The signal, gap and time limit (of each search) of its goal and its caps apply; its
            objective and the cap on extra cost do not.
        points: number of points, including both ends.
        metric: metric that is traded off against cost, one of ``axes``.
        workers: number of parallel search processes; 1: this process.
        cluster: address of a Dask scheduler whose workers search instead.
        on_progress: called with ``phase`` (``twin``, ``ends``, ``grid``); when a search begins also with ``begun``, its
            point, and the cap (None: an end); after each point also with ``done``, ``of``, ``point``, the figure,
            ``cost``, ``status``, ``gap``, the cap, the bounds (``cost_bound`` and that of the metric) and ``seconds``.
            Figure, cap and bound have the names of the axis (``Axis``), for carbon ``carbon_kg``, ``carbon_cap_kg``,
            ``carbon_bound_kg``.
        cancel: polled; True ends the searches with the best plans so far and starts no further ones.

    Raises:
        ValueError: fewer than two points, more than ``MAX_POINTS``, or no worker.
        ScenarioError: the metric is not one of ``axes``, or more memory is needed than is available.
        ClusterError: no scheduler answers at the address, or workers are killed by a search.
    """
    if metric not in axes(scenario):
        text = f"no front of {metric}: this scenario has {' and '.join(axes(scenario))} to trade against cost"
        raise ScenarioError([Problem("", "metric", text)])
    if not 2 <= points <= MAX_POINTS or workers < 1:
        raise ValueError(f"a front has 2 to {MAX_POINTS} points and at least one worker, not {points} and {workers}")
    at_once = 1 if cluster else workers
    what = f"{scenario.name}{f', {at_once} searches at a time' if at_once > 1 else ''}"
    memory.refuse(memory.of_plan(scenario) * at_once, what, "use fewer --workers" if at_once > 1 else "")
    pace.refuse(scenario)
    began = time.perf_counter()
    tell: Progress = on_progress or (lambda event: None)
    with _pool(workers, cluster, cancel or (lambda: False)) as pool:
        tell({"phase": "twin"})
        ground = prepare(scenario, metric)
        search = _Search(pool, ground, points - 1, tell)
        tell({"phase": "ends"})
        search.run({0: (end, metric), points - 1: (end, COST)})
        if len(search.solved) == 2 and all(solution.usable for solution in search.solved.values()):
            tell({"phase": "grid"})
            search.grid()
    return _front(scenario, ground, search, time.perf_counter() - began)


def bisection(low: int, high: int) -> dict[int, tuple[int, int]]:
    """Return the numbers strictly between two, in order of bisection, each with its lower and upper neighbour."""
    neighbours: dict[int, tuple[int, int]] = {}
    level = [(low, high)]
    while level:
        halves = [(low, (low + high) // 2, high) for low, high in level if high - low > 1]
        neighbours.update({middle: (low, high) for low, middle, high in halves})
        level = [half for low, middle, high in halves for half in ((low, middle), (middle, high))]
    return neighbours


def _front(scenario: Case, ground: Ground, search: _Search, seconds: float) -> Front:
    """Assemble the Pareto front of the searched points."""
    places = sorted(search.solved)
    good = [search.solved[place].point for place in places if search.solved[place].usable]
    amounts, cost = [ground.axis.of(point.figures) for point in good], [point.figures.cost for point in good]
    indices, dominated, same = nondominated(amounts, cost)
    points = [good[i] for i in indices]
    return Front(
        scenario=scenario,
        baseline=ground.baseline.figures,
        data=tabulate(scenario, points, ground.axis),
        schedules={point.number: point.plan.schedule for point in points if point.plan.schedule is not None},
        n_requested=search.last + 1,
        dominated=dominated,
        same=same,
        failed=tuple(search.solved[p].point.plan.verdict for p in places if not search.solved[p].usable),
        unsearched=search.last + 1 - len(places),
        seconds={"front": seconds},
        metric=ground.axis.metric,
    )


class _Search:
    """Search for the points, each started when its neighbours are known."""

    def __init__(self, pool: _Pool, ground: Ground, last: int, tell: Progress) -> None:
        self.pool = pool
        self.ground = ground
        self.last = last
        self.tell = tell
        self.solved: dict[int, Solved] = {}

    def run(self, waiting: dict[int, tuple[Any, ...]]) -> None:
        """Run searches without dependencies: by number of the point, the function and its last arguments."""
        self._work(dict.fromkeys(waiting, ()), lambda place: waiting[place])

    def grid(self) -> None:
        """Search between the ends under evenly spaced caps."""
        axis = self.ground.axis
        low, high = (axis.of(self.solved[place].point.figures) for place in (0, self.last))
        caps = [low + (high - low) * i / self.last for i in range(self.last + 1)]
        needs = bisection(0, self.last)

        def task(place: int) -> tuple[Any, ...] | Solved:
            less, more = (self.solved[neighbour] for neighbour in needs[place])
            if more.usable and axis.of(more.point.figures) <= caps[place] * (1 + SAME):
                return more  # it keeps this cap too
            return between, caps[place], less, more

        self._work(needs, task)

    def _work(self, needs: dict[int, Any], task: Callable[[int], tuple[Any, ...] | Solved]) -> None:
        waiting, running = dict(needs), dict[Future[Solved], int]()
        while True:
            for place in [place for place, others in waiting.items() if all(other in self.solved for other in others)]:
                if len(running) >= self.pool.workers or self.pool.stop():
                    break
                del waiting[place]
                what = task(place)
                if isinstance(what, Solved):
                    self._report_point(place, what)
                else:
                    search, *args = what
                    cap = args[0] if search is between else None
                    self.tell({"phase": self._phase(place), "begun": place, self.ground.axis.cap: cap})
                    running[self.pool.submit(search, self.ground, place, *args)] = place
            if running:
                ended, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
                self.pool.poll()
                for future in sorted(ended, key=running.__getitem__):
                    self._report_point(running.pop(future), unwrapped(future))
            elif self.pool.stop() or not waiting:
                return

    def _phase(self, place: int) -> str:
        return "ends" if place in (0, self.last) else "grid"

    def _report_point(self, place: int, solution: Solved) -> None:
        self.solved[place] = solution
        point = solution.point
        figures, axis = point.plan.replay_figures, self.ground.axis
        begin = {"phase": self._phase(place), "done": len(self.solved), "of": self.last + 1, "point": place}
        amount, cost = (None, None) if figures is None else (axis.of(figures), figures.cost)
        plan = {axis.figure: amount, "cost": cost, "status": point.plan.status, "gap": point.gap}
        proven = {axis.cap: point.cap, "cost_bound": point.cost_bound, axis.bound: point.bound}
        self.tell({**begin, **plan, **proven, "seconds": point.seconds if point.number == place else 0.0})


# --- executor of the searches -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Pool:
    """Executor of the searches, in this process or in others."""

    engine: Engine
    stop: Callable[[], bool]
    cancel_event: Any = None
    """Cancels the searches of other processes; None: there are none."""
    executor: Any = None

    @property
    def workers(self) -> int:
        """Number of parallel searches."""
        return self.engine.workers

    def submit(self, search: Callable[..., Solved], *args: Any) -> Future[Solved]:
        """Start a search."""
        if self.cancel_event is not None:
            return self.executor.submit(heard, search, self.cancel_event, *args)
        here: Future[Solved] = Future()
        here.set_result(search(self.stop, *args))
        return here

    def poll(self) -> None:
        """Forward a cancellation."""
        if self.cancel_event is not None and self.stop():
            self.cancel_event.set()


@contextmanager
def _pool(workers: int, cluster: str | None, stop: Callable[[], bool]) -> Iterator[_Pool]:
    with engine(None if cluster else workers, cluster) as ready:
        others = None if ready.client is None else ready.client.get_executor(pure=False)
        yield _Pool(ready, stop, ready.cancel_event(), others)
