"""Every bundled scenario: twin, model and ledger say the same, and nothing is lost on the way."""

from __future__ import annotations

import pytest
from closure import closure
from ledger_sums import assert_adds_up

from emberline.planning import Plan
from emberline.planning.accounts.bill import bill
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.sums import figures
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.compliance.reports.of_plan import forecast
from emberline.scenarios import bundled, load

CLOSES = 1e-9
EFFORT = 1.0


@pytest.fixture(scope="module", params=bundled())
def bundled_plan(request: pytest.FixtureRequest) -> Plan:
    """A plan after a short search: what agrees at one plan agrees at any."""
    # the year is a linear program: it ends at its optimum or not at all
    linear = request.param == "works-hub-year"
    effort = 180 if linear else EFFORT
    return make_plan(load(request.param, [f"goal.effort={effort}", "disturbances.replications=0"]), PLAIN)


def test_model_twin_and_ledger_agree(bundled_plan: Plan) -> None:
    """Proves: energy, carbon, money and peak of schedule and undisturbed replay within 0.1 %, no violation, and ledger
    and bill are their own parts. Sensitivity: a flow that one of the engines counts otherwise.
    """
    assert bundled_plan.acceptable, (bundled_plan.verdict, bundled_plan.violations[:5])
    text, process = bundled_plan.schedule_figures, bundled_plan.replay_figures
    assert text is not None
    assert process is not None
    for name in ("energy_mwh", "carbon_kg", "direct_kg", "grid_average_kg", "grid_market_kg", "cost", "fuel_cost",
                 "demand_cost", "coincident_cost", "peak_mw", "import_mwh", "tonnes"):  # fmt: skip
        assert getattr(text, name) == pytest.approx(getattr(process, name), rel=1e-3, abs=1e-6), name
    assert process.tonnes == pytest.approx(bundled_plan.baseline_figures.tonnes)
    for run in (bundled_plan.replay, bundled_plan.baseline):
        assert run is not None
        book, sums = ledger(bundled_plan.scenario, run), figures(bundled_plan.scenario, run)
        assert_adds_up(bundled_plan.scenario, book, run)
        assert sums.carbon_kg == pytest.approx(book.total_kg(bundled_plan.scenario.goal.signal), rel=1e-9)
        lines = bill(bundled_plan.scenario, run, sums.direct_kg).lines
        assert sums.cost == pytest.approx(sum(line.amount for line in lines), rel=1e-9)


def test_scope_1_is_what_a_report_of_the_plan_adds_up(bundled_plan: Plan) -> None:
    """Proves: the source streams of the ledger emit its scope 1 and its biogenic CO2, before anything is rounded.

    Sensitivity: a gas left out, a biogenic part counted, a mean factor of rounded figures."""
    for run in (bundled_plan.replay, bundled_plan.baseline):
        assert run is not None
        book = ledger(bundled_plan.scenario, run)
        parts = [stream.emissions(amount) for stream, amount in forecast(book)]
        assert sum(part.fossil_t_co2 for part in parts) * 1000 == pytest.approx(book.direct_kg, rel=1e-9)
        biogenic = sum(part.biogenic_t_co2 for part in parts) * 1000
        assert biogenic == pytest.approx(sum(book.biogenic.values()), rel=1e-9)


def test_what_goes_in_comes_out_or_is_lost(bundled_plan: Plan) -> None:
    """Proves: balances of carriers and stores close in plan, replay and the baseline run. Sensitivity: any flow."""
    for run in (bundled_plan.schedule, bundled_plan.replay, bundled_plan.baseline):
        assert run is not None
        assert closure(bundled_plan.scenario, run).worst < CLOSES * 1e3
