"""Bound that rises during the search for plans: the pooled relaxation, with branching on the casts.

The search is best first. A branch halves the slots in which one cast may start, or fixes its caster: this raises the
bound, while branching on single starts, many of which are identical, hardly does. The linear programs run in a thread
next to the search for plans, each from the basis of the last. Once the casts are fixed, or if there are none, HiGHS
branches on the counts. On fine grids, prices of units (``models/bounds/column_generation.py``) prove a bound long
before the root of the relaxation is solved; they come first where they apply.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.pooled.model import Pooled
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building
from emberline.models.problem.line import SlotProblem
from emberline.models.search.incumbent import Search
from emberline.models.search.tuning import LINE
from emberline.scenarios import effort

Places = dict[int, tuple[tuple[int, ...], int, int]]
"""Casters that it may use, first and last slot of its start, by cast."""


class _UnprovenError(Exception):
    """A relaxation that ended without a proof (time limit or numerical trouble); its part must not be discarded."""


@dataclass(order=True)
class _Node:
    """A part of all plans with its bound, and the places of the casts in its relaxation."""

    bound: float
    number: int
    places: Places = field(compare=False)
    weights: dict[int, list[tuple[int, int, float]]] = field(compare=False)
    """Caster, slot and weight of each start with weight, by cast."""


class Bound:
    """Relaxation of a search, branched on until the search is over."""

    over = effort.shared(False)
    """Set by the search when the bound is no longer needed."""

    def __init__(self, search: Search) -> None:
        """Build and compile the model; if a cast has no place, the search is declared infeasible."""
        self.search = search
        self.failure: BaseException | None = None
        self.long = len(search.problem.heats) > LINE.long_heats
        with building():
            formulation = Pooled(search.problem, search.data, bounding=True)
        search.infeasible |= not formulation.possible
        if search.infeasible:
            return
        self._program = self._compiled(formulation, "bound")
        self._first = None
        if self.long and search.problem.reheat_kwh_per_t_min:
            lossless = replace(search.problem, reheat_kwh_per_t_min=0.0)
            with building():
                quick = Pooled(lossless, search.data, bounding=True)
            self._first = self._compiled(quick, "first bound")
        paid = search.aim.constant + negative_reheating(search)
        self._below = search.aim.constant if formulation.queues.exact else paid
        self._first_below = paid
        self._casts, self._options = formulation.model.z, list(formulation.model.OPTION)
        self._alone = {c for c, casts in formulation.casting.batches.items() if len(casts) == 1}
        self._numbers = 0

    def _compiled(self, formulation: Pooled, role: str) -> Program:
        search = self.search
        with building():
            formulation.ports.keep(formulation.model, search.aim.tops)
            formulation.model.goal = pyo.Objective(rule=lambda m: search.aim.pure(formulation.ports))
            study = search.study
            return Program(formulation.model) if study is None else study.program(role, formulation.model)

    def run(self) -> None:
        """Raise the bound of the search until the search is over."""
        if self.search.infeasible:
            return
        with self.search.timed("bound"):
            try:
                self._without_reheating()
                self._branch()
            except _UnprovenError:
                pass  # the bound stays where it is
            except BaseException as error:
                self.failure = error

    def _without_reheating(self) -> None:
        """On long horizons, first compute a quick bound without the cost of waiting."""
        if self._first is None:
            return
        outcome = self._first.attempt(
            work=max(self.search.total_remaining, 0.05), relax=True, ipm=True, crossover=False, cancel=self._stop
        )
        self.search.raise_bound(outcome.bound, self._first_below)

    def _stop(self) -> bool:
        return self.over or self.search.cancel()

    def _branch(self) -> None:
        search = self.search
        everywhere: Places = {}
        for c, column, t in self._options:
            casters, low, high = everywhere.get(c, ((), t, t))
            everywhere[c] = (tuple(sorted({*casters, column})), min(low, t), max(high, t))
        began, remaining = effort.now(), search.total_remaining
        root = self._node(everywhere, -float("inf"), root=True)
        nodes = [root] if root is not None else []
        search.infeasible |= root is None
        while nodes:
            search.raise_bound(nodes[0].bound)
            if self._stop() or search.over() or (self.long and effort.now() - began > LINE.root_share * remaining):
                return
            parts = _parts(nodes[0])
            if not parts:
                return self._count(nodes)
            children = [self._node({**nodes[0].places, c: place}, nodes[0].bound) for c, place in parts]
            heapq.heappop(nodes)
            for node in children:
                if node is not None:
                    heapq.heappush(nodes, node)
        search.infeasible |= search.best is None

    def _node(self, places: Places, least: float, *, root: bool = False) -> _Node | None:
        """Solve the relaxation of a part of the plans; None if it is proven to contain no plan."""
        self._restrict(places)
        outcome = self._program.attempt(
            work=max(self.search.total_remaining, 0.05), relax=True, ipm=root and not self._program.has_basis,
            crossover=not (root and self.long), cancel=self._stop,
        )  # fmt: skip
        if outcome.status == "infeasible":
            return None
        if outcome.bound is None:
            raise _UnprovenError
        weights: dict[int, list[tuple[int, int, float]]] = {}
        solution = self._program.solution_of(self._casts)
        for (c, column, t), value in zip(self._options, solution.tolist(), strict=True):
            if value > 1e-6 and c in self._alone:
                weights.setdefault(c, []).append((column, t, value))
        self._numbers += 1
        return _Node(max(outcome.bound - self._below, least), self._numbers, places, weights)

    def _restrict(self, places: Places) -> None:
        high = np.zeros(len(self._options))
        for k, (c, column, t) in enumerate(self._options):
            casters, first, last = places[c]
            high[k] = first <= t <= last and column in casters
        self._program.confine([(self._casts, np.zeros(len(high)), high)])

    def _count(self, nodes: list[_Node]) -> None:
        """Branch on the counts of the lowest part, whose casts are fixed, as far as the next part's bound."""
        search, node = self.search, nodes[0]
        ceiling = nodes[1].bound if len(nodes) == 2 else min((node.bound for node in nodes[1:]), default=float("inf"))
        self._restrict(node.places)

        def on_event(event: dict[str, Any]) -> None:
            if event["bound"] is not None:
                search.raise_bound(min(event["bound"] - self._below, ceiling))

        self._program.forget()
        outcome = self._program.attempt(
            work=max(search.total_remaining, 0.05), gap=search.gap / 8, on_progress=on_event,
            cancel=lambda: self._stop() or search.over() or (search.bound or 0.0) >= ceiling,
        )  # fmt: skip
        if outcome.status == "infeasible":
            if len(nodes) == 1:
                search.infeasible |= search.best is None
            else:
                search.raise_bound(ceiling)
        elif outcome.bound is not None:
            search.raise_bound(min(outcome.bound - self._below, ceiling))


