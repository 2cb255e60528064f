"""Energy baselines: published digits, rules by name, planted drifts, coverage of savings."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from emberline.reports.performance import Step, joined, read_table, review
from emberline.reports.performance.baseline import EnergyBaseline, Invalid, Unfit, breaches, fit, savings
from emberline.reports.performance.cusum import cusum
from emberline.reports.performance.tables import Periods, read_content
from emberline.scenarios import ScenarioError

LONGLEY = """60323 83.0 234289 2356 1590 107608 1947
61122 88.5 259426 2325 1456 108632 1948
60171 88.2 258054 3682 1616 109773 1949
61187 89.5 284599 3351 1650 110929 1950
63221 96.2 328975 2099 3099 112075 1951
63639 98.1 346999 1932 3594 113270 1952
64989 99.0 365385 1870 3547 115094 1953
63761 100.0 363112 3578 3350 116219 1954
66019 101.2 397469 2904 3048 117388 1955
67857 104.6 419180 2822 2857 118734 1956
68169 108.4 442769 2936 2798 120445 1957
66513 110.8 444546 4681 2637 121950 1958
68655 112.6 482704 3813 2552 123366 1959
69564 114.2 502601 3931 2514 125368 1960
69331 115.7 518173 4806 2572 127852 1961
70551 116.9 554894 4007 2827 130081 1962"""
"""NIST Statistical Reference Datasets, Longley (1967): higher level of difficulty."""
CERTIFIED = (
    -3482258.63459582, 15.0618722713733, -0.0358191792925910, -2.02022980381683, -1.03322686717359,
    -0.0511041056535807, 1829.15146461355,
)  # fmt: skip


def year(rng: np.random.Generator, noise: float, drift: float = 0.0, n: int = 12, saving: float = 0.0) -> pd.DataFrame:
    """A year of energy by production and degree days; the drift begins with month 7 [share], noise by mean energy."""
    season = np.cos(np.arange(n) / n * 2 * np.pi)
    tonnes, days = rng.uniform(8000, 12000, n), np.maximum(0, 150 + 300 * season + rng.normal(0, 20, n))
    expected = 2000 + 0.5 * tonnes + 3 * days
    energy = expected * (1 + np.where(np.arange(n) >= n // 2, drift, 0.0)) + rng.normal(0, noise * 7500, n)
    table = {"mwh": energy - saving / n, "tonnes": tonnes, "degree_days": days}
    return pd.DataFrame(table, index=pd.RangeIndex(1, n + 1))


def baseline(rng: np.random.Generator, noise: float, n: int = 12) -> EnergyBaseline:
    """The baseline of a clean year."""
    return fit(year(rng, noise, n=n), "mwh", ["tonnes", "degree_days"])


def test_longley_to_eight_digits() -> None:
    """Proves: coefficients, residual and R² of NIST's hard case to 1e-8. Sensitivity: normal equations lose them."""
    rows = pd.DataFrame([[float(cell) for cell in line.split()] for line in LONGLEY.splitlines()])
    data = rows.set_axis(["y", "a", "b", "c", "d", "e", "f"], axis=1)
    result = fit(data, "y", list("abcdef"))
    assert result.coefficients.to_numpy() == pytest.approx(CERTIFIED, rel=1e-8)
    assert result.residual_sd == pytest.approx(304.854073561965, rel=1e-8)
    assert result.r_squared == pytest.approx(0.995479004577296, rel=1e-8)
    errors = np.sqrt(np.diag(result.covariance))
    assert errors[0] == pytest.approx(890420.383607373, rel=1e-8)
    assert errors[6] == pytest.approx(455.478499142212, rel=1e-8)


def periods(frame: pd.DataFrame) -> Periods:
    """Months of a table that is added up already."""
    index = pd.period_range("2025-01", periods=len(frame), freq="M")
    data = frame.set_axis(index.to_timestamp())
    first, last = index[0].start_time.date(), index[-1].end_time.date()
    return Periods(first, last, frame.set_axis(index), {str(name): data[name] for name in data})


def model(energy: list[float], **variables: list[float]) -> EnergyBaseline:
    """A baseline of columns written down."""
    return fit(pd.DataFrame({"mwh": energy, **variables}), "mwh", list(variables))


RAMP = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]
ZIGZAG = [1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0, 1.0]
WAVE = [0.0, 1.0, 0.0, -1.0, 0.0, 1.0, 0.0, -1.0]


def plus(*parts: tuple[float, list[float]]) -> list[float]:
    """Weighted sum of columns, above 20."""
    return [20 + sum(weight * column[i] for weight, column in parts) for i in range(8)]


