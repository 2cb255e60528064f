"""Forecasts: what was known of a series at a moment, from files with times of issue and from hours of publication."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emberline.scenarios import ScenarioError, load
from emberline.scenarios.loading.issued_forecasts import forecast_at, foreseen
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.series import Series

DAY = 24


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def horizon(start: str, hours: float, zone: str = "UTC", step: float = 60) -> Horizon:
    return Horizon.model_validate({"start": start, "length_h": hours, "step_min": step, "zone": zone})


def actual(folder: Path, start: str, values: list[float]) -> None:
    times = np.datetime64(start.removesuffix("Z")) + np.arange(len(values)) * np.timedelta64(1, "h")
    rows = [f"{time}Z,{value}" for time, value in zip(times, values, strict=True)]
    (folder / "s.csv").write_text("time_utc,p\n" + "\n".join(rows) + "\n", encoding="utf-8")


def issued(folder: Path, rows: list[tuple[str, str, float]]) -> None:
    text = "".join(f"{issue},{valid},{value}\n" for issue, valid, value in rows)
    (folder / "f.csv").write_text("issued_utc,time_utc,q\n" + text, encoding="utf-8")


def series(**forecast: Any) -> Series:
    return Series.model_validate({"csv": "s.csv", "column": "p", "forecast": forecast})


def test_the_newest_forecast_at_hand_counts(tmp_path: Path) -> None:
    """Proves: of each hour the newest value issued by the moment is taken. Sensitivity: the newest of all gives 13 at
    once, and without the delay the value of 02:00 is at hand at 02:00 already."""
    actual(tmp_path, "2024-03-10T00:00Z", [1.0] * 6)
    valid = "2024-03-10T05:00Z"
    issued(tmp_path, [(f"2024-03-10T0{h}:00Z", valid, 10.0 + h) for h in (3, 0, 2)])
    text = series(csv="f.csv", column="q", delay_min=30)
    hour = horizon(valid, 1)
    for moment, expected in (("01:00", 10), ("02:00", 10), ("02:30", 12), ("03:30", 13)):
        result = forecast_at(text, hour, "MW", tmp_path, at(f"2024-03-10T{moment}Z"))
        assert result.values.tolist() == [expected]
    assert "issued 2024-03-10T03:00Z" in result.source


def test_a_forecast_is_averaged_onto_steps_and_converted(tmp_path: Path) -> None:
    """Proves: a forecast is brought onto the step as the series is, in its own unit. Sensitivity: kW taken for MW."""
    actual(tmp_path, "2024-03-10T00:00Z", [1.0] * 3)
    issued(tmp_path, [("2024-03-10T00:00Z", f"2024-03-10T0{h}:00Z", 1000.0 * h) for h in range(3)])
    text = series(csv="f.csv", column="q", unit="kW")
    result = forecast_at(text, horizon("2024-03-10T00:00Z", 3, step=30), "MW", tmp_path, at("2024-03-10T00:00Z"))
    assert result.values.tolist() == [0, 0, 1, 1, 2, 2]


def test_day_ahead_prices_are_known_from_their_hour_on(tmp_path: Path) -> None:
    """Proves: until 13:00 local only the day is known, from then on the next one too; beyond that the hour of a week
    before stands, of two weeks before where that is not known yet. Sensitivity: UTC's 13:00 is an hour late."""
    days = np.repeat(np.arange(28.0), DAY)
    actual(tmp_path, "2024-01-31T23:00Z", days.tolist())  # day 0 is 1 February in Berlin
    text = series(published="13:00")
    week = horizon("2024-02-15T06:00Z", 24 * 9, "Europe/Berlin")  # from day 14 on
    local = np.array([(week.instant(60 * i).date() - week.instant(0).date()).days for i in range(week.n_steps)])
    for moment, known_days in (("2024-02-15T11:59Z", 1), ("2024-02-15T12:00Z", 2)):
        result = forecast_at(text, week, "MW", tmp_path, at(moment))
        ahead = local >= known_days
        assert (result.values[~ahead] == 14 + local[~ahead]).all()
        weeks = np.where(local < known_days + 7, 1, 2)
        assert (result.values[ahead] == (14 + local - 7 * weeks)[ahead]).all()
        assert f"{ahead.sum()} of {week.n_steps} steps as 168 h before" in result.source
    assert (
        "168" not in forecast_at(text, horizon("2024-02-15T06:00Z", 8), "MW", tmp_path, at("2024-02-15T06:00Z")).source
    )


def test_what_no_forecast_covers_is_refused_where_that_is_asked(tmp_path: Path) -> None:
    """Proves: ``beyond: refuse`` names the first hour without a forecast. Sensitivity: a filled one raises nothing."""
    actual(tmp_path, "2024-03-10T00:00Z", [1.0] * 6)
    issued(tmp_path, [("2024-03-10T00:00Z", f"2024-03-10T0{h}:00Z", 5.0) for h in (0, 1, 3)])
    text = series(csv="f.csv", column="q", beyond="refuse")
    with pytest.raises(ValueError, match=r"no forecast known at 2024-03-10T00:00Z covers 2024-03-10T02:00\+00:00"):
        forecast_at(text, horizon("2024-03-10T00:00Z", 4), "MW", tmp_path, at("2024-03-10T00:00Z"))
    with pytest.raises(ValueError, match=r"substitute for the forecast, 1 week\(s\) before"):
        forecast_at(
            series(csv="f.csv", column="q"), horizon("2024-03-10T00:00Z", 4), "MW", tmp_path, at("2024-03-10T00:00Z")
        )


