"""The plan nearest to another one under limits that it does not keep: where a search for them begins.

Units and the sequence on each of them are given, so every rule is a difference of two start slots, at least or at
most. The sum of all absolute moves is then least at the optimum of a linear program whose matrix is that of a network:
it has a solution in whole slots (Ahuja, Magnanti and Orlin, *Network Flows*, Prentice Hall 1993, chapter 9).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np
import xarray as xr

from emberline.models import line
from emberline.scenarios import Scenario

EPS = 1e-9
ROUNDS = 30
"""Times that operations are moved out of outages at most."""
Rule = tuple[line.Key, line.Key, float]
"""The second starts at least so many slots after the first."""


def nearest(problem: line.SlotProblem, target: line.Starts, *, later: bool = True) -> line.Starts | None:
    """Starts that keep every rule of the line and differ least from those wanted; None where this finds none.

    Args:
        problem: the line with its limits: windows, units, lags.
        target: what to be near to; operations on a unit that they may not use take the first that they may. The
            sequence on each unit is that of the wanted starts, moved into their windows.
        later: whether what would run while its unit is not available waits until it is; else it is done before.
    """
    rules = _Line(problem, target)
    for _ in range(ROUNDS):
        starts = rules.solve() if rules.possible else None
        if starts is None or not rules.dodge(starts, later):
            break
    return None if starts is None or line.mistakes(problem, starts) else starts


class _Line:
    def __init__(self, problem: line.SlotProblem, target: line.Starts) -> None:
        self.problem = problem
        self.unit: dict[line.Key, int] = {}
        self.at: dict[line.Key, int] = {}
        self.window: dict[line.Key, tuple[float, float]] = {}
        self.possible = True
        for key, work, unit, at, _ in target.placed(problem):
            if not work.units:
                self.possible = False
                continue
            self.unit[key] = unit if unit in work.units else work.units[0]
            self.window[key] = (at, at) if work.started_min is not None else work.window(self.unit[key])
            self.possible = self.possible and self.window[key][0] <= self.window[key][1]
            self.at[key] = at

    def dodge(self, starts: line.Starts, later: bool) -> bool:
        """Narrow the windows of what runs while its unit is not available; whether there was any."""
        moved = False
        for key, unit in self.unit.items():
            _, at = starts.place(key)
            low, high = self.window[key]
            open_ = self.problem.available(unit, self.problem.work(key).planned[unit])
            if low == high or at < 0 or open_[min(at, len(open_) - 1)]:
                continue
            after, before = np.flatnonzero(open_[at:]), np.flatnonzero(open_[:at])
            back = at + int(after[0]) if len(after) else len(open_)
            self.window[key] = (float(back), high) if later else (low, float(before[-1] if len(before) else -1))
            self.possible = self.possible and self.window[key][0] <= self.window[key][1]
            moved = True
        return moved

    def _rules(self) -> Iterator[Rule]:
        """Lags from stage to stage, and one after the other on each unit."""
        for link in self.problem.links():
            here, there = link
            least, most = self.problem.lag(link, (self.unit[here], self.unit[there]))
            yield here, there, float(least)
            yield there, here, -float(most)
        on: dict[int, list[line.Key]] = {}
        for key in sorted(self.at, key=lambda key: (float(np.clip(self.at[key], *self.window[key])), self.at[key])):
            on.setdefault(self.unit[key], []).append(key)
        for sequence in on.values():
            for one, two in itertools.pairwise(sequence):
                work = self.problem.work(one)
                # what has begun within a slot holds its unit so much longer
                within = 0.0 if work.started_min is None else work.started_min / self.problem.step_min - self.at[one]
                yield one, two, float(math.ceil(work.occupy[self.unit[one]] + within - EPS))

    def solve(self) -> line.Starts | None:
        """Least sum of moves; each start has its slot and its distance from what is target."""
        from scipy.optimize import linprog
        from scipy.sparse import coo_array

        keys = list(self.at)
        place = {key: n for n, key in enumerate(keys)}
        n = len(keys)
        rows: list[tuple[int, int, float]] = []
        upper: list[float] = []
        for one, two, lag in self._rules():
            rows += [(len(upper), place[one], 1.0), (len(upper), place[two], -1.0)]
            upper.append(-lag)
        for key, j in place.items():
            for sign in (1.0, -1.0):
                rows += [(len(upper), j, sign), (len(upper), n + j, -1.0)]
                upper.append(sign * self.at[key])
        at, columns, values = zip(*rows, strict=True) if rows else ((), (), ())
        bounds = [self.window[key] for key in keys] + [(0.0, None)] * n
        solution = linprog(
            np.r_[np.zeros(n), np.ones(n)],
            A_ub=coo_array((values, (at, columns)), shape=(len(upper), 2 * n)),
            b_ub=upper,
            bounds=bounds,
            method="highs-ds",
        )
        return self._starts(dict(zip(keys, solution.x[:n].tolist(), strict=True))) if solution.status == 0 else None

    def _starts(self, slot: dict[line.Key, float]) -> line.Starts:
        problem = self.problem
        operations = [range(len(heat.operations)) for heat in problem.heats]
        return line.Starts(
            unit=tuple(tuple(self.unit[h, i] for i in indices) for h, indices in enumerate(operations)),
            slot=tuple(tuple(round(slot[h, i]) for i in indices) for h, indices in enumerate(operations)),
            cast_unit=tuple(self.unit[-1, c] for c in range(len(problem.casts))),
            cast_slot=tuple(round(slot[-1, c]) for c in range(len(problem.casts))),
        )


def neighbours(scenario: Scenario, envelope: xr.Dataset, schedule: xr.Dataset) -> list[xr.Dataset]:
    """Schedules nearest to another one that keep the limits of the line; none where none is found so.

    Args:
        scenario: with its limits, such as locks.
        envelope: of it.
        schedule: table ``SCHEDULE``, of the same heats. Of one between steps those that lie there too come first.
    """
    on_steps = schedule.assign_attrs()
    moments = on_steps.attrs.pop("grid_min", None)
    return [
        near
        for like in ((schedule, on_steps) if moments else (on_steps,))
        for near in _near(line.from_scenario(scenario, envelope, like=like), like)
    ]


def _near(problem: line.SlotProblem, schedule: xr.Dataset) -> Iterator[xr.Dataset]:
    starts = line.from_schedule(problem, schedule, near=True) if problem.heats else None
    both = [] if starts is None else [nearest(problem, starts, later=later) for later in (True, False)]
    for starts in dict.fromkeys(both):
        if starts is not None:
            unit, begin = as_list(problem, starts, schedule["unit"].values, schedule["start_min"].to_numpy())
            dims = ("heat", "stage")
            yield schedule.assign(unit=(dims, unit), start_min=(dims, begin))


def as_list(
    problem: line.SlotProblem, starts: line.Starts, units: np.ndarray, begins: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Units and starts [min] of all heats and stages, shape (n_heats, n_stages) each, as a schedule tells them.

    Args:
        problem: the line.
        starts: to be listed.
        units, begins: of another schedule; what has started already stays as it is there.
    """
    unit, begin = units.astype(object), begins.astype(float)
    for h, stage, u, minute in starts.operations(problem):
        unit[h, stage], begin[h, stage] = problem.units[u], minute
    return unit, begin
