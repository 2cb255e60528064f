"""What grades carry, in the variables of named heats (``models/problem/constants.py``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.line.load import Draws
from emberline.models.kernel.arrays import Series, Variable
from emberline.models.kernel.templates import each, total
from emberline.models.problem.line import GradeCap, SlotProblem
from emberline.scenarios.metrics import CARBON

CASTS = 1
"""Place of the starts of casts among what draws."""


def add(
    m: pyo.ConcreteModel,
    problem: SlotProblem,
    draws: Sequence[Draws],
    ports: Any,
    mixed: np.ndarray,
    caps: Sequence[GradeCap],
    *,
    soft: bool,
) -> list[Any]:
    """Add caps; returns by how much each is broken [kg], variables.

    Args:
        m: gets ``carried[k]``, the block of cap k.
        problem: the line.
        draws: of starts of heats, casts and reheating.
        ports: of the site.
        mixed: intensity of the site's electricity by slot [kg/MWh].
        caps: on grades.
        soft: they may be broken, which the objective must price.
    """
    kilograms = [_kilograms(problem, each_draw, mixed) for each_draw in draws]
    m.carried = pyo.Block(range(len(caps)))
    for k, cap in enumerate(caps):
        block = m.carried[k]
        # an index, as the kernel's variables have one
        block.ONE = pyo.RangeSet(0, 0)
        block.above = Variable(block.ONE, bounds=(0.0, None if soft else 0.0))
        by_heat, by_cast = cap.weights(problem)
        of_casts = _of_casts(problem, by_cast, mixed)
        block.kind = pyo.Block(range(len(draws)))
        for i, (draw, table) in enumerate(zip(draws, kilograms, strict=True)):
            keys = draw.variable.index_set()
            if i == CASTS:
                values = [of_casts[key[:-1]][key[-1]] for key in keys]
            else:
                values = [by_heat[key[0]] * table[key[:-1]][key[-1]] if key[:-1] in table else 0.0 for key in keys]
            block.kind[i].kg = Series(keys, values=np.array(values))
        block.limit = pyo.Constraint(rule=_rule(block, draws, ports, cap))
    return [m.carried[k].above[0] for k in range(len(caps))]


def _rule(block: Any, draws: Sequence[Draws], ports: Any, cap: GradeCap) -> Any:
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
    """What casts count by cast, caster and slot of their start [kg]: shape (n_slots,) each."""
    n, per = problem.n_slots, problem.cells_per_slot
    after = np.append(mixed, np.zeros(n))
    table: dict[tuple[Any, ...], np.ndarray] = {}
    for c, cast in enumerate(problem.casts):
        for u, cells in cast.cells.items():
            mwh = np.add.reduceat(counts[c][u] * cells, np.arange(0, len(cells), per))[:n]
            table[c, u] = np.array([float(mwh @ after[t : t + len(mwh)]) for t in range(n)])
    return table


def _kilograms(problem: SlotProblem, draws: Draws, mixed: np.ndarray) -> dict[tuple[Any, ...], np.ndarray]:
    """What each variable draws at the site's intensity [kg], by its key: shape (n_slots,) over its own slot."""
    n = problem.n_slots
    table: dict[tuple[Any, ...], np.ndarray] = {}
    for terms in draws.energy.of.values():
        for (*key, _, shift), mwh, first, last in terms:
            slots = np.arange(max(first, 0), min(last, n - 1) + 1)
            kilograms = table.setdefault(tuple(key), np.zeros(n))
            kilograms[slots + shift] += mwh * mixed[slots]
    return table
