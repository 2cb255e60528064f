"""The page Carbon: its totals are the ledger's, by scope, heat and way to count; the foreman has one as well."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from plans.credit import credit_kg
from plans.figures import figures
from plans.ledger import ledger
from plans.plan import Plan, plan
from plans.stock import difference
from plans.store import Store
from scenarios import load
from ui import wording


def script() -> None:
    from ui.pages import carbon, session

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
def kept(home: Path, stored_home: tuple[Path, str]) -> str:
    """A home of this test's own with one plan; its id."""
    shutil.copytree(stored_home[0], home)
    return stored_home[1]


def test_totals_are_the_ledgers(kept: str) -> None:
    """Proves: cards tell the ledger's scopes, and follow the intensity that is chosen. Sensitivity: a card that keeps
    the goal's signal."""
    made = Store().open(kept).plan
    assert made.replay is not None
    book = ledger(made.scenario, made.replay)
    app = opened(kept)
    for signal in ("average", "marginal"):
        app.segmented_control[0].set_value(signal).run()
        total = book.total_kg(signal)
        assert total is not None
        told = {card.label: card.value for card in app.metric}
        assert told["Scope 1 and 2 [t CO2e]"] == wording.number(total / 1000, 2)
        assert told["Scope 1 [t CO2e]"] == wording.number(book.direct_kg / 1000, 2)


def test_heats_add_up_to_the_total(kept: str) -> None:
    """Proves: the table of heats adds up to the card of the whole. Sensitivity: a heat left out."""
    app = opened(kept)
    heats = next(t.value for t in app.dataframe if "all [kg CO2e]" in t.value)
    made = Store().open(kept).plan
    assert made.replay is not None
    total = ledger(made.scenario, made.replay).total_kg(made.scenario.goal.signal)
    assert heats["all [kg CO2e]"].sum() == pytest.approx(total, rel=1e-9)
    assert len(heats) == len(made.scenario.heats)


def test_without_a_plan_the_foremans_day_is_told(home: Path) -> None:
    """Proves: an empty home still shows a ledger, and says that nothing is optimized."""
    app = opened()
    assert any("nothing is optimized" in caption.value for caption in app.caption)
    assert {card.label for card in app.metric} >= {"Scope 1 [t CO2e]", "Scope 1 and 2 [t CO2e]"}


@pytest.fixture(scope="module")
def works() -> Plan:
    """A week of cement whose plan leaves other stocks than the foreman."""
    scenario = load("cement-week", ["disturbances.replications=0", "goal.gap=0.5", "goal.time_limit_s=20"])
    made = plan(scenario)
    assert made.found
    return made


def test_the_headline_is_the_plans_with_the_stock_credited(home: Path, works: Plan) -> None:
    """Proves: the pages Carbon and Plan tell the same difference, which credits what is left in stock, and Carbon says
    how much of it is stock; the table of ways has it as a column and adds up. Sensitivity: the difference of the
    ledgers alone, whose sign may be the other one."""
    store, saved = Store(), works.saved()
    assert abs(saved["stock_carbon_kg"]) > 1000
    with store.working(works.scenario) as run:
        store.save(run, works)
    app = opened(run)
    told = {card.label: card.delta for card in app.metric}["Scope 1 and 2 [t CO2e]"]
    sign = "-" if saved["carbon_kg"] > 0 else "+"
    assert told == f"{sign}{wording.number(abs(saved['carbon_kg'] / 1000), 2)}"
    stock = wording.signed(-saved["stock_carbon_kg"] / 1000, 2)
    assert any(text.value.startswith(f"Stock: {stock} t CO2e") for text in app.text)
    ways = next(t.value for t in app.dataframe if "saved [t CO2e]" in t.value)
    by_hand = ways["foreman [t CO2e]"] - ways["scope 1 and 2 [t CO2e]"] + ways["stock credited [t CO2e]"]
    assert ways["saved [t CO2e]"].tolist() == pytest.approx(by_hand.tolist())
    assert ways["saved [t CO2e]"].tolist()[0] == pytest.approx(saved["carbon_kg"] / 1000)

    def cards() -> None:
        from plans.store import Store
        from ui.pages import figures, session

        session.begin()
        made = Store().open(session.run()).plan
        figures.show_cards(made)
        figures.show_all(made)

    page = AppTest.from_function(cards, default_timeout=90)
    page.query_params["run"] = run
    page.run()
    assert not page.exception
    assert str(page.metric[0].delta).startswith(f"{told} (")


def test_each_way_values_the_stock_as_it_counts(works: Plan) -> None:
    """Proves: by an intensity other than the goal's the stock is worth what a plan of that goal says. Sensitivity: the
    goal's own worth for all ways."""
    other = "marginal" if works.scenario.goal.signal == "average" else "average"
    assert works.replay is not None
    if works.baseline_figures.grid_marginal_kg is None:
        other = "market"
    assert credit_kg(works, works.scenario.goal.signal) == works.saved()["stock_carbon_kg"]
    if other != "market":
        goal = works.scenario.goal.model_copy(update={"signal": other})
        asked = works.scenario.model_copy(update={"goal": goal})
        asked._inputs = works.scenario.inputs
        sums = [figures(asked, run, 0.0) for run in (works.baseline, works.replay)]
        assert credit_kg(works, other) == pytest.approx(difference(*sums).carbon_kg)
    assert credit_kg(works, "market") == pytest.approx(credit_kg(works, "average"), rel=0.5)
