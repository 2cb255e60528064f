"""The search for a plan of processes: on hours first, then on the steps of the horizon around the hours' switches.

1. *The foreman's plan*, where he has one, is the first: his switches, all else as good as can be.
2. *Hours.* The plan on hours that lies nearest to it is improved. Without a foreman it is made window by window: whole
   numbers are asked for in a window of time; what lies before it stands as decided, and after it they may be in part,
   so that a window sees what is still to be made in the rest of the horizon. (Relax and fix: Pochet and Wolsey,
   *Production Planning by Mixed Integer Programming*, Springer 2006, section 3.6.)
3. *Steps, in a corridor.* Switches may move by some steps around those of the hours.
4. *Improvement* until the gap is reached or the time is over: corridors, windows of time and of single processes are
   freed in turn, all else stands. A move is accepted on the recomputed objective only.

The bound is the linear relaxation on the horizon's steps, by interior point in a thread beside the search, which helps
to improve when it has it. Where the whole problem is small it goes to the solver as it is.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyomo.environ as pyo
import xarray as xr

from models import hub as hubs
from models import site as sites
from models.aim import Aim
from models.assets.ports import held
from models.dispatch import Flows, held_flows
from models.hub import SiteModel
from models.processes import plant as plants
from models.processes.network import levels
from models.processes.plant import Plant
from models.processes.worth import credited
from models.site import SiteData
from models.solve import Program, Progress
from scenarios import Scenario

SMALL = 1500
"""Whole numbers up to which the whole problem goes to the solver."""
COARSE_MIN = 60.0
WINDOW_H, ADVANCE_H = 24.0, 12.0
"""Length of a window of hours, and by how much the next one lies later."""
CORRIDOR_H = 0.75
"""By how much a switch may lie before or after that of the hours."""
COARSE_SHARE = 0.45
"""Share of the time that the hours may take."""
LEAST_S, MOVE_S, CORRIDOR_S = 2.0, 4.0, 20.0
"""Least time for a window of the first plan, longest for a part of its improvement, and for a corridor."""
NEAR = 0.6
"""Share of the gap asked for from which on a plan on hours is good enough."""
ROUGH, FINE = 0.1, 0.03
"""Share of the gap asked for to which windows are solved, and what improves a plan."""
EXACT = 1e-6
"""Share of the first goal (or kg, or money) that a solver's tolerances on levels may come to: no gap."""


@dataclass
class Found:
    """The best plan so far."""

    values: np.ndarray
    """By column of the model."""
    flows: Flows
    value: float
    """First goal, stock credited, the constant left out."""
    rank: float
    """Both goals as one."""