def test_only_series_with_a_forecast_are_uncertain(tmp_path: Path) -> None:
    """Proves: a PV forecast is scaled by the plant's peak, a store's price is left as it comes true, and a row of an
    asset is replaced alone. Sensitivity: what is not scaled gives 0.25."""
    actual(tmp_path, "2024-03-10T00:00Z", [0.5] * 4)
    issued(tmp_path, [("2024-03-10T00:00Z", f"2024-03-10T0{h}:00Z", 0.25) for h in range(4)])
    message = "{csv: s.csv, column: p, forecast: {csv: f.csv, column: q}}"
    text = f"""
name: small
horizon: {{start: 2024-03-10T00:00Z, length_h: 4, step_min: 60}}
site:
  pv: {{peak_mw: 8, capacity_factor: {message}}}
  assets: [{{kind: wind, name: mill, peak_mw: 2, capacity_factor: {message}}},
           {{kind: wind, name: old mill, peak_mw: 2, capacity_factor: {{csv: s.csv, column: p}}}}]
market: {{price_per_mwh: {{csv: s.csv, column: p}}, carbon_intensity_kg_per_mwh: 300}}
"""
    (tmp_path / "small.yaml").write_text(text, encoding="utf-8")
    scenario = load(tmp_path / "small.yaml")
    data = foreseen(scenario, scenario.horizon, at("2024-03-10T00:00Z"))
    assert data["pv_available_mw"].values.tolist() == [2.0] * 4
    assert scenario.inputs["pv_available_mw"].values.tolist() == [4.0] * 4
    assert data["price_per_mwh"].values.tolist() == [0.5] * 4
    rows = data["asset_values"].sel(series=["mill.capacity_factor", "old mill.capacity_factor"])
    assert rows.values.tolist() == [[0.25] * 4, [0.5] * 4]


@pytest.mark.parametrize(
    ("forecast", "text"),
    [
        ("{}", "give one of csv, parquet, signal or published; got none"),
        ("{csv: f.csv, published: '13:00'}", "got csv and published"),
        ("{csv: f.csv}", "csv needs a column"),
        ("{published: noon}", "'noon' is not a time of day; write it as 13:00"),
        ("{published: '13:00', column: p}", "published takes the series' own values; leave out column"),
        ("{csv: none.csv, column: q}", "none.csv: no such file"),
        ("{csv: f.csv, column: r}", "forecast: f.csv has no column 'r'"),
        ("{csv: f.csv, column: q, issued: when}", "forecast: f.csv has no column 'when'"),
    ],
)
def test_a_mistake_in_a_forecast_is_one_line_at_its_place(tmp_path: Path, forecast: str, text: str) -> None:
    """Proves: a faulty forecast is reported with file, key and what is allowed. Sensitivity: one that is read only when
    the roll has begun loads without a word."""
    actual(tmp_path, "2024-03-10T00:00Z", [1.0] * 4)
    issued(tmp_path, [("2024-03-10T00:00Z", "2024-03-10T00:00Z", 5.0)])
    (tmp_path / "small.yaml").write_text(
        "name: small\nhorizon: {start: 2024-03-10T00:00Z, length_h: 4, step_min: 60}\nmarket:\n"
        f"  price_per_mwh: {{csv: s.csv, column: p, forecast: {forecast}}}\n  carbon_intensity_kg_per_mwh: 300\n",
        encoding="utf-8",
    )
    with pytest.raises(ScenarioError) as error:
        load(tmp_path / "small.yaml")
    (line,) = str(error.value).splitlines()
    assert "small.yaml:4: market.price_per_mwh" in line
    assert text in line


def test_a_constant_has_no_forecast() -> None:
    """Proves: a constant with a forecast is refused. Sensitivity: it would be ignored."""
    with pytest.raises(ValueError, match="a constant has no forecast"):
        Series.model_validate({"value": 3.0, "forecast": {"published": "13:00"}})


@pytest.mark.shared
def test_real_forecasts_as_they_were_issued(shared: Path) -> None:
    """Proves: on 10 November 2021 the carbon forecast is that of the day's issue, a minute before midnight that of the
    day before. Sensitivity: the actual values differ from it in nearly every hour."""
    import pandas as pd

    path = shared / "data" / "de_2021h2_carbon_forecast_96h.csv.gz"
    table = pd.read_csv(path)
    text = Series.model_validate(
        {
            "table": "de_typical_2018",
            "column": "carbon_intensity_average_kg_per_mwh",
            "forecast": {
                "csv": str(path), "column": "forecast_kg_per_mwh", "issued": "issue_day", "valid": "target_time_utc",
                "zone": "UTC",
            },
        }
    )  # fmt: skip
    span = horizon("2021-11-10T07:00Z", 72)
    result = forecast_at(text, span, "kg/MWh", Path("."), at("2021-11-10T07:00Z"))
    issue = table[(table["issue_day"] == "2021-11-10") & table["lead_h"].between(7, 78)]
    assert result.values == pytest.approx(issue["forecast_kg_per_mwh"].to_numpy(), abs=1e-9)
    assert (np.abs(issue["actual_kg_per_mwh"] - result.values) > 0.01).mean() > 0.9
    yesterday = forecast_at(text, span, "kg/MWh", Path("."), at("2021-11-09T23:59Z"))
    issue = table[(table["issue_day"] == "2021-11-09") & (table["lead_h"] >= 31)]
    n = len(issue)
    assert yesterday.values[:n] == pytest.approx(issue["forecast_kg_per_mwh"].to_numpy(), abs=1e-9)
    assert f"{72 - n} of 72 steps as 168 h before" in yesterday.source