def _parts(node: _Node) -> list[tuple[int, tuple[tuple[int, ...], int, int]]]:
    """Return two parts of a node's plans, by the cast that its relaxation spreads most; none if all are fixed."""
    widest, halves = 0.0, []
    for c, starts in node.weights.items():
        casters, low, high = node.places[c]
        total = sum(weight for *_, weight in starts)
        mean = sum(t * weight for _, t, weight in starts) / total
        spread = sum(abs(t - mean) * weight for _, t, weight in starts) / total
        if spread > max(widest, LINE.settled_slots):
            cut = int(mean)  # a cast with a spread starts on both sides of its mean
            widest, halves = spread, [(c, (casters, low, cut)), (c, (casters, cut + 1, high))]
    if halves:
        return halves
    for c, starts in node.weights.items():
        casters, low, high = node.places[c]
        on = {column: sum(weight for u, _, weight in starts if u == column) for column in casters}
        if len(casters) > 1 and max(on.values()) < sum(on.values()) - 1e-3:
            most = max(on, key=lambda column: on[column])
            others = tuple(column for column in casters if column != most)
            return [(c, ((most,), low, high)), (c, (others, low, high))]
    return []


def negative_reheating(search: Search) -> float:
    """Return the largest gain from reheating where a weight is negative; it is subtracted from the bound."""
    lowest = min(float(search.aim.weight(search.data).min()), 0.0)
    return 0.0 if lowest == 0 else -lowest * most_reheating_mwh(search.problem)


def most_reheating_mwh(problem: SlotProblem) -> float:
    """Return the maximum reheating of all heats together [MWh]."""
    minutes, most = problem.n_slots * problem.step_min, 0.0
    for heat in problem.heats:
        if heat.reheat is not None:
            waits = sum(min(int(heat.most[k].max()) * problem.step_min, minutes) for k in range(heat.reheat))
            most += problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * waits
    return most
