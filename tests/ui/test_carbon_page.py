"""The page Carbon: its totals are the ledger's, by scope, heat and way to count; the foreman has one as well."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from plans.ledger import ledger
from plans.store import Store
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
