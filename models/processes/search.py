"""The search for a plan of processes: on hours first, then on the steps of the horizon around the hours' switches.

1. *Hours, window by window.* Whole numbers are asked for in a window of time; what lies before it stands as decided,
   and after it they may be in part, so that a window sees what is still to be made in the rest of the horizon. (Relax
   and fix: Pochet and Wolsey, *Production Planning by Mixed Integer Programming*, Springer 2006, section 3.6.)
2. *Steps, in a corridor.* Switches may move by some steps around those of the hours.
3. *Improvement* until the gap is reached or the time is over: corridors and windows of time are freed in turn, all else
   stands. A move is accepted on the recomputed objective only.

The bound is the linear relaxation on the horizon's steps, by interior point in a thread beside the search; where the
whole problem is small it goes to the solver as it is.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
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
WINDOW_S, CORRIDOR_S = 8.0, 20.0
"""Longest time for a window, and for a corridor."""
FINE = 0.1
"""Share of the gap asked for to which parts of the search are solved."""


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
    seconds: dict[str, float] = field(default_factory=dict)

    def run(self, start: xr.Dataset | None = None) -> SiteModel:
        """Search until the gap is reached, the time is over, or the caller cancels; returns the model on the steps.

        Args:
            start: the foreman's list: the search begins there.
        """
        with self._clock("build"):
            plant = plants.read(self.scenario, self.envelope)
            self.made = hubs.build(self.data, self.aim, plant=plant)
            self.model = Grid(self.made)
        if start is not None:
            with self._clock("foreman"):
                self.foreman = self._begin(start)
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
        return max(self.best.value - self.bound, 0.0) / max(abs(self.best.value), 1e-9)

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
        found = program.search(time_limit=max(min(self.left, WINDOW_S), 0.05), gap=self.gap, cancel=self.cancel)
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
            # the solver's gap counts the constant too
            gap = self.gap * self._decided_share()
            found = program.search(time_limit=max(self.left, 0.05), gap=gap, on_progress=tell, cancel=stop)
            outcome = program.outcome(found)
            self.infeasible = outcome.status == "infeasible"
            if outcome.bound is not None:
                self.raise_bound(outcome.bound)
            if outcome.found:
                self.offer(program.solution())

    def _decided_share(self) -> float:
        """At most this share of the first goal can be decided."""
        if not self.aim.constant:
            return 1.0
        found = self.made.program.outcome(self.made.program.search(time_limit=max(self.left, 0.05), relax=True))
        if found.bound is None or not found.bound:
            return 1.0
        self.raise_bound(found.bound)
        return max((found.bound - self.aim.constant) / found.bound, 1e-6)

    def _bounding(self) -> _Bounding:
        return _Bounding(self)

    def _by_parts(self) -> None:
        step = self.scenario.horizon.step_min
        coarse = coarser(self.scenario, self.envelope) if step < COARSE_MIN else None
        if coarse is not None:
            with self._clock("hours"):
                rough = Grid(hubs.build(coarse[1], self.aim, plant=coarse[0]))
                values = self._windows(rough, COARSE_SHARE)
            if values is not None and not self.done():
                with self._clock("corridor"):
                    ratio = round(COARSE_MIN / step)
                    self._corridor(rough.switches(values), ratio, round(CORRIDOR_H * 60 / step))
        if self.best is None and not self.done():
            with self._clock("windows"):
                values = self._windows(self.model, 1.0)
                if values is not None:
                    self.offer(values)
        with self._clock("improve"):
            self._improve()

    def _windows(self, grid: Grid, share: float) -> np.ndarray | None:
        """Whole numbers window by window; the last window's solution, None where there is none in time."""
        program, hours = grid.made.program, grid.hours
        until = self.left * (1 - share)
        n, width, advance = grid.n, round(WINDOW_H / hours), max(round(ADVANCE_H / hours), 1)
        values: np.ndarray | None = None
        firsts = list(range(0, max(n - width, 0) + advance, advance))
        for number, first in enumerate(firsts):
            last = n if number == len(firsts) - 1 else min(first + width, n)
            program.whole_only(grid.between(0, last))
            if values is not None:
                grid.fix(values, grid.between(0, first))
            left = self.left - until
            if left <= 0 or self.cancel():
                return None
            spare = max(left / (len(firsts) - number) * 2, 1.0)
            found = program.search(
                time_limit=min(spare, WINDOW_S), gap=self.gap * FINE * 0.1, effort=0.05, cancel=self.cancel
            )
            outcome = program.outcome(found)
            if not outcome.found:
                # what was decided last leaves no way on: a wider window takes it back
                wider = max(first - width, 0)
                grid.free(grid.between(wider, n))
                if values is not None:
                    grid.fix(values, grid.between(0, wider))
                found = program.search(time_limit=max(left, 0.05), gap=self.gap, effort=0.2, cancel=self.cancel)
                if not program.outcome(found).found:
                    return None
            values = program.solution()
        program.whole_only(None)
        grid.free(grid.whole)
        return values

    def _corridor(self, switches: dict[Any, np.ndarray], ratio: int, width: int) -> None:
        """Switches near those of a solution on a coarser grid; wider where there is no such plan."""
        program, grid = self.made.program, self.model
        while not self.done():
            low, high = grid.around(switches, ratio, width)
            program.bound(grid.on, low, high)
            found = program.search(
                time_limit=min(max(self.left, 0.05), CORRIDOR_S), gap=self.gap * FINE, effort=0.1, cancel=self.cancel
            )
            outcome = program.outcome(found)
            if outcome.found:
                self.offer(program.solution())
            grid.free(grid.whole)
            if outcome.found or width > 24 * ratio:
                return
            width *= 3

    def _improve(self) -> None:
        """Free a part of the whole numbers at a time, all others stand."""
        program, grid = self.made.program, self.model
        if self.best is None:
            return
        fruitless = 0
        for part in grid.parts():
            if self.done() or fruitless > 2 * grid.rounds:
                return
            grid.fix(self.best.values, grid.whole)
            low, high = part(self.best.values)
            program.bound(grid.whole, low, high)
            program.put(self.best.values)
            found = program.search(
                time_limit=min(max(self.left, 0.05), WINDOW_S), gap=self.gap * FINE * 0.1, start=True, effort=0.1,
                cancel=self.cancel,
            )  # fmt: skip
            better = program.outcome(found).found and self.offer(program.solution())
            fruitless = 0 if better else fruitless + 1
        grid.free(grid.whole)


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
    """The relaxation on the horizon's steps, in a thread beside the search."""

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
            if outcome.status == "infeasible":
                search.infeasible = True
            elif outcome.bound is not None:
                search.raise_bound(outcome.bound)
        except BaseException as error:
            self.failure = error
        search.seconds["bound"] = time.perf_counter() - began


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
        for (i, _), columns in self.columns.items():
            own[columns[columns >= 0]] = i
        self.units = own[self.whole]
        self.rounds = 1

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

    def parts(self) -> Iterator[Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]]:
        """Parts of the whole numbers to free, again and again: each tells the bounds of all whole columns."""
        width = round(WINDOW_H / self.hours)
        firsts = list(range(0, max(self.n - width // 2, 1), max(width // 2, 1)))
        self.rounds = len(firsts) + 2

        def standing(values: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            at = np.rint(values[self.whole])
            return np.where(free, self.low[self.whole], at), np.where(free, self.high[self.whole], at)

        def window(first: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
            return lambda values: standing(values, (self.slot >= first) & (self.slot < first + width))

        def corridor(slots: int) -> Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]:
            def bounds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
                low, high = self.low.copy(), self.high.copy()
                low[self.on], high[self.on] = self.around(self.switches(values), 1, slots)
                return low[self.whole], high[self.whole]

            return bounds

        turn = 0
        while True:
            yield corridor(max(round((0.5 + 0.5 * turn) / self.hours), 1))
            yield from (window(first) for first in firsts[::2])
            yield corridor(max(round((0.5 + 0.5 * turn) / self.hours), 1))
            yield from (window(first) for first in firsts[1::2])
            turn += 1


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
