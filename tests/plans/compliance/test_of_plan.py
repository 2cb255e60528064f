"""What a plan would emit, as a report."""

from __future__ import annotations

import pytest

from emberline.plans import plan
from emberline.plans.compliance.reports import DOCUMENTS, products_of_plan, report_of_plan
from emberline.scenarios import load


def test_a_report_of_a_plan_is_its_ledger() -> None:
    """Proves: direct emissions, days and electricity of a plan. Sensitivity: a horizon that ends a day later."""
    result = plan(load("melt-shop-small", ["goal.gap=5%", "disturbances.replications=0"]))
    assert result.ledger is not None
    report = report_of_plan(result, "run 1")
    document = DOCUMENTS["ets"](report)
    assert document.figures["direct_t_co2"] * 1000 == pytest.approx(result.ledger.direct_kg, rel=1e-9)
    start = result.scenario.horizon.start_utc.astimezone(result.scenario.horizon.tz).date()
    assert report.period.first == start
    assert (report.period.last - start).days == (
        result.scenario.horizon.n_steps * result.scenario.horizon.step_min - 1
    ) // 1440
    sheet = products_of_plan(result, {"run": "1"})
    total = sum(part["mass_t"] * part["see_total"] for part in sheet.figures["products"].values())
    assert total * 1000 == pytest.approx(result.ledger.total_kg("average"), rel=1e-9)
    assert len(sheet.tables[2].rows) == len(result.scenario.heats)
    assert "Evidence" in sheet.html()
    assert result.replay_figures is not None
    assert DOCUMENTS["china"](report).figures["electricity_mwh"] == pytest.approx(result.replay_figures.import_mwh)
