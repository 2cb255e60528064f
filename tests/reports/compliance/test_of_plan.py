"""What a plan would emit, as a report."""

from __future__ import annotations

from typing import Any

import pytest

from emberline.planning.planner import PLAIN, make_plan
from emberline.reports.compliance.evidence import canonical
from emberline.reports.compliance.reports import DOCUMENTS, of_plan, products_of_plan, report_of_plan
from emberline.reports.compliance.reports.of_plan import forecast
from emberline.scenarios import load


def test_a_report_of_a_plan_is_its_ledger() -> None:
    """Proves: direct emissions, days and electricity of a plan, its products, casts and heats.

    Sensitivity: a horizon that ends a day later, a mean of heats for a cast."""
    result = make_plan(load("melt-shop-small", ["goal.gap=5%", "disturbances.replications=0"]), PLAIN)
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
    tables: dict[str, Any] = {one.title: one.as_dicts() for one in sheet.tables}
    heats = {row["heat"]: row for row in tables["Heats"]}
    assert len(heats) == len(result.scenario.heats)
    casting = result.scenario.line.campaign_stage
    assert result.schedule is not None
    assert casting is not None
    for cast, order in zip(tables["Casts"], result.scenario.orders, strict=True):
        # a cast carries what its heats do, and begins with the first of them at the caster
        of_cast = [heats[heat.name] for heat in result.scenario.heats if heat.order == order.name]
        assert (cast["cast"], cast["heats"]) == (order.name, len(of_cast))
        assert cast["mass [t]"] == sum(row["mass [t]"] for row in of_cast)
        for column in ("kg CO2e/t", "baseline, kg CO2e/t"):
            kg = sum(row["mass [t]"] * row[column] for row in of_cast)
            assert cast["mass [t]"] * cast[column] == pytest.approx(kg, rel=1e-12)
        first = result.schedule.sel(heat=of_cast[0]["heat"], stage=casting.name)
        assert cast["unit"] == str(first["unit"].item())
        assert cast["start"] == result.scenario.horizon.instant(float(first["start_min"])).isoformat(" ", "minutes")
    assert "Evidence" in sheet.html()
    # a source is a stream by its own name, by gas only where it has several
    entries = [(entry.source, entry.gas) for entry in result.ledger.entries if entry.scope == "1" and entry.activity]
    sources = [source for source, _ in entries]
    names = [source if sources.count(source) == 1 else f"{source}, {gas}" for source, gas in entries]
    assert [stream.name for stream, _ in forecast(result.ledger) if not stream.biogenic_share] == names
    assert result.replay_figures is not None
    assert DOCUMENTS["china"](report).figures["electricity_mwh"] == pytest.approx(result.replay_figures.import_mwh)


def test_what_is_not_known_is_no_figure() -> None:
    """Proves: a cast of which a heat is not in the run has no emissions per tonne, and no record holds a number that
    is none. Sensitivity: a mean of the other heats; a NaN in a hash."""
    assert of_plan._per_t(["A", "B"], {"A": (10.0, 2.0)}) is None
    assert of_plan._per_t(["A", "B"], {"A": (10.0, 2.0), "B": (20.0, 4.0), "C": (9.0, 1.0)}) == 5.0
    assert canonical({"b": 1.5, "a": "ä"}) == '{"a":"ä","b":1.5}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"a": float("nan")})
