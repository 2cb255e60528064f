"""Random linear and mixed-integer models of every kind that the compiler meets, by seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from emberline.models.kernel.arrays import Series, Variable, constraint, limit
from emberline.models.kernel.templates import building, each, total

KINDS = ("a", "b", "c")


def random_model(seed: int, *, templates: bool = True) -> pyo.ConcreteModel:
    """A model that has an optimum: bounded variables, and constraints that 0 keeps or nearly so.

    Args:
        seed: of all that is drawn.
        templates: whether rules may be templates.
    """
    draw = np.random.default_rng(seed)
    n, blocks = int(draw.integers(2, 9)), int(draw.integers(1, 4))
    m = pyo.ConcreteModel()
    with building(on=templates):
        m.T = pyo.RangeSet(0, n - 1)
        m.LATER = pyo.RangeSet(1, n - 1)
        m.K = pyo.Set(initialize=KINDS)
        m.PAIR = pyo.Set(initialize=[(k, t) for k in KINDS for t in range(n) if draw.random() < 0.6], dimen=2)
        m.OF = pyo.Set(m.T, initialize={t: [i for i in range(n) if draw.random() < 0.4] for t in range(n)})
        m.x = Variable(m.T, domain=pyo.NonNegativeReals)
        limit(m.x, upper=draw.uniform(1, 6, n))
        m.y = Variable(m.K, m.T, domain=pyo.Binary)
        m.z = Variable(m.PAIR, domain=pyo.Integers, bounds=(-2, 3))
        m.free = pyo.Var(bounds=(-5, 5))
        m.unused = Variable(m.T, bounds=(1, 2))
        m.price = Series(m.T, values=draw.normal(0, 3, n))
        m.weight = Series(m.K, m.T, values=draw.normal(0, 2, 3 * n))
        m.share = pyo.Param(m.K, initialize=dict(zip(KINDS, draw.uniform(0.5, 2, 3).tolist(), strict=True)))
        m.room = pyo.Param(m.T, initialize=dict(enumerate(draw.uniform(0, 2, n).tolist())), mutable=True)
        m.scale = pyo.Param(initialize=float(draw.uniform(0.5, 2)), mutable=True)
        m.U = pyo.RangeSet(0, blocks - 1)
        m.unit = pyo.Block(m.U)
        for u in m.U:
            m.unit[u].load = Variable(m.T, bounds=(0, float(draw.uniform(1, 4))))
            m.unit[u].on = Variable(m.T, domain=pyo.Binary)
            _unit(m.unit[u], float(draw.uniform(1, 3)))

        @constraint(m, m.LATER)
        def state(b: Any, t: int) -> Any:
            return b.x[t] - 0.9 * b.x[t - 1] + b.free / 4 >= -b.room[t] - 2

        @constraint(m, m.K, m.T)
        def ranged(b: Any, k: str, t: int) -> Any:
            return (-3.0, b.x[t] + b.share[k] * b.y[k, t] - b.free, b.room[t] + 9)

        @constraint(m, m.PAIR)
        def sparse(b: Any, k: str, t: int) -> Any:
            return b.z[k, t] + b.weight[k, t] * b.y[k, t] <= 2 * b.scale + b.x[t]

        @constraint(m, m.T)
        def summed(b: Any, t: int) -> Any:
            shares = total(b.share[k] * b.y[k, t] for k in each(b.K))
            return total(b.x[i] for i in each(b.OF[t])) + shares <= 4 + 2 * b.scale

        @constraint(m, m.U, m.T)
        def by_block(b: Any, u: int, t: int) -> Any:
            return b.unit[u].load[t] <= b.x[t] + 3 * b.unit[u].on[t]

        @constraint(m)
        def total_row(b: Any) -> Any:
            paid = total(b.price[t] * b.x[t] for t in each(b.T))
            return paid + total(b.y[k, t] for k in each(b.K) for t in each(b.T)) <= 12.0

        @constraint(m, m.T)
        def branching(b: Any, t: int) -> Any:
            # looks at its index, so that it cannot be a template
            return pyo.Constraint.Skip if t % 3 == 2 else b.x[t] + b.free <= 8 + t

        @m.Objective(sense=pyo.maximize if draw.random() < 0.5 else pyo.minimize)
        def goal(b: Any) -> Any:
            units = total(b.price[t] * b.unit[u].load[t] for u in each(b.U) for t in each(b.T))
            pairs = total(b.weight[k, t] * b.z[k, t] for k, t in each(b.PAIR))
            return 5.0 + total(b.price[t] * b.x[t] for t in each(b.T)) + units + pairs - b.scale * b.free

        for t in m.T:
            if draw.random() < 0.2:
                m.x[t].fix(float(draw.uniform(0, 1)))
        if draw.random() < 0.3:
            m.unit[0].on[0].fix(1)
        if draw.random() < 0.3:
            m.by_block[0, 0].deactivate()
        if draw.random() < 0.3:
            m.sparse.deactivate()
    return m


def _unit(block: Any, most: float) -> None:
    block.T = pyo.RangeSet(0, len(block.load) - 1)

    @constraint(block, block.T)
    def while_on(b: Any, t: int) -> Any:
        return b.load[t] <= most * b.on[t]
