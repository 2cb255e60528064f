"""Named heats: the start of each heat at each stage, on each unit, within its window.

``x[h, i, u, t]`` is 1 if operation i of heat h starts on unit u in slot t. Precedence and longest wait are written on
cumulative starts, for each unit of the next operation and each unit of the previous one, so that transfer times of
every pair of units hold exactly (disaggregated precedence of time-indexed scheduling: Christofides, Alvarez-Valdes,
Tamarit, EJOR 1987). The model disaggregates pooled heats within the windows of a pooled plan and improves a plan within
corridors; with open windows it is the general formulation for lines whose heats all differ.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line import load
from emberline.models.formulations.line.load import Draws
from emberline.models.formulations.line.named import idling, precedence
from emberline.models.formulations.line.named.precedence import Placed
from emberline.models.formulations.site import balance as site_model
from emberline.models.formulations.site.balance import Ports
from emberline.models.kernel import deadline
from emberline.models.kernel.arrays import WEIGHT, Neighbourhood, Rows, Series, Variable, constraint, support
from emberline.models.kernel.templates import Members, each, total
from emberline.models.problem.assignment import Starts, in_order
from emberline.models.problem.line import GradeCap, SlotProblem, Windows, grouped, runs
from emberline.models.problem.site import SiteData
from emberline.scenarios.metrics import CARBON


class Named:
    """Model of named heats with its site."""

    def __init__(
        self,
        problem: SlotProblem,
        data: SiteData,
        windows: Windows,
        loose: Collection[int] = (),
        *,
        firm: bool = False,
        gaps: bool = False,
    ) -> None:
        """Build the model within the windows.

        Args:
            problem: the line.
            data: the site.
            windows: windows of the starts.
            loose: units that may be used twice at the same time; the objective must price ``twice``.
            firm: the import limit is hard; otherwise it may be exceeded, which the objective must price.
            gaps: include the draw of units with energy states between works; no work may have started.
        """
        self.problem, self.data, self.windows, self.loose, self.firm = problem, data, windows, loose, firm
        self.gaps = gaps
        self.model = pyo.ConcreteModel()
        self.possible = True
        self._build()

    def _build(self) -> None:
        m, problem = self.model, self.problem
        self.of = self._open()
        """Slots in which an operation of a heat may start on a unit."""
        where: dict[tuple[int, int], list[tuple[int, int]]] = {(h, i): [] for h, i, _ in self.of}
        for (h, i, u), slots in self.of.items():
            where[h, i] += [(u, t) for t in slots]
        waiting = [c for c, cast in enumerate(problem.casts) if cast.started_min is None]
        self.possible &= all(where.values()) and all(self.windows.cast.get(c) for c in waiting)
        if not self.possible:
            return
        m.START = pyo.Set(initialize=[(*key, *place) for key, places in where.items() for place in places], dimen=4)
        m.x = Variable(m.START, domain=pyo.Binary)
        m.OPTION = pyo.Set(
            initialize=[(c, *place) for c, places in self.windows.cast.items() for place in places], dimen=3
        )
        m.z = Variable(m.OPTION, domain=pyo.Binary)
        m.OPERATION, m.CAST = pyo.Set(initialize=list(where), dimen=2), pyo.Set(initialize=waiting, dimen=1)
        m.copies = Series(m.OPERATION, values=np.array([self.copies(h) for h, _ in where], dtype=float))
        m.PLACE = Members(where, dimen=2)
        m.CAST_PLACE = Members(self.windows.cast, dimen=2)

        @constraint(m, m.OPERATION)
        def once(m: Any, h: int, i: int) -> Any:
            return total(m.x[h, i, u, t] for u, t in each(m.PLACE[h, i])) == m.copies[h, i]

        m.cast_once = Rows(m.CAST, rule=lambda m, c: total(m.z[c, u, t] for u, t in each(m.CAST_PLACE[c])) == 1)
        self._capacity()
        self.possible &= self._precede()
        if self.possible:
            self._power()

    def _open(self) -> dict[tuple[int, int, int], list[int]]:
        return {
            (h, i, u): self._slots(h, i, u)
            for h, heat in enumerate(self.problem.heats)
            for i, operation in enumerate(heat.operations)
            if operation.started_min is None
            for u in operation.units
        }

    def copies(self, h: int) -> int:
        """Return the number of heats that the starts of a heat represent."""
        return 1

    def cells(self, h: int, i: int, u: int) -> np.ndarray:
        """Return the energy by cell from a start on [MWh]."""
        return self.problem.heats[h].operations[i].cells[u]

    def _holds(self, h: int, i: int, u: int) -> Iterator[tuple[int, int, int]]:
        """Yield the units that a start occupies, each with the slots from the start to its first and after its last."""
        yield u, 0, self.problem.heats[h].operations[i].occupy[u]

    def _precede(self) -> bool:
        return precedence.add(self._placed())

    def _waits(self, starts: Draws) -> list[Draws]:
        """Return the other draws: reheating, and the draw of units between works."""
        placed = self._placed()
        return [precedence.add_reheating(placed, starts), *(idling.add(placed) if self.gaps else ())]

    def _placed(self) -> Placed:
        return Placed(self.model, self.problem, self.windows, self.of)

    def _slots(self, h: int, i: int, u: int) -> list[int]:
        deadline.look()
        operation, (low, high) = self.problem.heats[h].operations[i], self.windows.operation[h, i]
        if self.windows.unit.get((h, i), u) != u:
            return []
        slots = np.flatnonzero(self.problem.start_slots(operation, u))
        return slots[(slots >= low) & (slots <= high)].tolist()

    def _capacity(self) -> None:
        m, problem, n = self.model, self.problem, self.problem.n_slots
        x: precedence.Listed = {}
        z: precedence.Listed = {}
        for h, i, u, t in m.START:
            for unit, first, end in self._holds(h, i, u):
                for q in range(t + first, min(t + end, n)):
                    x.setdefault((unit, q), []).append((h, i, u, t, 1))
        for c, u, t in m.OPTION:
            for q in range(t, min(t + problem.casts[c].occupy[u], n)):
                z.setdefault((u, q), []).append((c, u, t, 1))
        unit_slots = list({**x, **z})
        started = problem.held_until()
        top = {(u, q): int(q >= started.get(u, 0.0) - 1e-9) for u, q in unit_slots}
        m.LOOSE = pyo.Set(initialize=[key for key in unit_slots if key[0] in self.loose], dimen=2)
        m.twice = Variable(m.LOOSE, domain=pyo.NonNegativeReals)
        m.one_at_a_time, m.shared = pyo.Block(), pyo.Block()
        precedence.at_most(m.one_at_a_time, m, [key for key in unit_slots if key[0] not in self.loose], x, z, top)
        precedence.at_most(m.shared, m, list(m.LOOSE), x, z, top, m.twice)

    def _power(self) -> None:
        m, problem = self.model, self.problem
        starts, casts = Draws(problem, m.x, 4), Draws(problem, m.z, 3)
        for (h, i, u), slots in self.of.items():
            starts.add_energies((h, i, u), self.cells(h, i, u), problem.heats[h].operations[i].stage, runs(slots))
        for (c, u), slots in grouped(((c, u), t) for c, u, t in m.OPTION).items():
            casts.add_energies((c, u), problem.casts[c].cells[u], len(problem.stage_units) - 1, runs(sorted(slots)))
        draws = [starts, casts, *self._waits(starts)]
        self._of_heats = draws[:3]
        load.add(m, problem, draws)
        m.site, m.gives = pyo.Block(), pyo.Block()
        energy, gives = site_model.of_cells(m.line, problem.cells_per_slot), load.give(m.gives, problem, draws)
        self.ports: Ports = site_model.add(m.site, self.data, *energy, soft=not self.firm, line_gives=gives)

    def cap_grades(self, caps: Sequence[GradeCap], mixed: np.ndarray, *, soft: bool) -> list[Any]:
        """Add caps on the emissions of grades, ``carried[k]``; return the variables by which each is exceeded [kg].

        Args:
            caps: caps on grades.
            mixed: intensity of the site's electricity by slot [kg/MWh].
            soft: the caps may be exceeded, which the objective must price.
        """
        m, problem, draws = self.model, self.problem, self._of_heats
        kilograms = [_kilograms(problem, each_draw, mixed) for each_draw in draws]
        m.carried = pyo.Block(range(len(caps)))
        for k, cap in enumerate(caps):
            block = m.carried[k]
            # the kernel's variables need an index
            block.ONE = pyo.RangeSet(0, 0)
            block.above = Variable(block.ONE, bounds=(0.0, None if soft else 0.0))
            by_heat, by_cast = cap.weights(problem)
            of_casts = _of_casts(problem, by_cast, mixed)
            block.kind = pyo.Block(range(len(draws)))
            for i, (draw, table) in enumerate(zip(draws, kilograms, strict=True)):
                keys = draw.variable.index_set()
                if i == OF_CASTS:
                    values = [of_casts[key[:-1]][key[-1]] for key in keys]
                else:
                    values = [by_heat[key[0]] * table[key[:-1]][key[-1]] if key[:-1] in table else 0.0 for key in keys]
                block.kind[i].kg = Series(keys, values=np.array(values))
            block.limit = pyo.Constraint(rule=_carried(block, draws, self.ports, cap))
        return [m.carried[k].above[0] for k in range(len(caps))]

    def begin(self, starts: Starts) -> None:
        """Set the variables to a plan as a start."""
        m, heats = self.model, self.problem.heats
        reheat = [heat.reheat or 0 for heat in heats]
        course = {h: precedence.Courses(heats[h]).on(starts.unit[h]) for h in {h for h, *_ in m.PAIR}}
        m.x.write("value", self._flags(m.START, lambda h, i, u, t: starts.place((h, i)) == (u, t)))
        m.pair.write("value", self._flags(
            m.PAIR,
            lambda h, k, s, t: course[h] == k and starts.slot[h][0] == s and starts.slot[h][reheat[h]] == t,
        ))  # fmt: skip
        self._begin_casts(starts)

    def _begin_casts(self, starts: Starts) -> None:
        m = self.model
        m.z.write("value", self._flags(m.OPTION, lambda c, u, t: starts.place((-1, c)) == (u, t)))

    @staticmethod
    def _flags(keys: Iterable[Any], holds: Callable[..., bool]) -> np.ndarray:
        return np.array([holds(*key) for key in keys], dtype=float)

    def surroundings(self, around: int, plan: Starts | None) -> Iterator[Neighbourhood]:
        """Yield bounds around the relaxation: starts stay open near those with weight, and where a plan has them.

        Args:
            around: slots around each start with weight.
            plan: plan that stays feasible.
        """
        m, steps = self.model, range(-around, around + 1)
        stay = set() if plan is None else {(*key, *plan.place(key)) for key, _ in self.problem.works()}
        near = {(h, i, t + d) for h, i, _, t in support(m.x, WEIGHT) for d in steps}
        open_ = self._flags(m.START, lambda h, i, u, t: (h, i, t) in near or (h, i, u, t) in stay)
        yield m.x, np.zeros(len(m.x)), open_
        casts = {(c, u, t + d) for c, u, t in support(m.z, WEIGHT) for d in steps}
        open_ = self._flags(m.OPTION, lambda c, u, t: (c, u, t) in casts or (-1, c, u, t) in stay)
        yield m.z, np.zeros(len(m.z)), open_

    @property
    def twice(self) -> Any:
        """Slots in which a unit is used more than once."""
        return total(self.model.twice[key] for key in each(self.model.LOOSE))

    def read(self) -> Starts:
        """Return the plan in the variables; it may use units twice where the model is loose."""
        casts = {(-1, c): (u, t) for c, u, t in support(self.model.z)}
        return in_order(self.problem, Starts.of(self.problem, self._places() | casts))

    def _places(self) -> dict[tuple[int, int], tuple[int, int]]:
        """Return unit and slot by heat and operation from the variables."""
        return {(h, i): (u, t) for h, i, u, t in support(self.model.x)}


OF_CASTS = 1
"""Place of the starts of casts among the draws."""


def _carried(block: Any, draws: Sequence[Draws], ports: Any, cap: GradeCap) -> Any:
    def rule(b: Any) -> Any:
        carried = cap.mass_share * ports.worth(CARBON)
        for i, draw in enumerate(draws):
            if len(draw.variable):
                kg, variable = block.kind[i].kg, draw.variable
                carried += total(kg[key] * variable[key] for key in each(variable.index_set()))
        return carried - block.above[0] <= cap.top_kg

    return rule


def _of_casts(
    problem: SlotProblem, counts: Sequence[dict[int, np.ndarray]], mixed: np.ndarray
) -> dict[tuple[Any, ...], np.ndarray]:
    """Return the weighted emissions of casts by cast, caster and start slot [kg], shape (n_slots,) each."""
    n, per = problem.n_slots, problem.cells_per_slot
    after = np.append(mixed, np.zeros(n))
    table: dict[tuple[Any, ...], np.ndarray] = {}
    for c, cast in enumerate(problem.casts):
        for u, cells in cast.cells.items():
            mwh = np.add.reduceat(counts[c][u] * cells, np.arange(0, len(cells), per))[:n]
            table[c, u] = np.array([float(mwh @ after[t : t + len(mwh)]) for t in range(n)])
    return table


def _kilograms(problem: SlotProblem, draws: Draws, mixed: np.ndarray) -> dict[tuple[Any, ...], np.ndarray]:
    """Return the emissions of each variable's draw at the site's intensity [kg], by key and own slot, (n_slots,)."""
    n = problem.n_slots
    table: dict[tuple[Any, ...], np.ndarray] = {}
    for terms in draws.energy.of.values():
        for (*key, _, shift), mwh, first, last in terms:
            slots = np.arange(max(first, 0), min(last, n - 1) + 1)
            kilograms = table.setdefault(tuple(key), np.zeros(n))
            kilograms[slots + shift] += mwh * mixed[slots]
    return table