@dataclass
class Search:
    """A search for a plan of processes under way."""

    scenario: Scenario
    envelope: xr.Dataset
    data: SiteData
    aim: Aim
    time_limit: float
    gap: float
    on_progress: Progress
    cancel: Callable[[], bool]
    began: float = field(default_factory=time.perf_counter)
    best: Found | None = None
    bound: float | None = None
    infeasible: bool = False
    foreman: bool = False
    """Whether the best plan has the foreman's switches."""
    hints: list[dict[Any, np.ndarray]] = field(default_factory=list)
    """Units that run in each mode by step, by lists to look around."""
    improvement: Improvement | None = None
    """What is being improved, for whoever has time to help."""
    share: float = 1.0
    """About this share of the first goal can be decided."""
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, start: xr.Dataset | None = None, others: Sequence[xr.Dataset] = ()) -> SiteModel:
        """Search until the gap is reached, the time is over, or the caller cancels; returns the model on the steps.

        Args:
            start: the foreman's list: the search begins there.
            others: more lists to look around, which need not keep all limits.
        """
        with self._clock("build"):
            plant = plants.read(self.scenario, self.envelope)
            self.made = hubs.build(self.data, self.aim, plant=plant)
            self.model = Grid(self.made)
        if start is not None:
            with self._clock("foreman"):
                self.foreman = self._begin(start)
        if self.best is not None:
            self.hints.append(self.model.switches(self.best.values))
        self.hints += [self.model.runs_of(other) for other in others]
        if len(self.model.whole) <= SMALL:
            self._direct()
        else:
            with self._bounding():
                self._by_parts()
        if self.best is not None:
            self.made.program.put(self.best.values)
        return self.made

    @property
    def left(self) -> float:
        """Seconds left."""
        return self.time_limit - (time.perf_counter() - self.began)

    @property
    def told_gap(self) -> float | None:
        """Share by which a better plan could lie below the best one; None: unknown."""
        if self.best is None or self.bound is None:
            return None
        apart, size = self.best.value - self.bound, abs(self.best.value)
        return apart / max(size, 1e-9) if apart > EXACT * max(size, 1.0) else 0.0

    def done(self) -> bool:
        """Whether to stop searching."""
        reached = self.told_gap is not None and self.told_gap <= self.gap
        return reached or self.left <= 0 or self.cancel() or self.infeasible

    def raise_bound(self, bound: float) -> None:
        """A proven bound on the first goal, constant included."""
        bound -= self.aim.constant
        if self.bound is None or bound > self.bound:
            self.bound = bound
            self._tell()

    def offer(self, values: np.ndarray) -> bool:
        """Take a solution of the model on the steps if it is better than the best one; whether it was."""
        made = self.made
        made.program.put(values)
        flows = self.flows(made)
        if flows.over_mwh > 0:
            return False
        rank = self.aim.rank(flows)
        if self.best is not None and rank >= self.best.rank - 1e-9 * abs(self.best.rank):
            return False
        self.foreman = False
        self.best = Found(values, flows, self.aim.value(flows), rank)
        whole = abs(self.best.value + self.aim.constant)
        self.share = min(max(abs(self.best.value) / whole, 1e-4), 1.0) if whole else 1.0
        self._tell()
        return True

    def flows(self, made: SiteModel) -> Flows:
        """What site and plant do in the solution that the variables hold; carbon and cost with stock credited."""
        return credited_flows(made)

    def _tell(self) -> None:
        self.on_progress({
            "incumbent": None if self.best is None else self.best.value, "bound": self.bound, "gap": self.told_gap,
            "seconds": time.perf_counter() - self.began,
        })  # fmt: skip

    def _clock(self, name: str) -> _Clock:
        return _Clock(self.seconds, name)

    def _begin(self, start: xr.Dataset) -> bool:
        """The foreman's switches, all else as good as can be; whether that is a plan."""
        program, grid = self.made.program, self.model
        places, values = grid.told(start)
        program.bound(places, values, values)
        found = program.search(time_limit=max(min(self.left, CORRIDOR_S), 0.05), gap=self.gap, cancel=self.cancel)
        begun = program.outcome(found).found and self.offer(program.solution())
        grid.free(grid.whole)
        return begun

    def _direct(self) -> None:
        """The whole problem at once."""
        program = self.made.program
        constant = self.aim.constant

        def tell(event: dict[str, Any]) -> None:
            low, high = event["bound"], event["incumbent"]
            if low is not None:
                self.raise_bound(low)
            if high is not None and self.best is None:
                self.on_progress({**event, "incumbent": high - constant, "bound": self.bound, "gap": None})

        def stop() -> bool:
            return self.cancel()

        with self._clock("solve"):
            gap = self.gap * self._decided_share(program)
            found = program.search(time_limit=max(self.left, 0.05), gap=gap, on_progress=tell, cancel=stop)
            outcome = program.outcome(found)
            self.infeasible = outcome.status == "infeasible"
            if outcome.bound is not None:
                self.raise_bound(outcome.bound)
            if outcome.found:
                self.offer(program.solution())

    def _decided_share(self, program: Program) -> float:
        """About this share of the first goal can be decided: the solver's gap counts all of it."""
        if not self.aim.constant:
            return 1.0
        found = program.outcome(program.search(time_limit=max(self.left, 0.05), relax=True, ipm=True, crossover=False))
        program.forget()
        if found.bound is None or not found.bound:
            return 1.0
        return min(max((found.bound - self.aim.constant) / abs(found.bound), 1e-4), 1.0)

    def _bounding(self) -> _Bounding:
        return _Bounding(self)

    def _by_parts(self) -> None:
        switches = self._hours() if self.scenario.horizon.step_min < COARSE_MIN else None
        if switches is not None and not self.done():
            step = self.scenario.horizon.step_min
            with self._clock("corridor"):
                self._corridor(switches, round(COARSE_MIN / step), round(CORRIDOR_H * 60 / step))
        if self.best is None and not self.done():
            with self._clock("windows"):
                values = self._windows(self.model, 1.0)
                if values is not None:
                    self.offer(values)
        if self.best is not None:
            with self._clock("improve"):
                self._improve(self.model, self.best.values, lambda values, _: self.offer(values), 0.0, MOVE_S)

    def _hours(self) -> dict[Any, np.ndarray] | None:
        """A plan on hours, as units that run: around the foreman's, or window by window where he has none."""
        coarse = coarser(self.scenario, self.envelope)
        if coarse is None:
            return None
        with self._clock("hours"):
            rough = Grid(hubs.build(coarse[1], self.aim, plant=coarse[0]))
            until = self.left * (1 - COARSE_SHARE)
            values = None
            for hint in self.hints:
                values = self._hours_of(rough, hint) if values is None and not self.done() else values
            if values is None and not self.done():
                values = self._windows(rough, COARSE_SHARE)
            if values is None:
                return None
            lowest = math.inf

            def taken(found: np.ndarray, objective: float) -> bool:
                nonlocal lowest
                if objective >= lowest - 1e-9 * abs(objective):
                    return False
                lowest = objective
                return True

            def good() -> bool:
                """Whether the steps are likely to come within the gap from there."""
                bound = self.bound
                return bound is not None and lowest - self.aim.constant - bound <= NEAR * self.gap * abs(bound)

            return rough.switches(self._improve(rough, values, taken, until, MOVE_S / 2, good))

    def _hours_of(self, rough: Grid, switches: dict[Any, np.ndarray]) -> np.ndarray | None:
        """A solution on hours whose switches lie near those of a plan on the steps; None where there is none."""
        ratio = self.model.n // rough.n
        for width in (1, 3, 9):
            low, high = rough.within(switches, ratio, width)
            rough.made.program.bound(rough.on, low, high)
            found = rough.made.program.search(
                time_limit=min(max(self.left, 0.05), CORRIDOR_S), gap=self.gap * ROUGH * self.share, cancel=self.done
            )
            outcome = rough.made.program.outcome(found)
            rough.free(rough.whole)
            if outcome.found:
                return rough.made.program.solution()
        return None

    def _windows(self, grid: Grid, share: float) -> np.ndarray | None:
        """Whole numbers window by window; the last window's solution, None where there is none in time."""
        program, hours = grid.made.program, grid.hours
        until = self.left * (1 - share)
        n, width, advance = grid.n, round(WINDOW_H / hours), max(round(ADVANCE_H / hours), 1)
        gap = self.gap * ROUGH * self._decided_share(program)
        values: np.ndarray | None = None
        first, patience = 0, 1.0
        while True:
            last = n if first + width + advance > n else first + width
            program.whole_only(grid.between(0, last))
            grid.free(grid.whole)
            if values is not None:
                grid.fix(values, grid.between(0, first))
            left = self.left - until
            if left <= 0 or self.done():
                break
            number = max((n - first) / advance, 1.0)
            # what the solver holds from the window before is its start
            limit = min(max(2 * left / number, LEAST_S) * patience, left)
            outcome = program.outcome(program.search(time_limit=limit, gap=gap, effort=0.05, cancel=self.done))
            if outcome.found:
                values, patience = program.solution(), 1.0
                if last == n:
                    break
                first += advance
            elif outcome.status == "infeasible" and (first > 0 or width < n):
                # what was decided last leaves no way on: it is taken back, and the window sees further
                program.forget()
                first, width = max(first - 2 * advance, 0), min(width + advance, n)
                values = None if first == 0 else values
            elif outcome.status == "infeasible":
                # all of it is whole here and nothing is decided: on the horizon's steps a proof
                self.infeasible = grid is self.model
                return None
            else:
                patience *= 3
        program.whole_only(None)
        grid.free(grid.whole)
        return values if values is not None and last == n else None

    def _corridor(self, switches: dict[Any, np.ndarray], ratio: int, width: int) -> None:
        """Switches near those of a solution on a coarser grid; wider where there is no such plan."""
        program, grid = self.made.program, self.model
        while not self.done():
            low, high = grid.around(switches, ratio, width)
            program.bound(grid.on, low, high)
            found = program.search(
                time_limit=min(max(self.left, 0.05), CORRIDOR_S),
                gap=self.gap * ROUGH * self.share,
                effort=0.1,
                cancel=self.done,
            )
            outcome = program.outcome(found)
            if outcome.found:
                self.offer(program.solution())
            grid.free(grid.whole)
            if outcome.found or width > 24 * ratio:
                return
            width *= 3

    def _improve(
        self,
        grid: Grid,
        values: np.ndarray,
        taken: Callable[[np.ndarray, float], bool],
        until: float,
        seconds: float,
        enough: Callable[[], bool] = lambda: False,
    ) -> np.ndarray:
        """Free a part of the whole numbers at a time, all others stand; the best values found.

        Args:
            grid: of the model.
            values: a solution, by column.
            taken: told a solution and the solver's figure for it; whether it is better than the best one.
            until: seconds that are to be left.
            seconds: longest time for a part.
            enough: whether the plan is good enough.
        """
        self.improvement = improvement = Improvement(self, grid, values, taken, until, seconds, enough)
        while improvement.goes_on:
            improvement.move(grid.made.program)
        self.improvement = None
        with improvement.moving:
            grid.free(grid.whole)
            return improvement.values