def random_baseline(seed: int, weights: tuple[float, ...], noise: float) -> EnergyBaseline:
    """A baseline of eight rows by random numbers: variables of a weight rise together, those without are noise."""
    rng, ramp = np.random.default_rng(seed), np.array(RAMP)
    columns = {"t": ramp}
    for name, weight in zip("uvw", weights[1:], strict=False):
        columns[name] = ramp + rng.normal(0, 0.6, 8) if weight > 0 else rng.normal(0, 1, 8)
    energy = 20 + sum(weight * column for weight, column in zip(weights, columns.values(), strict=True))
    return fit(pd.DataFrame({"mwh": energy + rng.normal(0, noise, 8), **columns}), "mwh", list(columns))


@pytest.mark.parametrize(
    ("rule", "result"),
    [
        ("r_squared", model(plus((1, RAMP), (5, WAVE)), t=RAMP)),
        ("adjusted_r_squared", random_baseline(3, (1, 0, 0), 3.0)),
        ("model_p", model([21.0, 25.0, 22.0, 27.0, 23.0], t=[1.0, 2.0, 3.0, 4.0, 5.0], u=[1.0, 3.0, 0.0, 2.0, 1.0])),
        ("variable_p", random_baseline(0, (1, 0), 0.5)),
        ("one_variable_p", random_baseline(346, (0.4, 0.4), 0.8)),
        ("negative_coefficient", model(plus((1, RAMP), (-1, ZIGZAG), (0.1, WAVE)), t=RAMP, u=ZIGZAG)),
        ("production_variable", model(plus((1, RAMP), (0.1, WAVE)), degree_days=RAMP)),
        ("range", model(plus((1, RAMP), (0.1, WAVE)), t=RAMP)),
        ("cv_rmse", model([x - 19.5 for x in plus((1, RAMP), (1.2, WAVE))], t=RAMP)),
    ],
)  # fmt: skip
def test_each_rule_refuses_by_its_name(rule: str, result: EnergyBaseline) -> None:
    """Proves: a model that breaks a rule is refused by the rule's name; a negative coefficient is a warning.

    Sensitivity: a limit the wrong way round, a rule that another one hides."""
    report = pd.DataFrame({name: result.data[name] for name in result.variables})
    if rule == "range":
        report = report + 40
    rules = breaches(result, ["t"], report, ashrae=rule == "cv_rmse")
    assert rule in [breach.rule for breach in rules], rules
    breach = next(breach for breach in rules if breach.rule == rule)
    assert breach.refuses == (rule != "negative_coefficient")


def test_a_sound_baseline_breaks_none_and_an_invalid_one_is_refused() -> None:
    """Proves: no rule too many; a review is refused by name. Sensitivity: a review of a baseline that says nothing."""
    rng = np.random.default_rng(4)
    base, report = year(rng, 0.01), year(rng, 0.01)
    assert review(periods(base), periods(report), "mwh", ["tonnes", "degree_days"], ["tonnes"], ashrae=True).rules == ()
    noise = base.assign(mwh=rng.normal(7500, 10, 12))
    with pytest.raises(Invalid, match="r_squared: R² is"):
        review(periods(noise), periods(report), "mwh", ["tonnes", "degree_days"], ["tonnes"])
    with pytest.raises(Unfit, match="tonnes does not vary"):
        review(periods(base.assign(tonnes=1.0)), periods(report), "mwh", ["tonnes"], ["tonnes"])
    with pytest.raises(Unfit, match="follows from the others"):
        fit(base.assign(twice=base["tonnes"] * 2), "mwh", ["tonnes", "twice"])
    with pytest.raises(ScenarioError, match="values of tonnes are missing"):
        review(periods(base), periods(report.assign(tonnes=np.nan)), "mwh", ["tonnes"], ["tonnes"])


def test_a_drift_of_four_percent_is_found_and_clean_years_are_quiet() -> None:
    """Proves: a drift from month 7 raises the alarm in month 7 or 8, at most 5 of 100 clean years raise one.

    Sensitivity: a threshold that leaves out the uncertainty of a baseline of twelve months alarms in one of seven."""
    months, false = [], 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        reference = baseline(rng, 0.005)
        false += cusum(reference, year(rng, 0.005)).alarm is not None
        alarm = cusum(reference, year(rng, 0.005, drift=0.04)).alarm
        months.append(alarm.at if alarm else None)
    assert false <= 5
    assert sum(month in (7, 8) for month in months) >= 95
    rng = np.random.default_rng(7)
    result = cusum(baseline(rng, 0.005), year(rng, 0.005, drift=0.04))
    assert result.alarm is not None
    assert result.alarm.since in (6, 7)
    assert result.curve.iloc[-1] == pytest.approx(-0.04 * 6 * 7500, rel=0.25)
    assert result.false_alarms == 0.03


