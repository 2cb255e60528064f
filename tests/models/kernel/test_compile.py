"""The compiler against Pyomo's own standard form and Pyomo's own HiGHS interface; and what it refuses."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.contrib.solver.solvers.highs import Highs
from pyomo.repn.plugins.standard_form import LinearStandardFormCompiler
from random_models import random_model

from emberline.models.kernel.arrays import Rows, Series, Variable, limit
from emberline.models.kernel.compile import NotLinear, compiled
from emberline.models.kernel.highs import Program
from emberline.models.kernel.standard_form import Compiled
from emberline.models.kernel.templates import building, each, total

ARRAYS = ("cost", "offset", "lower", "upper", "whole", "row_lower", "row_upper", "starts", "index", "values")


def same(one: Compiled, other: Compiled) -> bool:
    return one.sense == other.sense and all(
        np.shape(getattr(one, name)) == np.shape(getattr(other, name))
        and np.allclose(getattr(one, name), getattr(other, name), rtol=1e-12, atol=1e-12)
        for name in ARRAYS
    )


def dense(form: Compiled) -> np.ndarray:
    matrix = np.zeros(form.shape)
    for j in range(form.shape[1]):
        part = slice(form.starts[j], form.starts[j + 1])
        matrix[form.index[part], j] = form.values[part]
    return matrix


@pytest.mark.parametrize("seed", range(60))
def test_templates_and_expressions_give_equal_matrices(seed: int) -> None:
    """Proves: the matrix from templates is that from one expression for each index. Sensitivity: any wrong place."""
    concrete_model = random_model(seed)
    assert any(isinstance(c, Rows) and c.template is not None for c in concrete_model.component_objects(pyo.Constraint))
    assert same(compiled(concrete_model), compiled(random_model(seed, templates=False)))


@pytest.mark.parametrize("seed", range(60))
def test_the_matrix_is_that_of_pyomo(seed: int) -> None:
    """Proves: rows, bounds, costs and coefficients are those of Pyomo's standard form, member by member."""
    ours, theirs = random_model(seed), random_model(seed, templates=False)
    form = compiled(ours)
    standard = LinearStandardFormCompiler().write(theirs, mixed_form=True)
    names = [column.name for column in form.columns]
    assert sorted(names) == sorted(column.name for column in standard.columns)
    order = [names.index(column.name) for column in standard.columns]
    at = {data.name: row for row, data in enumerate(form.constraints)}
    matrix, target = dense(form), standard.A.toarray()
    assert {row.constraint.name for row in standard.rows} == set(at)
    for k, row in enumerate(standard.rows):
        mine = at[row.constraint.name]
        assert matrix[mine, order] == pytest.approx(target[k], rel=1e-12, abs=1e-12)
        if row.bound_type >= 0:
            assert form.row_upper[mine] == pytest.approx(standard.rhs[k])
        if row.bound_type <= 0:
            assert form.row_lower[mine] == pytest.approx(standard.rhs[k])
    assert form.cost[order] == pytest.approx(np.asarray(standard.c.todense()).reshape(-1))
    assert form.offset == pytest.approx(float(standard.c_offset[0]))
    for column, low, high in zip(form.columns, form.lower, form.upper, strict=True):
        least, most = column.bounds
        assert low == (-np.inf if least is None else least)
        assert high == (np.inf if most is None else most)


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_the_optimum_is_that_of_pyomos_own_interface(start: int) -> None:
    """Proves: 200 random models, integers too, have the optimum that Pyomo's own way to HiGHS finds, to 1e-6."""
    theirs = Highs(load_solutions=False, raise_exception_on_nonoptimal_result=False)
    for seed in range(start, start + 50):
        model = random_model(seed)
        outcome = Program(model).run(work=60, gap=0.0)
        concrete_model = random_model(seed, templates=False)
        result = theirs.solve(concrete_model, rel_gap=0.0)
        status = str(result.termination_condition)
        if outcome.status != "optimal":
            assert outcome.status == "infeasible", outcome.status
            assert "infeasible" in status.lower(), status
            continue
        assert outcome.objective == pytest.approx(result.incumbent_objective, rel=1e-6, abs=1e-6)
        assert pyo.value(model.goal) == pytest.approx(outcome.objective, rel=1e-6, abs=1e-6)