class Improvement:
    """A plan being improved part by part; two threads may do so, each with a program of its own."""

    def __init__(
        self,
        search: Search,
        grid: Grid,
        values: np.ndarray,
        taken: Callable[[np.ndarray, float], bool],
        until: float,
        seconds: float,
        enough: Callable[[], bool],
    ) -> None:
        self.enough = enough
        self.search, self.grid, self.values, self.taken = search, grid, values, taken
        self.until, self.seconds = until, seconds
        self.parts = Parts(grid, seconds)
        self.lock = threading.Lock()
        self.moving = threading.Lock()
        """Held while the second program is at work."""

    @property
    def goes_on(self) -> bool:
        """Whether there is time and something to try."""
        over = self.search.done() or self.search.left <= self.until
        return not (over or self.parts.exhausted or self.enough())

    def move(self, program: Program) -> None:
        """Search through one part."""
        search, grid = self.search, self.grid
        with self.lock:
            values = self.values
            part = self.parts.next(values)
        program.bound(grid.whole, part.low, part.high)
        began = time.perf_counter()
        found = program.search(
            time_limit=min(max(search.left - self.until, 0.05), self.seconds),
            gap=search.gap * FINE * search.share,
            start=values,
            effort=0.1,
            cancel=search.done,
        )
        outcome = program.outcome(found)
        with self.lock:
            better = outcome.objective is not None and self.taken(program.solution(), outcome.objective)
            if better:
                self.values = program.solution()
            self.parts.told(part, better, outcome.status == "optimal", time.perf_counter() - began)