def test_the_interval_of_savings_covers_the_truth() -> None:
    """Proves: 93 to 97 of 100 draws, here of 400. Sensitivity: the scatter of the report year left out covers fewer."""
    covered = []
    for seed in range(400):
        rng = np.random.default_rng([seed, 1])
        result = savings(baseline(rng, 0.02), year(rng, 0.02, saving=3000.0))
        covered.append(result.low <= 3000 <= result.high)
    assert 0.93 <= np.mean(covered) <= 0.97


def test_tables_by_month_and_mistakes_by_row(tmp_path: Path) -> None:
    """Proves: power becomes energy, temperatures are averaged, a wrong cell has its row, a week in part is left out.

    Sensitivity: sums of °C, the first days of January as a week of little energy."""
    path = tmp_path / "load.csv"
    hours = pd.date_range("2026-01-01", "2026-02-28 23:00", freq="h")
    rows = [f"{t.isoformat()},2.0,5,Light" for t in hours]
    path.write_text("\n".join(["time,load_mw,air_temperature,kind", *rows]) + "\n", encoding="utf-8")
    winter = date(2026, 1, 1), date(2026, 2, 28)
    table, remarks = joined([read_table(path)], "month", *winter).whole(["load_mwh", "air_temperature"])
    assert table["load_mwh"].tolist() == [2.0 * 31 * 24, 2.0 * 28 * 24]
    assert table["air_temperature"].tolist() == [5, 5]
    assert list(table.index) == ["2026-01", "2026-02"]
    assert remarks == ()
    weeks, remarks = joined([read_table(path)], "week", *winter).whole(["load_mwh"])
    assert [weeks.index[0], weeks.index[-1]] == ["2026-01-05", "2026-02-16"]
    assert set(weeks["load_mwh"]) == {2.0 * 7 * 24}
    part = "is left out: only part of it lies between 2026-01-01 and 2026-02-28"
    assert remarks == (f"week of 2025-12-29 {part}", f"week of 2026-02-23 {part}")
    path.write_text(
        "\n".join(["time,load_mw", *[",".join(row.split(",")[:2]) for row in rows[:5]], "soon,1", "2027-01-01,x"])
    )
    with pytest.raises(ScenarioError) as error:
        read_table(path)
    assert "load.csv row 7: time: must be a time" in str(error.value)
    assert "load.csv row 8: load_mw: must be a number, got 'x'" in str(error.value)


def test_months_are_those_of_the_file() -> None:
    """Proves: months in local time stay months; weeks are no parts of months; a cell of 140,000 characters is a mistake
    of the file, with its row. Sensitivity: January moved into December by its offset."""
    rows = [f"2026-{month:02}-01T00:00+0{2 if 3 < month < 11 else 1}:00,{200 + month}" for month in range(1, 13)]
    year_2026 = date(2026, 1, 1), date(2026, 12, 31)
    table = read_content("\n".join(["time,energy_mwh", *rows]).encode(), "m.csv")
    months, _ = joined([table], "month", *year_2026).whole(["energy_mwh"])
    assert list(months.index) == [f"2026-{month:02}" for month in range(1, 13)]
    assert months["energy_mwh"].tolist() == [201.0 + i for i in range(12)]
    weeks = [f"{day:%Y-%m-%d},7" for day in pd.date_range("2026-01-05", periods=20, freq="7D")]
    with pytest.raises(ScenarioError, match="rows of 7 days do not add up to months"):
        joined([read_content("\n".join(["time,energy_mwh", *weeks]).encode(), "w.csv")], "month", *year_2026)
    with pytest.raises(ScenarioError, match=r"m.csv row \d+: cannot be read: field larger"):
        read_content(f"time,energy_mwh\n2026-01-01,{'1' * 140_000}\n".encode(), "m.csv")


