"""Heats of a plan on the page: their times, and what each stage may do."""

from __future__ import annotations

from pathlib import Path

import pytest
from pages import page, texts, with_tab
from streamlit.testing.v1 import AppTest

from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.text import wording
from emberline.runs.store.store import Store
from emberline.scenarios import load


def script() -> None:
    """The tables of heats alone."""
    from emberline.runs.store.store import Store
    from emberline.ui.pages.result import accounts, heats
    from emberline.ui.pages.session import session

    session.begin()
    result = Store().open(session.run()).plan
    heats.show(result, session.run(), accounts.ledgers(result)[0], "C1-2")
    heats.edit(result, session.run())


@pytest.mark.parametrize(("day", "tells"), [("2026-10-25", True), ("2026-10-26", False)])
def test_times_have_their_offset_where_clocks_change(home: Path, day: str, tells: bool) -> None:
    """Proves: on the day on which an hour comes twice the tables tell the offset of each time, on other days they do
    not. Sensitivity: melting that starts at 02:15 and ends at 02:07."""
    changes = [f"horizon.start={day}", "goal.effort=5", "goal.gap=0.9", "disturbances.replications=0"]
    result = make_plan(load("melt-shop-small", changes), PLAIN)
    assert result.has_schedule
    store = Store()
    with store.working(result.scenario) as run:
        store.save(run, result)
    app = AppTest.from_function(script, default_timeout=60)
    app.query_params["run"] = run
    app.run()
    assert not app.exception
    stages = next(frame.value for frame in app.dataframe if "stage" in frame.value and "end" in frame.value)
    assert all(("+0" in str(text)) is tells for text in stages["end"])
    starts = next(frame.value["start"] for frame in app.dataframe if "locked" in frame.value)
    assert all(("+0" in text) is tells for text in starts)


def test_a_plan_with_locks_says_what_its_cap_on_cost_comes_to(home: Path) -> None:
    """Proves: the baseline keeps the locks too, so the page says the amount that the cap counts from it; without locks
    it says nothing. Sensitivity: 2 % above somebody whom the lock has changed."""
    for locks in ("", '[{"heat": "C1-2", "stage": "melting", "start": "9 h"}]'):
        changes = ["goal.effort=5", "goal.gap=0.9", "disturbances.replications=0"]
        result = make_plan(load("melt-shop-small", [*changes, f"locks={locks}"] if locks else changes), PLAIN)
        assert result.has_schedule
        store = Store()
        with store.working(result.scenario) as run:
            store.save(run, result)
        app = with_tab(page("plan", run), "About this plan")
        assert not app.exception
        share = result.scenario.goal.caps.extra_cost_share
        assert share is not None
        baseline, market = result.baseline_figures, result.scenario.market
        decided = baseline.cost - market.carbon_price.on_direct * baseline.direct_kg / 1000
        amount, paid = (wording.number(value, 0) for value in (baseline.cost + share * decided, baseline.cost))
        text = (
            f"Cost at most {amount} EUR: {wording.percent(share, 1)} above the baseline's {paid} EUR, which "
            "respects the locks too."
        )
        assert (text in texts(app).replace("\\", "")) is bool(locks)