def test_new_numbers_are_compiled_again() -> None:
    """Proves: mutable parameters and series are read when compiled. Sensitivity: numbers kept from the first time."""
    model = random_model(7)
    before = compiled(model)
    for t in model.T:
        model.room[t] = float(t) + 3.0
    model.price.replace(np.arange(len(model.T), dtype=float))
    after = compiled(model)
    assert not same(before, after)
    assert after.shape[1] == before.shape[1]


@pytest.mark.parametrize("seed", range(20))
def test_a_renewed_program_is_the_new_model(seed: int) -> None:
    """Proves: a program that takes other numbers, or another model, solves that one. Sensitivity: a change not sent."""
    program = Program(random_model(seed))
    program.run(work=60, relax=True)
    model = random_model(seed)
    model.price.replace(model.price.array[::-1] * 1.5)
    for t in model.T:
        model.room[t] = 1.0 + t
        if not model.x[t].fixed:
            model.x[t].setub(4.0)
    model.scale = 1.7
    program.renew(model)
    fresh = random_model(seed)
    fresh.price.replace(model.price.array)
    for t in fresh.T:
        fresh.room[t] = 1.0 + t
        if not fresh.x[t].fixed:
            fresh.x[t].setub(4.0)
    fresh.scale = 1.7
    again, once = program.run(work=60, gap=0.0), Program(fresh).run(work=60, gap=0.0)
    assert again.status == once.status
    if once.objective is not None:
        assert again.objective == pytest.approx(once.objective, rel=1e-6, abs=1e-6)
    other = random_model(seed + 1)
    program.renew(other)
    third, alone = program.run(work=60, gap=0.0), Program(random_model(seed + 1)).run(work=60, gap=0.0)
    assert third.status == alone.status
    if alone.objective is not None:
        assert third.objective == pytest.approx(alone.objective, rel=1e-6, abs=1e-6)


def test_values_and_duals_come_back_by_component() -> None:
    """Proves: two plants that serve a demand by hour; the dear one sets the price.

    Sensitivity: a sign or an index mistaken.
    """
    m = pyo.ConcreteModel()
    with building():
        m.P, m.T = pyo.Set(initialize=["cheap", "dear"]), pyo.RangeSet(0, 2)
        m.output = Variable(m.P, m.T, domain=pyo.NonNegativeReals)
        limit(m.output, upper=np.array([3.0] * 3 + [10.0] * 3))
        m.need = Series(m.T, values=np.array([2.0, 4.0, 3.5]))
        m.met = Rows(m.T, rule=lambda b, t: total(b.output[p, t] for p in each(b.P)) >= b.need[t])
        m.price = Series(m.P, values=np.array([20.0, 50.0]))
        m.paid = pyo.Objective(rule=lambda b: total(b.price[p] * b.output[p, t] for p in each(b.P) for t in each(b.T)))
    program = Program(m)
    program.run(work=10)
    values, worth = program.solution_of(m.output), program.duals(m.met)
    assert values[3:] == pytest.approx([0.0, 1.0, 0.5])
    assert worth == pytest.approx([20.0, 50.0, 50.0])


def test_what_is_not_linear_is_refused_by_its_name() -> None:
    """Proves: products of variables are refused as templates and as expressions, in constraints and objectives."""
    for on in (True, False):
        m = pyo.ConcreteModel()
        with building(on=on):
            m.T = pyo.RangeSet(0, 3)
            m.x = Variable(m.T, bounds=(0, 1))
            m.bent = Rows(m.T, rule=lambda b, t: b.x[t] * b.x[t] <= 1)
            m.goal = pyo.Objective(rule=lambda b: total(b.x[t] for t in each(b.T)))
        with pytest.raises(NotLinear, match=r"bent\[0\]"):
            compiled(m)
        m.bent.deactivate()
        m.goal.deactivate()
        with building(on=on):
            m.curved = pyo.Objective(rule=lambda b: total(b.x[t] * b.x[t] for t in each(b.T)))
        with pytest.raises(NotLinear, match="curved"):
            compiled(m)
        m.x[0].fix(0.5)
        m.curved.deactivate()
        m.goal.activate()
        m.one = pyo.Constraint(expr=m.x[0] * m.x[1] <= 1)  # a fixed variable is a number
        assert compiled(m).shape[0] == 1


