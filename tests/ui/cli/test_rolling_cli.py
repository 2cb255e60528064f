"""The command ``roll``: what it prints, and how it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import emberline
from rolled import works

from emberline.studies.rolling.horizon import load_span


def test_the_command_tells_gain_regret_and_what_planning_less_often_costs(tmp_path: Path) -> None:
    """Proves: words and JSON tell the same roll, progress goes to standard error, the time is that of the options.
    Sensitivity: a date as the end that does not hold its day rolls a day less."""
    works(tmp_path, hours=48)
    file = str(tmp_path / "works.yaml")
    span = ["--from", "2026-03-02", "--to", "2026-03-02"]
    rows = ["roll", file, *span, "--every", "8h", "--every", "12h", "--set", "goal.caps.extra_cost_share=5 %"]
    words = emberline(*rows)
    assert words.returncode == 0, words.stderr
    message = (
        "24 h in steps",
        "Gain over the baseline",
        "Regret against",
        "Every 12 h instead",
        "Cap on cost above the baseline's",
        "price_per_mwh",
    )
    for text in message:
        assert text in words.stdout
    assert "roll, 2026-03-02 08:00" in words.stderr
    data = json.loads(emberline(*rows, "--json", "--quiet").stdout)
    assert (data["from"], data["to"]) == ("2026-03-02T00:00:00+01:00", "2026-03-03T00:00:00+01:00")
    assert data["roll"]["plans"] == 3
    assert [other["every_min"] for other in data["less_often"]] == [720]
    regret = data["roll"]["figures"]["cost"] - data["perfect"]["figures"]["cost"]
    assert data["regret"]["total"] == pytest.approx(regret)
    assert data["caps"] == {
        "extra_cost": {"value": data["roll"]["figures"]["cost"], "cap": pytest.approx(1.05 * data["baseline"]["cost"])}
    }
    assert data["gain"]["total"] == pytest.approx(data["baseline"]["cost"] - data["roll"]["figures"]["cost"])


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--every", "6"], "--every '6': write a number with its unit, such as 1h or 90min"),
        (["--every", "1h", "--every", "60min"], "--every: the same span is given twice"),
        (["--every", "90min"], "small-works: --every: is 90 min; it must be a multiple of 60 min"),
        (["--keep", "2"], "--keep 2: must be a share from 0 to below 100 %"),
        (["--from", "noon"], "--from: 'noon' is not a time; write it as 2024-03-12T06:00+01:00, or a date"),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "--to: 2026-03-01 does not lie after the beginning"),
        (["--from", "2026-03-30"], "works.yaml:30: market.price_per_mwh: real.csv: "),
        (["--to", "2026-03-05"], "small-works: price_per_mwh: substitute for the forecast, 1 week(s) before: real"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_planned(tmp_path: Path, args: list[str], text: str) -> None:
    """Proves: times, spans and series that do not reach so far are refused with their option or key, exit code 2.
    Sensitivity: an error in the middle of a roll would come as an error of Emberline, code 3."""
    works(tmp_path, hours=24)
    if "2026-03-05" in args:
        # forecasts that end, and no past to stand for them
        lines = (tmp_path / "forecasts.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / "forecasts.csv").write_text("".join(lines[: 1 + 96 * 10]), encoding="utf-8")
        real = (tmp_path / "real.csv").read_text(encoding="utf-8").splitlines(keepends=True)
        (tmp_path / "real.csv").write_text(real[0] + "".join(real[1 + 24 * 9 :]), encoding="utf-8")
    code = emberline("roll", str(tmp_path / "works.yaml"), "--quiet", *args)
    assert code.returncode == 2
    assert text in code.stderr
    assert not code.stdout


def test_a_span_keeps_to_the_plants_calendar(tmp_path: Path) -> None:
    """Proves: dates are days of the plant's zone, an end on a date holds its day, and a beginning alone keeps the
    scenario's length. Sensitivity: days of UTC begin an hour later."""
    works(tmp_path, hours=24)
    name = str(tmp_path / "works.yaml")
    horizon = load_span(name, [], "2026-03-03", "2026-03-04").horizon
    assert (horizon.start_utc.isoformat(), horizon.length_min) == ("2026-03-02T23:00:00+00:00", 48 * 60)
    horizon = load_span(name, [], "2026-03-02T12:00+01:00", None).horizon
    assert (horizon.start_utc.isoformat(), horizon.length_min) == ("2026-03-02T11:00:00+00:00", 24 * 60)
