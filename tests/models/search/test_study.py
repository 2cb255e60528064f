"""A study's plans are those that are made afresh; only the solver begins elsewhere."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
import pytest

from emberline import models, twin
from emberline.models.kernel.highs import Program
from emberline.models.search.warm_start import Study, same
from emberline.scenarios import Case, load

TEN_DAYS = ["horizon.days=10", "goal.gap=1e-4"]
DAY = ["goal.effort=20", "goal.gap=0.02"]


def planned(scenario: Case, study: Study | None = None) -> tuple[float, float]:
    """Objective and gap."""
    envelope = twin.envelope(scenario)
    listed = twin.dispatch(scenario, envelope)
    start = listed if listed.attrs["complete"] else None
    data = models.optimize(scenario, envelope, start, study=study)
    assert data.attrs["found"], data.attrs
    return float(data.attrs["objective"]), float(data.attrs["gap"])


def test_a_site_asked_again_with_other_numbers_gives_the_same_optimum() -> None:
    """Proves: prices, sizes, goals and caps that change from plan to plan give what a fresh plan gives, within the gap.

    Sensitivity: a bound, cost or row of the plan before that stays.
    """
    changes: tuple[list[str], ...] = (
        [],
        ["market.carbon_price={per_t: 150, covers: direct}"],
        ["site.grid.import_limit_mw=40"],
        ["goal.minimize=carbon"],
        ["goal.minimize=cost"],
        [],
    )
    study = Study()
    for change in changes:
        scenario = load("works-hub-year", [*TEN_DAYS, *change])
        (warm, warm_gap), (fresh, fresh_gap) = planned(scenario, study), planned(scenario)
        assert warm == pytest.approx(fresh, rel=warm_gap + fresh_gap + 1e-6), change


def test_a_line_asked_again_begins_with_the_plan_before() -> None:
    """Proves: the second plan is never worse than the first one's gap allows, and its bound is a bound of its own
    numbers. Sensitivity: the bound of the first plan kept when the price of carbon is doubled.
    """
    study = Study()
    first, _ = planned(load("melt-shop-small", DAY), study)
    again, gap = planned(load("melt-shop-small", DAY), study)
    assert again <= first + 1e-6 * abs(first)
    dearer = load("melt-shop-small", [*DAY, "goal.minimize=cost"])
    (warm, warm_gap), (fresh, fresh_gap) = planned(dearer, study), planned(dearer)
    assert warm == pytest.approx(fresh, rel=warm_gap + fresh_gap + 1e-6)
    assert warm_gap >= 0 <= gap


def test_schedules_of_another_plant_are_no_beginning() -> None:
    """Proves: what is kept is offered to a scenario of the same heats, units and steps only."""
    scenario = load("melt-shop-small", DAY)
    study = Study()
    assert study.beginnings(scenario) == ()
    planned(scenario, study)
    assert len(study.beginnings(load("melt-shop-small", ["market.carbon_price={per_t: 99, covers: direct}"]))) == 1
    assert study.beginnings(load("melt-shop-small", ["orders.C1.due=16 h"])) == ()
    assert study.beginnings(load("melt-shop-day")) == ()


def test_a_bound_holds_for_larger_margins_only() -> None:
    """Proves: what is proven of a plan without margins bounds plans with margins of time and power, whose search ends
    at once where the list at hand is within the gap; it says nothing of another goal, smaller margins or longer
    durations. Sensitivity: the bound of a plan with margins taken for one without."""
    study, shop = Study(), "melt-shop-small"
    scenario = load(shop, DAY)
    planned(scenario, study)
    bound = study.bound(scenario)
    assert bound is not None
    careful = load(shop, [*DAY, "disturbances.due_margin_min=30", "goal.gap=0.5"])
    assert study.bound(careful) == bound
    objective, gap = planned(careful, study)
    assert gap == pytest.approx(1 - bound / objective, abs=1e-6)
    for other in ("goal.minimize=cost", "disturbances.planning_quantile=0.9", "site.grid.import_limit_mw=150"):
        assert study.bound(load(shop, [*DAY, other])) is None, other
    of_margins = Study()
    planned(careful, of_margins)
    assert of_margins.bound(scenario) is None


def test_records_of_arrays_are_compared_by_value() -> None:
    """Proves: equal arrays in records, tuples and dictionaries are equal, one number else and they are not."""
    one = (np.arange(3.0), {"a": [1, np.ones(2)]}, "x")
    assert same(one, (np.arange(3.0), {"a": [1, np.ones(2)]}, "x"))
    assert not same(one, (np.arange(3.0), {"a": [1, np.array([1.0, 2.0])]}, "x"))
    assert not same(one, (np.arange(3.0), {"b": [1, np.ones(2)]}, "x"))


@pytest.mark.parametrize("whole", [True, False])
def test_a_search_that_was_ended_does_not_end_the_next(whole: bool) -> None:
    """Proves: a solver whose run was interrupted searches on when it is asked again, and then proves its optimum.

    Sensitivity: the cancellation kept from the first run ends the second at once.
    """
    model, rng = pyo.ConcreteModel(), np.random.Generator(np.random.Philox(7))
    n = 60
    weight, worth = rng.integers(20, 60, (5, n)), rng.integers(20, 60, n)
    model.T = pyo.RangeSet(0, n - 1)
    model.x = pyo.Var(model.T, domain=pyo.Binary if whole else pyo.UnitInterval)
    model.row = pyo.Constraint(
        pyo.RangeSet(0, 4), rule=lambda m, k: sum(int(weight[k, t]) * m.x[t] for t in m.T) <= 900
    )
    model.goal = pyo.Objective(expr=sum(int(worth[t]) * model.x[t] for t in model.T), sense=pyo.maximize)
    program = Program(model)
    program.search(work=30, gap=0.05, cancel=lambda: True)
    outcome = program.outcome(program.search(work=30, gap=0.05, cancel=lambda: False))
    assert outcome.has_solution
    assert outcome.bound is not None
    assert outcome.status != "cancelled"
