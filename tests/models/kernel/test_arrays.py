"""Variables, rows and series as arrays against Pyomo's own: whatever is asked of a member, of some, or of all."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.expr import identify_variables

from emberline.models.kernel import arrays
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.compile import compiled
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building, each, total

N = 400
KEYS = ("a", "b")


def store_model() -> pyo.ConcreteModel:
    """A store filled and emptied over many hours, and some variables by two indices."""
    m = pyo.ConcreteModel()
    with building():
        m.T, m.LATER, m.K = pyo.RangeSet(0, N - 1), pyo.RangeSet(1, N - 1), pyo.Set(initialize=KEYS)
        m.x = Variable(m.T, bounds=(0, 2))
        m.level = Variable(m.T, domain=pyo.NonNegativeReals)
        limit(m.level, upper=np.linspace(3.0, 9.0, N))
        m.y = Variable(m.K, m.T, domain=pyo.Binary, initialize=1)
        m.price = Series(m.T, values=np.sin(np.arange(N)) + 1.5)
        m.state = Rows(m.LATER, rule=lambda b, t: b.level[t] == b.level[t - 1] + b.x[t] - 1)
        m.both = Rows(m.K, m.T, rule=lambda b, k, t: b.y[k, t] + b.x[t] >= 0.5)
        m.first = pyo.Constraint(expr=m.level[0] == 2 + m.x[0])
        used = total(m.y[k, t] for k in each(m.K) for t in each(m.T))
        m.goal = pyo.Objective(expr=total(m.price[t] * m.x[t] for t in each(m.T)) + used)
    return m


def theirs() -> pyo.ConcreteModel:
    """The same in Pyomo's own components, each member an object."""
    m = pyo.ConcreteModel()
    upper, price = np.linspace(3.0, 9.0, N), np.sin(np.arange(N)) + 1.5
    m.T, m.LATER, m.K = pyo.RangeSet(0, N - 1), pyo.RangeSet(1, N - 1), pyo.Set(initialize=KEYS)
    m.x = pyo.Var(m.T, bounds=(0, 2))
    m.level = pyo.Var(m.T, domain=pyo.NonNegativeReals, bounds=lambda b, t: (None, float(upper[t])))
    m.y = pyo.Var(m.K, m.T, domain=pyo.Binary, initialize=1)
    m.state = pyo.Constraint(m.LATER, rule=lambda b, t: b.level[t] == b.level[t - 1] + b.x[t] - 1)
    m.both = pyo.Constraint(m.K, m.T, rule=lambda b, k, t: b.y[k, t] + b.x[t] >= 0.5)
    m.first = pyo.Constraint(expr=m.level[0] == 2 + m.x[0])
    m.goal = pyo.Objective(expr=sum(float(price[t]) * m.x[t] for t in m.T) + sum(m.y[k, t] for k in m.K for t in m.T))
    return m


def touched(m: pyo.ConcreteModel) -> pyo.ConcreteModel:
    """Some members changed, before and after bounds of all are."""
    m.x[3].fix(0.5)
    m.x[5].setub(0.25)
    m.y["a", 7].domain = pyo.UnitInterval
    m.y["b", N - 1].fix(1)
    m.level[9].setlb(1.5)
    m.state[4].deactivate()
    limit(m.x, lower=np.linspace(0.0, 0.1, N))
    m.x[8].setlb(0.2)
    return m


def same(one: Any, other: Any) -> None:
    for name in ("cost", "offset", "lower", "upper", "whole", "row_lower", "row_upper", "starts", "index", "values"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12, err_msg=name)


def test_members_that_nobody_asks_for_are_not_made() -> None:
    """Proves: building, compiling, solving and reading values make a handful of members. Sensitivity: one loop over
    all members somewhere makes them all."""
    m = store_model()
    program = Program(m)
    assert program.run(work=60, gap=0.0).status == "optimal"
    assert arrays.values(m.level).shape == (N,)
    number = {name: len(getattr(m, name).members) for name in ("level", "x", "y")}
    assert number == {"level": 1, "x": 1, "y": 0}
    assert m.state.template is not None
    assert len(m.both) == 2 * N


@pytest.mark.parametrize("change", [lambda m: m, touched], ids=["as made", "touched"])
def test_what_is_compiled_is_that_of_pyomos_own(change: Any) -> None:
    """Proves: bounds, domains, fixed values, inactive rows of single members are seen, as arrays and once all members
    are made. Sensitivity: a change to a member that an array hides, or the other way round."""
    ours, target = change(store_model()), compiled(change(theirs()))
    same(compiled(ours), target)
    for one, other in zip(*(list(m.component_data_objects(pyo.Var)) for m in (ours, change(theirs()))), strict=True):
        for name in ("name", "bounds", "fixed", "value"):
            assert getattr(one, name) == getattr(other, name), one.name
        assert one.domain is other.domain
        assert one.parent_component()[one.index()] is one
    names = [[c.name for c in m.component_data_objects(pyo.Constraint, active=True)] for m in (ours, change(theirs()))]
    assert names[0] == names[1]
    same(compiled(ours), target)