class _Clock:
    """Adds the seconds of a block to those of a phase."""

    def __init__(self, seconds: dict[str, float], name: str) -> None:
        self._seconds, self._name = seconds, name

    def __enter__(self) -> None:
        self._began = time.perf_counter()

    def __exit__(self, *raised: object) -> None:
        spent = time.perf_counter() - self._began
        self._seconds[self._name] = self._seconds.get(self._name, 0.0) + spent


class _Bounding:
    """The relaxation on the horizon's steps, in a thread beside the search, and then the hours."""

    def __init__(self, search: Search) -> None:
        self.search, self.over = search, False
        self.failure: BaseException | None = None

    def __enter__(self) -> None:
        with self.search._clock("build"):
            self.program = Program(self.search.made.model)
        self.thread = threading.Thread(target=self._run, name="bound", daemon=True)
        self.thread.start()

    def __exit__(self, *raised: object) -> None:
        if self.search.best is not None and self.search.bound is None:
            self.thread.join(max(self.search.left, 0.0))
        self.over = True
        self.thread.join()
        if self.failure is not None:
            raise self.failure

    def _run(self) -> None:
        search = self.search
        began = time.perf_counter()
        try:
            found = self.program.search(
                time_limit=max(search.left, 0.05), relax=True, ipm=True, crossover=False,
                cancel=lambda: self.over or search.cancel(),
            )  # fmt: skip
            outcome = self.program.outcome(found)
            search.seconds["bound"] = time.perf_counter() - began
            if outcome.status == "infeasible":
                search.infeasible = True
            elif outcome.bound is not None:
                search.raise_bound(outcome.bound)
            self._help()
        except BaseException as error:
            self.failure = error

    def _help(self) -> None:
        """Improve beside the search, with a program of one's own."""
        search, programs = self.search, {id(self.search.model): self.program}
        while not (self.over or search.done()):
            improvement = search.improvement
            if improvement is None or not improvement.goes_on:
                time.sleep(0.02)
                continue
            grid = improvement.grid
            if id(grid) not in programs:
                programs[id(grid)] = Program(grid.made.model)
            with improvement.moving:
                improvement.move(programs[id(grid)])