def test_days_on_which_the_clock_changes_are_whole() -> None:
    """Proves: days and months by the plant's clock, from UTC and from local times that skip and repeat an hour, and
    tonnes by the day joined to them. Sensitivity: a day of 23 hours that lacks one, an hour of the next month."""
    zone = ZoneInfo("Europe/Berlin")
    utc = pd.date_range("2026-02-28T23:00", "2026-11-01T00:00", freq="h", tz="UTC", inclusive="left")
    texts = {
        "time_utc": [f"{at:%Y-%m-%dT%H:%M}" for at in utc],
        "time": [f"{at.astimezone(zone):%Y-%m-%dT%H:%M}" for at in utc],
    }
    tonnes = [f"{day:%Y-%m-%d},5" for day in pd.date_range("2026-03-01", "2026-10-31", freq="D")]
    production = read_content("\n".join(["date,tonnes", *tonnes]).encode(), "t.csv", "Europe/Berlin")
    for column, times in texts.items():
        load = read_content("\n".join([f"{column},load_mw", *[f"{t},2" for t in times]]).encode(), "l.csv", str(zone))
        span = joined([load, production], "month", date(2026, 3, 1), date(2026, 10, 31))
        months, remarks = span.whole(["load_mwh", "tonnes"])
        assert remarks == ()
        assert months["load_mwh"].tolist() == [2.0 * hours for hours in (743, 720, 744, 720, 744, 744, 720, 745)], (
            column
        )
        assert months["tonnes"].tolist() == [5.0 * days for days in (31, 30, 31, 30, 31, 31, 30, 31)]
        days, _ = joined([load], "day", date(2026, 3, 28), date(2026, 3, 30)).whole(["load_mwh"])
        assert days["load_mwh"].tolist() == [48.0, 46.0, 48.0]
    with pytest.raises(ScenarioError, match="two files have a column load_mwh"):
        joined([load, load], "day", date(2026, 3, 28), date(2026, 3, 30))
    with pytest.raises(ScenarioError, match="unknown zone 'Berlin'"):
        read_content(b"time,x\n2026-01-01,1\n", "l.csv", "Berlin")


def two_years(*left_out: str, blank: str = "", end: str = "2026-12-31 23:00") -> bytes:
    """Energy and tonnes by the hour, without rows that begin with a text; one cell of energy may be blank."""
    rows = ["time,mwh,tonnes,note_c"]
    for k, t in enumerate(pd.date_range("2025-01-01", end, freq="h")):
        text, tonnes = f"{t:%Y-%m-%d %H:%M}", 5 + t.month % 5 + k % 3
        if not text.startswith(left_out or "-"):
            rows.append(f"{text},{'' if text == blank else 2 + tonnes + t.day % 2},{tonnes},{t.month if k % 2 else ''}")
    return "\n".join(rows).encode()


def years(table: pd.DataFrame, step: Step) -> tuple[Periods, Periods]:
    """Its two years."""
    first, last = (joined([table], step, date(year, 1, 1), date(year, 12, 31)) for year in (2025, 2026))
    return first, last


@pytest.mark.parametrize("step", ["day", "week", "month"])
@pytest.mark.parametrize("at", ["2025-01-06 03:00", "2025-11-15 03:00", "2026-12-15 03:00"])
def test_a_missing_hour_is_never_a_shorter_year(at: str, step: Step) -> None:
    """Proves: a row that is missing, in the first month or the last one too, is refused by date, column and file, and
    so is a blank cell; a column that is not read may have holes. Sensitivity: a year that is printed without December.
    """
    for content, names in ((two_years(at), "mwh, tonnes"), (two_years(blank=at), "mwh")):
        table = read_content(content, "meter.csv")
        spans = years(table, step)
        with pytest.raises(
            ScenarioError, match=rf"^meter\.csv: {names}: no value for {at}, so .* is not whole; [^\n]*$"
        ):
            review(*spans, "mwh", ["tonnes"], ["tonnes"])


def test_rows_outside_of_the_data_are_left_out_by_name() -> None:
    """Proves: months after the end of a file, weeks across New Year, and a month without any row are reported, and the
    document names what was counted. Sensitivity: eleven months under the name of a year."""
    table = read_content(two_years(end="2026-11-30 22:00"), "meter.csv")
    spans = years(table, "month")
    result = review(*spans, "mwh", ["tonnes"], ["tonnes"])
    text = "report period: 2026-11 to 2026-12 are left out: values of mwh, tonnes in meter.csv end at 2026-11-30 22:00"
    assert result.remarks == (text,)
    document = result.document("meter.csv").as_dict()
    assert document["period"] == "meter.csv: 2026-01 to 2026-10 against 2025-01 to 2025-12"
    assert document["remarks"][0] == text
    assert len(document["tables"]["By period"]) == 10
    weeks = years(table, "week")
    part = "is left out: only part of it lies between 2025-01-01 and 2025-12-31"
    assert [f"baseline period: week of {day} {part}" for day in ("2024-12-30", "2025-12-29")] == list(
        review(*weeks, "mwh", ["tonnes"], ["tonnes"]).remarks[:2]
    )
    hollow = read_content(two_years("2026-04"), "meter.csv")
    with pytest.raises(ScenarioError, match="no value for 2026-04-01 00:00, so 2026-04 is not whole"):
        joined([hollow], "month", date(2026, 1, 1), date(2026, 12, 31)).whole(["mwh"])
    with pytest.raises(ScenarioError, match="no day, week or month that is asked for is whole"):
        joined([table], "month", date(2026, 3, 2), date(2026, 3, 9)).whole(["mwh"])