def test_members_stay_the_same_when_all_are_made() -> None:
    """Proves: a member asked for before is the one that comes later, with what it was given. Sensitivity: another."""
    m = store_model()
    early, row = m.x[5], m.state[7]
    early.setub(1.25)
    assert list(m.x.values())[5] is early
    assert list(m.state)[6] == 7
    assert m.state[7] is row
    assert m.x[5].ub == 1.25
    assert [m.x[t] for t in m.T] == list(m.x.values())


def test_values_are_seen_by_members_asked_before_and_after() -> None:
    """Proves: a solution is the same by member and by array, and is the start of a next search. Sensitivity: values
    in one of the two places only."""
    m = store_model()
    before = m.x[2]
    Program(m).run(work=60, gap=0.0)
    values = arrays.values(m.x)
    assert before.value == values[2]
    assert m.x[3].value == values[3]
    assert [one.value for one in m.x.values()] == values.tolist()
    m.level[4].value = 3.25
    form = compiled(m)
    assert form.column_values()[form.column(m.level[4])] == 3.25
    assert arrays.values(m.level)[4] == 3.25


def test_some_are_fixed_or_whole_and_all_relaxed() -> None:
    """Proves: fixing, whole numbers and relaxing hold for members made before and after. Sensitivity: for one kind."""
    m = store_model()
    early = m.x[1]
    some = np.arange(N) < 3
    m.x.fix_some(some, 0.5)
    m.x.ask_whole(some)
    assert early.fixed
    assert m.x[2].fixed
    assert m.x[2].value == 0.5
    assert m.x[0].domain is pyo.Integers
    assert not m.x[3].fixed
    assert arrays.fixed(m.x).sum() == 3
    first = m.y["a", 3]
    arrays.relax(m.y)
    for one in (first, m.y["b", 2]):
        assert one.is_continuous()
        assert one.bounds == (0, 1)
    arrays.relax(m.x)
    assert not compiled(m).whole.any()


def test_bounds_are_those_given_whatever_becomes_of_the_array() -> None:
    """Proves: an array given as bounds is copied. Sensitivity: a series changed later moves the bounds."""
    m, upper = store_model(), np.full(N, 4.0)
    limit(m.x, upper=upper)
    upper[:] = 1.0
    assert m.x[7].ub == 4.0


def test_a_fixed_variable_without_a_value_is_refused() -> None:
    """Proves: no row gets a bound that is not a number."""
    m = store_model()
    m.x[4].fixed = True
    with pytest.raises(ValueError, match="fixed and has no value"):
        compiled(m)


def test_wrong_indices_are_refused() -> None:
    """Proves: no member is made for an index that there is not; slices go on as Pyomo has them."""
    m = store_model()
    for component, index in ((m.x, N), (m.x, "a"), (m.y, ("c", 0)), (m.state, 0)):
        with pytest.raises(KeyError):
            component[index]
    assert len(list(m.y["a", :])) == N
    assert N not in m.x


def test_a_model_is_cloned() -> None:
    """Proves: a copy has its own members, as they were. Sensitivity: one that is shared."""
    m = pyo.ConcreteModel()
    m.T = pyo.RangeSet(0, 9)
    m.x = Variable(m.T, bounds=(0, 1))

    @constraint(m, m.T)
    def row(b: Any, t: int) -> Any:
        return b.x[t] >= 0.5

    m.x[3].fix(0.75)
    copy = m.clone()
    assert [v.ub for v in copy.x.values()] == [1] * 10
    assert copy.x[3] is not m.x[3]
    assert copy.x[3].fixed
    assert copy.x[3].value == 0.75
    assert len(copy.row) == 10
    assert next(identify_variables(copy.row[4].expr)) is copy.x[4]


def test_scipy_is_imported_without_its_statistics() -> None:
    """Proves: sparse matrices and graphs are at hand after Pyomo without scipy.stats, which takes longer to import than
    a small plant to plan. Sensitivity: SciPy imported under Pyomo's hook."""
    code = (
        "import sys, pyomo.core, emberline.models.kernel.arrays\n"
        "import scipy.sparse.csgraph\n"
        "print('scipy.stats' in sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert process.stdout.strip() == "False", process.stderr