def test_a_row_without_variables_holds_or_makes_the_model_infeasible() -> None:
    """Proves: 0 ≤ 1 is left out, 2 ≤ 1 makes the model infeasible. Sensitivity: dropped both, or an exception."""
    for least, expected in ((0.0, "optimal"), (2.0, "infeasible")):
        m = pyo.ConcreteModel()
        with building():
            m.T = pyo.RangeSet(0, 1)
            m.x, m.gone = pyo.Var(bounds=(0, 1)), Variable(m.T)
            m.gone.fix_some(np.ones(2, dtype=bool), least)
            m.row = Rows(m.T, rule=lambda b, t: b.gone[t] <= 1)
            m.goal = pyo.Objective(expr=m.x)
        assert Program(m).run(work=5).status == expected


def test_a_rule_may_leave_its_row_out() -> None:
    """Proves: Skip and Feasible of a scalar or indexed rule make no row. Sensitivity: a template without expression."""
    m = pyo.ConcreteModel()
    with building():
        m.T = pyo.RangeSet(0, 2)
        m.x = Variable(m.T, bounds=(0, 1))
        m.none = pyo.Constraint(rule=lambda b: pyo.Constraint.Skip)
        m.holds = pyo.Constraint(rule=lambda b: pyo.Constraint.Feasible)
        m.each = Rows(m.T, rule=lambda b, t: pyo.Constraint.Skip)
        m.goal = pyo.Objective(rule=lambda b: total(b.x[t] for t in each(b.T)))
    assert compiled(m).shape == (0, 3)


def test_a_rule_that_looks_at_its_index_is_no_template() -> None:
    """Proves: dictionaries, sets and arrays asked for a placeholder never give a wrong template silently."""
    table, names, array = {0: 3.0}, {0, 2}, np.arange(4.0)
    rules: list[Any] = [
        lambda b, t: table.get(t, 1.0) * b.x[t] <= 2,
        lambda b, t: b.x[t] <= (5 if t in names else 2),
        lambda b, t: b.x[t] <= array[t],
        lambda b, t: b.x[t] <= (1 if t == 0 else 2),
        lambda b, t: b.x[t] <= [3, 2, 1, 0][t],
    ]
    for rule in rules:
        forms = []
        for on in (True, False):
            m = pyo.ConcreteModel()
            with building(on=on):
                m.T = pyo.RangeSet(0, 3)
                m.x = Variable(m.T, bounds=(0, 9))
                m.row = Rows(m.T, rule=rule)
                m.goal = pyo.Objective(rule=lambda b: total(b.x[t] for t in each(b.T)))
            assert m.row.template is None
            forms.append(compiled(m))
        assert same(*forms)


def test_others_may_iterate_and_add_while_a_template_is_made() -> None:
    """Proves: a template is no other thread's concern. Sensitivity: ``sum`` or a set's iteration replaced."""
    elsewhere: list[Any] = []
    none: tuple[int, ...] = ()
    m = pyo.ConcreteModel()
    m.T = pyo.RangeSet(0, 2)
    m.x = Variable(m.T, bounds=(0, 1))

    def rule(b: Any, t: int) -> Any:
        other = threading.Thread(
            target=lambda: elsewhere.append((list(m.T), sum(number for number in none), sum(i for i in [1, 2])))
        )
        other.start()
        other.join()
        return total(b.x[i] for i in each(b.T)) + sum(b.x[i] for i in none) >= t

    with building():
        m.row = Rows(m.T, rule=rule)
        m.goal = pyo.Objective(expr=m.x[0])
    assert elsewhere[0] == ([0, 1, 2], 0, 3)
    assert m.row.template is not None
    assert list(m.T) == [0, 1, 2]
