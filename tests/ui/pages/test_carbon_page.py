"""The page Carbon: its totals are the ledger's, by scope, heat and way to count; the baseline has one as well."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from pages import with_tab
from streamlit.testing.v1 import AppTest

from emberline.planning import Plan
from emberline.planning.accounts.ledger import ledger
from emberline.planning.accounts.stock import difference
from emberline.planning.accounts.sums import figures
from emberline.planning.plan.stock_credit import credit_kg
from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text import wording
from emberline.runs.store.store import Store
from emberline.scenarios import load


def script() -> None:
    from emberline.ui.pages import carbon
    from emberline.ui.pages.session import session

    session.begin()
    carbon.page()


def opened(run: str = "") -> AppTest:
    app = AppTest.from_function(script, default_timeout=90)
    if run:
        app.query_params["run"] = run
    app.run()
    assert not app.exception
    return app


@pytest.fixture
def run_id(home: Path, stored_home: tuple[Path, str]) -> str:
    """A home of this test's own with one plan; its id."""
    shutil.copytree(stored_home[0], home)
    return stored_home[1]


def test_totals_are_the_ledgers(run_id: str) -> None:
    """Proves: cards tell the ledger's scopes, and follow the intensity that is chosen. Sensitivity: a card that keeps
    the goal's signal."""
    result = Store().open(run_id).plan
    assert result.replay is not None
    book = ledger(result.scenario, result.replay)
    app = opened(run_id)
    for signal in ("average", "marginal"):
        app.segmented_control[0].set_value(signal).run()
        total = book.total_kg(signal)
        assert total is not None
        table = {card.label: card.value for card in app.metric}
        assert table["Scope 1 and 2 [t CO2e]"] == wording.number(total / 1000, 2)
        assert table["Scope 1 [t CO2e]"] == wording.number(book.direct_kg / 1000, 2)


def test_heats_add_up_to_the_total(run_id: str) -> None:
    """Proves: the table of heats adds up to the card of the whole. Sensitivity: a heat left out."""
    app = with_tab(opened(run_id), "By heat", "carbon")
    heats = next(t.value for t in app.dataframe if "all [kg CO2e]" in t.value)
    result = Store().open(run_id).plan
    assert result.replay is not None
    total = ledger(result.scenario, result.replay).total_kg(result.scenario.goal.signal)
    assert heats["all [kg CO2e]"].sum() == pytest.approx(total, rel=1e-9)
    assert len(heats) == len(result.scenario.heats)


def test_without_a_plan_the_baseline_run_is_shown(home: Path) -> None:
    """Proves: an empty home still shows a ledger, and says that nothing is optimized."""
    app = opened()
    assert any("nothing is optimized" in caption.value for caption in app.caption)
    assert {card.label for card in app.metric} >= {"Scope 1 [t CO2e]", "Scope 1 and 2 [t CO2e]"}


@pytest.fixture(scope="module")
def works() -> Plan:
    """A week of cement whose plan leaves other stocks than the baseline."""
    scenario = load("cement-week", ["disturbances.replications=0", "goal.gap=0.5", "goal.effort=4"])
    result = make_plan(scenario, PLAIN)
    assert result.has_schedule
    return result


def test_the_headline_is_the_plans_with_the_stock_credited(home: Path, works: Plan) -> None:
    """Proves: the pages Carbon and Plan have the same difference, which credits what is left in stock, below a figure
    that has it too; on Carbon the scopes add up to the whole, and the whole and the stock to what counts; the words say
    more or less as it is. The table of ways has a column for it and adds up.

    Sensitivity: a difference with the stock below a figure without it."""
    store, saved = Store(), works.saved()
    assert abs(saved["stock_carbon_kg"]) > 1000
    with store.working(works.scenario) as run:
        store.save(run, works)
    app = opened(run)
    cards = {card.label: card for card in app.metric}
    message, sign = cards["Stock credited [t CO2e]"].delta, "-" if saved["carbon_kg"] > 0 else "+"
    assert message == f"{sign}{wording.number(abs(saved['carbon_kg'] / 1000), 2)}"
    whole = works.baseline_figures.carbon_kg - saved["carbon_kg"]
    assert cards["Stock credited [t CO2e]"].value == wording.number(whole / 1000, 2)
    parts = [_amount(cards[name].delta) for name in cards if name.startswith(("Scope 1 [", "Scope 2, "))]
    assert sum(parts) == pytest.approx(_amount(cards["Scope 1 and 2 [t CO2e]"].delta), abs=0.02)
    both = _amount(cards["Scope 1 and 2 [t CO2e]"].delta) + _amount(cards["Stock [t CO2e]"].delta)
    assert both == pytest.approx(_amount(message), abs=0.02)
    way = "more" if saved["stock_carbon_kg"] > 0 else "less"
    assert any(text.value.startswith(f"Stock: the plan ends with {way} than the baseline; ") for text in app.text)
    with_tab(app, "Average against marginal", "carbon")
    ways = next(t.value for t in app.dataframe if "saved [t CO2e]" in t.value)
    by_hand = ways["baseline [t CO2e]"] - ways["scope 1 and 2 [t CO2e]"] + ways["stock credited [t CO2e]"]
    assert ways["saved [t CO2e]"].tolist() == pytest.approx(by_hand.tolist())
    assert ways["saved [t CO2e]"].tolist()[0] == pytest.approx(saved["carbon_kg"] / 1000)


def _amount(delta: str) -> float:
    """A card's difference; one that is not there is the baseline's."""
    digits = delta.replace("\u202f", "")
    return float(digits) if digits[:1] in "+-" else 0.0


def test_each_way_values_the_stock_as_it_counts(works: Plan) -> None:
    """Proves: by an intensity other than the goal's the stock is worth what a plan of that goal says. Sensitivity: the
    goal's own worth for all ways."""
    signal = works.scenario.goal.signal.other
    assert works.replay is not None
    other = "market" if works.baseline_figures.grid_marginal_kg is None else signal
    assert credit_kg(works, works.scenario.goal.signal) == works.saved()["stock_carbon_kg"]
    if other != "market":
        goal = works.scenario.goal.model_copy(update={"signal": signal})
        scenario = works.scenario.model_copy(update={"goal": goal})
        scenario._inputs = works.scenario.inputs
        sums = [figures(scenario, run) for run in (works.baseline, works.replay)]
        assert credit_kg(works, other) == pytest.approx(difference(*sums).carbon_kg)
    assert credit_kg(works, "market") == pytest.approx(credit_kg(works, "average"), rel=0.5)
