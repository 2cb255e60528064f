"""Components as arrays against Pyomo's own: whatever is asked of a member, of some of them, or of all."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.core.expr.visitor import identify_variables

from emberline.models.kernel import arrays
from emberline.models.kernel.arrays import ONE_BY_ONE, ArrayConstraint, ArrayVar, Sparse
from emberline.models.kernel.compile import compiled
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import Series, building, limit

N = 400
KEYS = ("a", "b")


def made(*, on: bool = True) -> pyo.ConcreteModel:
    """A store filled and emptied over many hours, and some variables by two indices."""
    m = pyo.ConcreteModel()
    with building(on=on):
        m.T, m.LATER, m.K = pyo.RangeSet(0, N - 1), pyo.RangeSet(1, N - 1), pyo.Set(initialize=KEYS)
        m.x = pyo.Var(m.T, bounds=(0, 2))
        m.level = pyo.Var(m.T, domain=pyo.NonNegativeReals)
        limit(m.level, upper=np.linspace(3.0, 9.0, N))
        m.y = pyo.Var(m.K, m.T, domain=pyo.Binary, initialize=1)
        m.price = Series(m.T, values=np.sin(np.arange(N)) + 1.5)
        m.state = pyo.Constraint(m.LATER, rule=lambda b, t: b.level[t] == b.level[t - 1] + b.x[t] - 1)
        m.both = pyo.Constraint(m.K, m.T, rule=lambda b, k, t: b.y[k, t] + b.x[t] >= 0.5)
        m.first = pyo.Constraint(expr=m.level[0] == 2 + m.x[0])
        m.goal = pyo.Objective(
            rule=lambda b: sum(b.price[t] * b.x[t] for t in b.T) + sum(b.y[k, t] for k in b.K for t in b.T)
        )
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
    ``_data`` somewhere makes them all."""
    m = made()
    program = Program(m)
    assert program.run(time_limit=60, gap=0.0).status == "optimal"
    assert arrays.values(m.level).shape == (N,)
    asked = {"level": 1, "x": 1, "y": 0, "state": 0, "both": 0}
    for name, number in asked.items():
        component = getattr(m, name)
        assert isinstance(component, ArrayVar | ArrayConstraint), name
        assert len(component.made) == number, name
    assert len(m.both) == 2 * N


@pytest.mark.parametrize("change", [lambda m: m, touched], ids=["as made", "touched"])
def test_what_is_compiled_is_that_of_pyomos_own(change: Any) -> None:
    """Proves: bounds, domains, fixed values, inactive rows of single members are seen, as arrays and once all members
    are made. Sensitivity: a change to a member that an array hides, or the other way round."""
    ours, theirs = change(made()), change(made(on=False))
    assert not any(isinstance(c, Sparse) for c in theirs.component_objects())
    wanted = compiled(theirs)
    same(compiled(ours), wanted)
    assert any(isinstance(c, Sparse) for c in ours.component_objects())
    for one, other in zip(*(list(m.component_data_objects(pyo.Var)) for m in (ours, theirs)), strict=True):
        for name in ("name", "bounds", "fixed", "value", "stale"):
            assert getattr(one, name) == getattr(other, name), one.name
        assert one.domain is other.domain
        assert one.parent_component()[one.index()] is one
    assert [c.name for c in ours.component_data_objects(pyo.Constraint, active=True)] == [
        c.name for c in theirs.component_data_objects(pyo.Constraint, active=True)
    ]
    assert not any(isinstance(c, Sparse) for c in ours.component_objects((pyo.Var, pyo.Constraint)))
    same(compiled(ours), wanted)


def test_members_stay_the_same_when_all_are_made() -> None:
    """Proves: a member asked for before is the one found later, with what it was given. Sensitivity: made anew."""
    m = made()
    early, row = m.x[5], m.state[7]
    early.setub(1.25)
    assert list(m.x.values())[5] is early
    assert list(m.state)[6] == 7
    assert m.state[7] is row
    assert m.x.__class__ is pyo.Var([0]).__class__
    assert m.x[5].ub == 1.25


def test_who_asks_for_many_members_gets_them_all() -> None:
    """Proves: a loop over indices ends with Pyomo's own component and the same objects. Sensitivity: two of one."""
    m = made()
    asked = [m.x[t] for t in m.T]
    assert len(asked) == N > ONE_BY_ONE
    assert not isinstance(m.x, Sparse)
    assert asked == list(m.x.values())


