"""Measured stacks: hours of concentration and flow, and what stands for hours that are missing."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from emberline.reports.compliance.monitoring import Period, read_activity, read_monitoring_plan
from emberline.reports.compliance.monitoring.stack import Hour, stack
from emberline.reports.compliance.reports import DOCUMENTS, AnnualReport, annual_report
from emberline.scenarios import ScenarioError

DAY = Period.parse("2026-03-29..2026-03-29")
PLAN = """
installation: {name: Works}
streams:
  - {name: stack 1, method: measurement, unit: t CO2, biogenic_share: 0.2, source: EN 14181, gap: RULE}
"""


def hours(concentrations: list[float], flows: list[float]) -> list[Hour]:
    """Hours of the day, one after another."""
    pairs = enumerate(zip(concentrations, flows, strict=True))
    begin = datetime.fromisoformat("2026-03-29")
    return [Hour(begin + timedelta(hours=i), c, q, f"x row {i + 2}") for i, (c, q) in pairs]


def report(folder: Path, rows: str, rule: str = "refuse", period: Period = DAY) -> AnnualReport:
    """The report of a stack's file."""
    (folder / "monitoring.yaml").write_text(PLAN.replace("RULE", rule), encoding="utf-8")
    (folder / "stack.csv").write_text(f"name,hour,g_per_nm3,nm3_per_h\n{rows}", encoding="utf-8")
    return annual_report(
        read_monitoring_plan(folder / "monitoring.yaml"), read_activity([folder / "stack.csv"]), period
    )


def test_missing_concentrations_are_substituted_by_mean_and_two_deviations() -> None:
    """Proves: equation 4 of the regulation by hand; an hour without flow needs no concentration.

    Sensitivity: the mean alone, a deviation of the population, an hour at standstill that counts as missing."""
    concentrations = [190.0, 210.0] * 11 + [math.nan, math.nan]
    flows = [1e5] * 23 + [0.0]
    mean, deviation = 200.0, math.sqrt(22 * 100 / 21)
    result = stack("s", hours(concentrations, flows), DAY, "refuse")
    assert result.t_co2 == pytest.approx((22 * mean + mean + 2 * deviation) * 1e5 / 1e6, rel=1e-12)
    assert (result.concentrations_missing, result.flows_missing, result.hours) == (1, 0, 23)
    assert result.g_per_nm3 * result.nm3_per_h * result.hours / 1e6 == pytest.approx(result.t_co2, rel=1e-12)


def test_missing_flows_need_a_rule() -> None:
    """Proves: hours that are not there are missing, and only the plan's rule fills a flow. Sensitivity: a flow of 0."""
    part = hours([200.0] * 20, [1e5] * 19 + [2e5])
    with pytest.raises(ValueError, match="s has no flow in 4 of 24 hours; name a rule"):
        stack("s", part, DAY, "refuse")
    result = stack("s", part, DAY, "highest")
    assert result.t_co2 == pytest.approx(200 * (19e5 + 2e5 + 4 * 2e5) / 1e6, rel=1e-12)
    assert (result.flows_missing, result.longest_outage_h) == (4, 4)


def test_the_day_of_the_clock_change_has_24_hours(tmp_path: Path) -> None:
    """Proves: times with offset, as a logger on local time writes them, neither lack nor repeat an hour.

    Sensitivity: the clock's hours, of which spring has 23."""
    begin = datetime.fromisoformat("2026-03-29T00:00+00:00")
    local = [begin + timedelta(hours=i - 1) for i in range(24)]
    zone = [at.astimezone(datetime.fromisoformat(f"2026-01-01T00:00+0{1 + (i > 1)}:00").tzinfo)
            for i, at in enumerate(local)]  # fmt: skip
    rows = "".join(f"stack 1,{at.isoformat()},150,1e5\n" for at in zone)
    result = report(tmp_path, rows)
    assert result.fossil_t_co2 == pytest.approx(24 * 15 * 0.8, rel=1e-12)
    assert result.biogenic_t_co2 == pytest.approx(24 * 15 * 0.2, rel=1e-12)
    assert list(result.remarks()) == []


def test_what_was_substituted_is_shown(tmp_path: Path) -> None:
    """Proves: remarks name hours, rule and share; the evidence names the file. Sensitivity: a silent substitute."""
    rows = "".join(f"stack 1,2026-03-29T{h:02}:00,{'' if h == 5 else 150},{'' if h == 7 else 1e5}\n" for h in range(24))
    result = report(tmp_path, rows, "mean")
    remarks = "\n".join(result.remarks())
    assert "no concentration in 1 hours, the mean and 2 standard deviations stand for it" in remarks
    assert "no flow in 1 hours, the mean flow of an hour stands for it" in remarks
    assert "8.3% of its emissions are substituted" in remarks
    assert "stack.csv" in DOCUMENTS["ets"](result).html()


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("stack 1,2026-03-29T00:00,-1,1\n", "row 2: g_per_nm3: must be a number of at least 0, or empty"),
        ("stack 1,2026-03-29T00:00,1,x\n", "row 2: nm3_per_h: must be a number"),
        ("stack 1,2026-03-29T00:30,1,1\n", "row 2: hour: must be a full hour"),
        ("stack 1,29.3.2026,1,1\n", "row 2: hour: must be an hour such as"),
        ("stack 2,2026-03-29T00:00,1,1\n", "row 2: unknown name 'stack 2'"),
        (
            "stack 1,2026-03-29T00:00,1,1\nstack 1,2026-03-29T00:00,1,1\n",
            r"row 3: hour: stack 1 has 2026-03-29 00:00 in stack.csv row 2 too",
        ),
        ("stack 1,2026-03-29T00:00,1,1\nstack 1,2026-03-29T01:00Z,1,1\n", "some hours have an offset"),
        ("stack 1,2025-03-29T00:00,1,1\n", "no measured hours"),
    ],
)
def test_mistakes_in_hours_are_named_by_their_row(rows: str, words: str, tmp_path: Path) -> None:
    """Proves: each mistake has its row. Sensitivity: negative concentrations, hours twice, mixed clocks."""
    with pytest.raises((ScenarioError, ValueError), match=words):
        report(tmp_path, rows)
