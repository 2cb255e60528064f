"""Rows over slots in stretches, and sets that are made at once: sums, compared slot by slot."""

import numpy as np
import pyomo.environ as pyo
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyomo.core.expr import identify_variables

from emberline.models.kernel.arrays import Rows, Variable
from emberline.models.kernel.banded_rows import Stretches, Terms, weighed
from emberline.models.kernel.compile import compiled
from emberline.models.kernel.templates import Members, building, each, total
from emberline.models.problem.line import runs, unbroken

N = 7
TERM = st.tuples(st.sampled_from("ab"), st.integers(-9, 9), st.sampled_from([-1.0, 1.0, 2.5]), st.booleans())


def built(terms: Terms, rows: dict, *, on: bool) -> pyo.ConcreteModel:
    """One row for each slot: the terms at most 3."""
    m = pyo.ConcreteModel()
    with building(on=on):
        m.x = Variable("ab", range(N))
        m.spare = pyo.Var()
        result = Stretches(rows, terms)
        m.ROW, m.TERM = result.rows(), result.set()
        m.limits = Rows(m.ROW, rule=lambda m, r, p, t: weighed(m.x, m.TERM[r, p], t) + m.spare <= 3)
        m.goal = pyo.Objective(expr=m.spare)
    return m


@given(st.lists(TERM, max_size=6), st.sets(st.integers(0, N - 1), min_size=1))
def test_a_row_has_the_terms_of_its_slot(listed_terms: list, slots: set[int]) -> None:
    """Proves: lagged variables are in a row where they exist, counts go on as they end, weights of equals add up.

    Sensitivity: a stretch that begins or ends a slot off.
    """
    terms = Terms(N, 2)
    table = {t: {(key, s): 0.0 for key in "ab" for s in range(N)} for t in slots}
    for key, lag, weight, counted in listed_terms:
        (terms.counted if counted else terms.lagged)((0,), (key,), lag, weight)
        for t in slots:
            s = min(t - lag, N - 1) if counted else t - lag
            if 0 <= s < N:
                table[t][key, s] += weight
    arrays = []
    for on in (True, False):
        m = built(terms, {(0,): sorted(slots)}, on=on)
        assert (m.limits.template is not None) == on
        result = compiled(m)
        arrays.append(result)
        assert sorted(t for _, _, t in m.ROW) == sorted(slots)
        for row, (_, _, t) in enumerate(m.ROW):
            got = {}
            for j, column in enumerate(result.columns):
                entries = slice(result.starts[j], result.starts[j + 1])
                for r, value in zip(result.index[entries], result.values[entries], strict=True):
                    if r == row and column is not m.spare:
                        got[column.index()] = value
            assert got == pytest.approx({key: weight for key, weight in table[t].items() if weight})
    assert all(
        np.array_equal(getattr(arrays[0], name), getattr(arrays[1], name)) for name in ("starts", "index", "values")
    )


def test_slots_without_terms_may_be_left_out() -> None:
    """Proves: a row is written only where it says something. Sensitivity: a row of nothing, which Pyomo refuses."""
    terms = Terms(N, 2)
    terms.lagged((0,), ("a",), 3, 1)
    assert [t for _, _, t in Stretches({(0,): range(N)}, terms, empty=False).index] == [3, 4, 5, 6]
    assert [t for _, _, t in Stretches({(0,): range(N)}, terms).index] == list(range(N))


@given(st.lists(st.booleans(), min_size=1, max_size=9), st.integers(1, 4))
def test_unbroken_slots(free: list[bool], hold: int) -> None:
    """Proves: a unit is free from a slot on as plain slices tell. Sensitivity: the last slots of the horizon."""
    text = unbroken(np.array(free), hold).tolist()
    assert text == [all(free[t : t + hold]) for t in range(len(free))]
    slots = [t for first, last in runs(np.flatnonzero(free).tolist()) for t in range(first, last + 1)]
    assert slots == np.flatnonzero(free).tolist()


def test_members_are_summed_as_a_set_is() -> None:
    """Proves: a sum over members is a template and has its index's terms. Sensitivity: another index's."""
    by_row = {0: [(1, 2), (2, 3)], 1: [], 2: [(0, 1)]}
    m = pyo.ConcreteModel()
    with building():
        m.x = Variable(range(3), range(4))
        m.ROW = pyo.RangeSet(0, 2)
        m.OF = Members(by_row, dimen=2)
        m.row = Rows(m.ROW, rule=lambda m, r: total(m.x[i, j] for i, j in each(m.OF[r])) + m.x[2, 0] <= 1)
    assert m.row.template is not None
    table = {r: {v.index() for v in identify_variables(m.row[r].expr)} for r in m.ROW}
    assert table == {r: {(2, 0), *keys} for r, keys in by_row.items()}


def test_members_of_every_index_are_wanted() -> None:
    """Proves: an index that was forgotten is an error. Sensitivity: taken for empty, its row would say too little."""
    m = pyo.ConcreteModel()
    m.ROW, m.OF = pyo.RangeSet(0, 1), Members({0: [1]}, dimen=1)
    m.x = Variable(range(3), bounds=(0, 1))
    m.row = Rows(m.ROW, rule=lambda m, r: total(m.x[i] for i in each(m.OF[r])) <= 1)
    m.goal = pyo.Objective(expr=m.x[0])
    with pytest.raises(KeyError):
        compiled(m)