class Grid:
    """A compiled model's whole numbers by slot."""

    def __init__(self, made: SiteModel) -> None:
        assert made.made is not None
        self.made, self.plant = made, made.made.plant
        self.n, self.hours = self.plant.n, self.plant.hours
        program = made.program
        whole = [v for v in made.model.component_data_objects(pyo.Var) if not v.is_continuous()]
        places = program.places(whole)
        used = places >= 0
        self.whole = places[used]
        """Columns that must be whole."""
        self.slot = np.array([_slot(v) for v in whole], dtype=int)[used]
        self.low, self.high = program.bounds()
        self.counted = {
            (i, m): [ports.block.mode[m].on[t] for t in range(self.n)]
            for i, ports in enumerate(made.made.units)
            for m in range(len(ports.units.modes))
        }
        self.columns = {key: program.places(variables) for key, variables in self.counted.items()}
        self.on = np.concatenate([*self.columns.values(), np.zeros(0, np.int32)]).astype(np.int32)
        self.on = self.on[self.on >= 0]
        own = np.full(len(self.low), -1)
        for i, ports in enumerate(made.made.units):
            columns = program.places(ports.block.component_data_objects(pyo.Var))
            own[columns[columns >= 0]] = i
        self.units = own[self.whole]
        """Which units a whole column belongs to; −1: to the site."""

    def between(self, first: int, last: int) -> np.ndarray:
        """Whole columns of the slots from ``first`` to before ``last``."""
        return self.whole[(self.slot >= first) & (self.slot < last)]

    def fix(self, values: np.ndarray, places: np.ndarray) -> None:
        """Let columns stand as they are."""
        held_at = np.rint(values[places])
        self.made.program.bound(places, held_at, held_at)

    def free(self, places: np.ndarray) -> None:
        """Give columns their own bounds again."""
        self.made.program.bound(places, self.low[places], self.high[places])

    def switches(self, values: np.ndarray) -> dict[Any, np.ndarray]:
        """Units that run in each mode by slot, shape (n,)."""
        return {
            key: np.array([values[c] if c >= 0 else 0.0 for c in columns]).round()
            for key, columns in self.columns.items()
        }

    def runs_of(self, schedule: xr.Dataset) -> dict[Any, np.ndarray]:
        """Units that run in each mode by slot, shape (n,), in a schedule."""
        assert self.made.made is not None
        modes, rates = schedule["process_mode"].values, schedule["process_tph"].to_numpy()
        place = {str(unit): row for row, unit in enumerate(schedule["process"].values)}
        found = {}
        for i, ports in enumerate(self.made.made.units):
            rows = [place[unit] for unit in ports.units.names]
            for m, mode in enumerate(ports.units.modes):
                found[i, m] = ((modes[rows] == mode.name) & (rates[rows] > 0)).sum(axis=0).astype(float)
        return found

    def told(self, schedule: xr.Dataset) -> tuple[np.ndarray, np.ndarray]:
        """Columns of runs, start-ups and change-overs, and how many of them a schedule tells in each slot."""
        modes, rates = schedule["process_mode"].values, schedule["process_tph"].to_numpy()
        place = {str(unit): row for row, unit in enumerate(schedule["process"].values)}
        found: dict[int, float] = {}
        assert self.made.made is not None
        for ports in self.made.made.units:
            names = [mode.name for mode in ports.units.modes]
            states = ports.units.process.start[ports.units.first :]
            variables: list[tuple[Any, list[float]]] = []
            on, fire = (np.zeros((len(names), self.n)) for _ in range(2))
            turns = {key: np.zeros(self.n) for key in ports.turns}
            for unit, state in zip(ports.units.names, states, strict=False):
                row, before = place[unit], state.mode or ""
                for t in range(self.n):
                    mode = str(modes[row, t])
                    if mode:
                        on[names.index(mode), t] += rates[row, t] > 0
                    if mode and mode != before:
                        b = names.index(mode)
                        if before:
                            key = (-1, b) if (-1, b) in turns else (names.index(before), b)
                            turns[key][t] += 1
                        else:
                            fire[b, t] += 1
                    before = mode
            for m in range(len(names)):
                variables += [(ports.block.mode[m].on, on[m].tolist()), (ports.block.mode[m].fire, fire[m].tolist())]
            variables += [(variable, turns[key].tolist()) for key, variable in ports.turns.items()]
            for variable, counts in variables:
                columns = self.made.program.places(variable[t] for t in range(self.n))
                found.update((int(c), v) for c, v in zip(columns, counts, strict=True) if c >= 0)
        return np.array(list(found), dtype=np.int32), np.array(list(found.values()))

    def within(self, switches: dict[Any, np.ndarray], ratio: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of ``on`` that let switches move by some slots around those of a grid that is finer by a ratio."""
        low, high = [], []
        for key, columns in self.columns.items():
            slots = switches[key].reshape(self.n, ratio)
            least, most = (np.pad(end, width, mode="edge") for end in (slots.min(axis=1), slots.max(axis=1)))
            near = (np.lib.stride_tricks.sliding_window_view(end, 2 * width + 1) for end in (least, most))
            lowest, highest = next(near).min(axis=1), next(near).max(axis=1)
            used = columns >= 0
            low.append(np.maximum(lowest, self.low[columns])[used])
            high.append(np.minimum(highest, self.high[columns])[used])
        return np.concatenate([*low, np.zeros(0)]), np.concatenate([*high, np.zeros(0)])

    def around(self, switches: dict[Any, np.ndarray], ratio: int, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Bounds of ``on`` that let switches move by some slots around those of a grid that is coarser by a ratio."""
        low, high = [], []
        for key, columns in self.columns.items():
            fine = np.repeat(switches[key], ratio)[: self.n]
            padded = np.pad(fine, width, mode="edge")
            near = np.lib.stride_tricks.sliding_window_view(padded, 2 * width + 1)
            used = columns >= 0
            low.append(np.maximum(near.min(axis=1), self.low[columns])[used])
            high.append(np.minimum(near.max(axis=1), self.high[columns])[used])
        return np.concatenate([*low, np.zeros(0)]), np.concatenate([*high, np.zeros(0)])


class Parts:
    """Parts of the whole numbers to free, in turn: each as large as can be searched through in a few seconds.

    A corridor lets all switches move by some slots; a window frees some hours; the window of a process frees it alone,
    for longer. A part that was searched through quickly is larger next time, one that was not is smaller.
    """

    def __init__(self, grid: Grid, seconds: float) -> None:
        """Start with small parts.

        Args:
            grid: of the model.
            seconds: longest time for a part.
        """
        self.grid, self.seconds = grid, seconds
        hours = grid.n * grid.hours
        own = [i for i in range(len(grid.plant.units)) if (grid.units == i).any()]
        self.kinds: list[int | str] = ["corridor", "window", *(own if len(own) > 1 else ())]
        first = {"corridor": max(0.5, grid.hours), "window": min(12.0, hours)}
        self.size: dict[int | str, float] = {kind: first.get(str(kind), min(36.0, hours)) for kind in self.kinds}
        """Hours: of a window, or by which switches may move."""
        self.place = dict.fromkeys(self.kinds, 0.0)
        self.turn = 0
        self.fruitless = 0

    @property
    def exhausted(self) -> bool:
        """Whether everything was tried without success since the last one."""
        hours = self.grid.n * self.grid.hours
        passes = sum(1.0 if kind == "corridor" else 2 * hours / self.size[kind] for kind in self.kinds)
        return self.fruitless > 2 * passes

    def next(self, values: np.ndarray) -> Part:
        """The next part.

        Args:
            values: of the plan to improve, by column.
        """
        grid = self.grid
        kind = self.kinds[self.turn % len(self.kinds)]
        self.turn += 1
        if kind == "corridor":
            low, high = grid.low.copy(), grid.high.copy()
            width = max(round(self.size[kind] / grid.hours), 1)
            low[grid.on], high[grid.on] = grid.around(grid.switches(values), 1, width)
            return Part(kind, low[grid.whole], high[grid.whole])
        size, hours = self.size[kind], grid.n * grid.hours
        first = self.place[kind]
        self.place[kind] = 0.0 if first + size >= hours else first + size / 2
        free = (grid.slot >= first / grid.hours) & (grid.slot < (first + size) / grid.hours)
        if isinstance(kind, int):
            free &= grid.units == kind
        at = np.rint(values[grid.whole])
        return Part(kind, np.where(free, grid.low[grid.whole], at), np.where(free, grid.high[grid.whole], at))

    def told(self, part: Part, better: bool, through: bool, seconds: float) -> None:
        """What came of a part: whether it was better, whether it was searched through, and in which time."""
        self.fruitless = 0 if better else self.fruitless + 1
        size = self.size[part.kind]
        if through and seconds < 0.4 * self.seconds:
            self.size[part.kind] = min(size * 1.5, self.grid.n * self.grid.hours)
        elif not through:
            self.size[part.kind] = max(size * 0.6, self.grid.hours if part.kind == "corridor" else 2.0)


@dataclass(frozen=True)
class Part:
    """Bounds of all whole columns while a part of them is free."""

    kind: int | str
    low: np.ndarray
    high: np.ndarray


def _slot(variable: Any) -> int:
    index = variable.index()
    return int(index[-1] if isinstance(index, tuple) else index)


def credited_flows(made: SiteModel) -> Flows:
    """Flows of the solution that the variables hold: with process emissions, and more stock than wanted credited."""
    ports = made.made
    assert ports is not None
    plant = ports.plant
    drawn = held(ports.electricity, plant.n)
    cells = made.data.cells_per_slot
    flows = held_flows(made.model.site, made.data, made.ports, np.repeat(drawn, cells) / cells)
    kg = sum(float(term.values(plant.n).sum()) for unit in ports.units for term in unit.emitted)
    stock = credited(plant, made.coarse, {name: float(level[-1]) for name, level in levels(ports).items()})
    return replace(
        flows,
        carbon=flows.carbon + kg - stock["carbon"],
        cost=flows.cost - stock["cost"],
        full_cost=flows.full_cost + plant.direct_price_per_kg * kg - stock["full_cost"],
    )


def coarser(scenario: Scenario, envelope: xr.Dataset) -> tuple[Plant, SiteData] | None:
    """Plant and site on hours, their series averaged; None where the horizon is no whole number of hours."""
    horizon = scenario.horizon
    ratio = round(COARSE_MIN / horizon.step_min)
    if horizon.n_steps % ratio or horizon.start_utc.minute:
        return None
    hourly = horizon.model_copy(update={"step_min": COARSE_MIN})
    inputs = scenario.inputs.coarsen(time=ratio).mean().assign_coords(time=hourly.times)
    inputs.attrs = scenario.inputs.attrs
    grid = scenario.site.grid.model_copy(update={"metered_interval_min": COARSE_MIN})
    site = scenario.site.model_copy(update={"grid": grid})
    rough = scenario.model_copy(update={"horizon": hourly, "site": site}).with_inputs(inputs)
    steps = {name: np.minimum for name in ("process_available",) if name in envelope}
    told = envelope.drop_vars([name for name, v in envelope.data_vars.items() if "time" in v.dims])
    told = told.drop_vars("time", errors="ignore")
    for name in steps:
        told[name] = (("process", "time"), envelope[name].coarsen(time=ratio).min().to_numpy())
    return plants.read(rough, told), sites.read(rough, told)