def test_values_are_seen_by_members_asked_before_and_after() -> None:
    """Proves: a solution is told by member and by array alike, and is the start of a next search. Sensitivity: values
    kept in one of the two places only."""
    m = made()
    before = m.x[2]
    program = Program(m)
    program.run(time_limit=60, gap=0.0)
    found = arrays.values(m.x)
    assert before.value == found[2]
    assert m.x[3].value == found[3]
    assert [one.value for one in m.x.values()] == found.tolist()
    m.level[4].value = 3.25
    form = compiled(m)
    assert form.held()[form.column(m.level[4])] == 3.25
    assert arrays.values(m.level)[4] == 3.25


def test_all_are_set_at_once() -> None:
    """Proves: domain, bounds and fixing of a whole component hold for each member. Sensitivity: for those made only."""
    m = made()
    one = m.y["a", 3]
    m.y.domain = pyo.UnitInterval
    m.x.setub(1.5)
    m.level.fix(4.0)
    assert isinstance(m.y, ArrayVar)
    assert one.domain is pyo.UnitInterval
    assert m.y["b", 2].domain is pyo.UnitInterval
    assert not compiled(m).whole.any()
    assert {v.ub for v in m.x.values()} == {1.5}
    assert all(v.fixed and v.value == 4.0 for v in m.level.values())


def test_bounds_are_those_given_whatever_becomes_of_the_array() -> None:
    """Proves: an array given as bounds is copied. Sensitivity: a series changed later moves the bounds."""
    m, given = made(), np.full(N, 4.0)
    limit(m.x, upper=given)
    given[:] = 1.0
    assert m.x[7].ub == 4.0


def test_a_fixed_variable_without_a_value_is_refused() -> None:
    """Proves: no row gets a bound that is not a number."""
    m = made()
    m.x[4].fixed = True
    with pytest.raises(ValueError, match="fixed and has no value"):
        compiled(m)


def test_wrong_indices_are_refused_as_ever() -> None:
    """Proves: no member is made for an index that there is not; slices and lookups of all go on as Pyomo has them."""
    m = made()
    for component, index in ((m.x, N), (m.x, "a"), (m.y, ("c", 0)), (m.state, 0)):
        with pytest.raises(KeyError):
            component[index]
    m = made()
    assert len(list(m.y["a", :])) == N
    assert N not in m.x
    m = made()
    m.state.clear()
    assert len(m.state) == 0
    m = made()
    del m.state[5]
    assert len(m.state) == N - 2


def _half(block: Any, t: int) -> Any:
    return block.x[t] >= 0.5


def test_a_model_is_cloned_and_pickled() -> None:
    """Proves: a copy has all members, its own ones, as they were. Sensitivity: a class changed half-way."""
    m = pyo.ConcreteModel()
    m.T = pyo.RangeSet(0, 9)
    with building():
        m.x = pyo.Var(m.T, bounds=(0, 1))
        m.row = pyo.Constraint(m.T, rule=_half)
    m.x[3].fix(0.75)
    again = pickle.loads(pickle.dumps(m))
    assert isinstance(again.x, ArrayVar)
    for copy in (m.clone(), again):
        assert [v.ub for v in copy.x.values()] == [1] * 10
        assert copy.x[3] is not m.x[3]
        assert copy.x[3].fixed
        assert copy.x[3].value == 0.75
        assert len(copy.row) == 10
        assert [v.name for v in identify_variables(copy.row[4].expr)] == ["x[4]"]
        assert next(identify_variables(copy.row[4].expr)) is copy.x[4]


def test_what_is_not_alike_is_pyomos_own() -> None:
    """Proves: bounds, domains or values by index, sparse variables and unordered sets are left to Pyomo."""
    m = pyo.ConcreteModel()
    with building():
        m.T = pyo.RangeSet(0, 3)
        m.bound = pyo.Var(m.T, bounds=lambda b, t: (0, t))
        m.begun = pyo.Var(m.T, initialize={1: 2.0})
        m.some = pyo.Var(m.T, dense=False)
        m.none = pyo.Var([], bounds=(0, 1))
        m.loose = pyo.Var({1, 2}, bounds=(0, 1))
        m.single = pyo.Var(pyo.RangeSet(4, 4), bounds=(0, 1))
        m.row = pyo.Constraint(m.T, rule=lambda b, t: b.bound[t] <= (1 if t else 2))
    for name in ("bound", "begun", "some", "row"):
        assert not isinstance(getattr(m, name), Sparse), name
    assert [m.bound[t].ub for t in m.T] == [0, 1, 2, 3]
    assert [m.begun[t].value for t in m.T] == [None, 2.0, None, None]
    assert len(m.some) == 0
    assert len(m.none) == 0
    assert list(m.none.values()) == []
    assert sorted(m.loose) == [1, 2]
    assert m.single[4].ub == 1
    assert m.single.place(4) == 0
