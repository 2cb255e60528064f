"""What says how far a calibration can be trusted: thin logs, goodness of fit, held-out heats, drift, the meter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from heat_logs import TRUE, listed, log, plant, wrong

from emberline import twin
from emberline.scenarios import ScenarioError, load
from emberline.scenarios.loading.heat_log import HeatLog, checked
from emberline.scenarios.loading.meter import Meter
from emberline.studies.calibration import Calibration, calibrate, fit_units, twin_log
from emberline.studies.calibration.drift import FALSE_ALARM, charts, limit, weighted
from emberline.studies.calibration.goodness import anderson_darling, exponential_goodness, failure_times, goodness
from emberline.studies.calibration.holdout import hold_out
from emberline.studies.calibration.metering import fit_meter
from emberline.studies.calibration.observations import observations

PHASES: list[str] = []


def read(frame: pd.DataFrame) -> HeatLog:
    return checked(frame, wrong(), "heats.csv")


@pytest.fixture(scope="module")
def whole() -> Calibration:
    """A calibration with every check, on a quiet log."""
    return calibrate(wrong(), read(log(3, 30)), draws=39, replications=79, on_progress=PHASES.append)


def stretched(frame: pd.DataFrame, unit: str, from_share: float, factor: float) -> pd.DataFrame:
    """The log with one unit slower from a point on, everything after a heat moved along with it."""
    frame = frame.copy()
    at = frame["start"].min() + from_share * (frame["start"].max() - frame["start"].min())
    slow = (frame["unit"] == unit) & (frame["start"] > at) & (frame["event"] == "")
    longer = (frame["end"] - frame["start"]) * (factor - 1)
    by_heat = longer.where(slow, pd.Timedelta(0)).groupby(frame["heat"]).transform("sum").where(frame["heat"] != "")
    stage = frame["unit"].map({"EAF": 0, "LF": 1, "CC": 2})
    behind = by_heat.where(stage > stage[frame["unit"] == unit].iloc[0]).fillna(pd.Timedelta(0))
    frame["end"] = (frame["end"] + longer.where(slow, pd.Timedelta(0)) + behind).dt.round("s")
    frame["start"] = (frame["start"] + behind).dt.round("s")
    return frame


def test_a_log_of_three_heats_is_refused() -> None:
    """Proves: nothing is fitted to three heats, and the message says how many it takes. Sensitivity: 12 are taken."""
    rows = log(1, 2)
    three = rows[rows["heat"].isin(["0:C1-1", "0:C1-2", "0:C1-3"])]
    with pytest.raises(ScenarioError) as caught:
        calibrate(wrong(), read(three))
    assert str(caught.value) == "heats.csv: 3 heats are too few: at least 10 of one grade on one unit are needed"
    unit_fits = fit_units(wrong(), read(rows))
    assert {item.grade for unit in unit_fits for item in unit.estimates if item.kind == "energy" and item.fitted} == {
        "rebar"
    }


def test_where_the_log_is_thin_the_scenario_stays() -> None:
    """Proves: a grade with 6 heats and a unit with few breakdowns keep what the scenario says, with the reason.

    Sensitivity: written all the same, they would carry the chance of 6 heats into every plan.
    """
    short = read(log(1, 2))
    stops = short.breakdowns["unit"].value_counts().to_dict()
    assert stops["CC"] < 5 <= stops["EAF"]
    result = calibrate(wrong(), short, draws=1, replications=0)
    over = result.overlay
    wire = over["line"]["grades"][1]
    assert wire["duration_min"] == {"melting": 52.0, "ladle": 38.0, "casting": 60.0}  # wrong() left these alone
    assert wire["energy_kwh_per_t"] == {"melting": 400.0, "ladle": 60.0, "casting": 12.0}
    assert [item["unit"] for item in over["disturbances"]["breakdowns"]] == ["EAF"]
    text = {(item.kind, item.unit, item.grade): item.reason for item in result.thin}
    assert text["energy", "EAF", "wire"] == "6 of 10 observations"
    assert text["mtbf", "LF", ""].startswith("0 of 5 observations in ")


def test_an_overlay_makes_the_scenario_that_was_fitted(whole: Calibration, tmp_path: Path) -> None:
    """Proves: laid over the wrong scenario it gives the fitted figures to the twin. Sensitivity: a key that the
    scenario reads elsewhere would leave its old value."""
    path = tmp_path / "over.yaml"
    path.write_text(whole.yaml(), encoding="utf-8")
    fitted = load("melt-shop-small", [f"@{path}"])
    line, data = fitted.line, twin.envelope(fitted)
    for item in whole.estimates:
        if item.kind == "duration":
            assert line.duration_min(line.grade[item.grade], item.unit) == pytest.approx(item.value, rel=1e-4)
        if item.kind == "energy":
            assert line.energy_mwh(line.grade[item.grade], item.unit) * 10 == pytest.approx(item.value, rel=1e-4)
    assert {spread.unit for spread in fitted.disturbances.units} == {"EAF", "LF", "CC"}
    assert [item.unit for item in fitted.disturbances.breakdowns] == ["EAF", "CC"]
    assert float(data["duration_min"].sel(unit="EAF").min()) == pytest.approx(TRUE["duration", "EAF", "wire"], rel=0.02)


def test_a_quiet_log_passes_every_check(whole: Calibration) -> None:
    """Proves: the twin's own log is reproduced, its laws hold and nothing drifts. Sensitivity: the tests below."""
    assert whole.hold_out is not None
    assert whole.hold_out.passed is True
    assert whole.hold_out.planned
    assert min(one.p_value for one in whole.goodness) > 0.01
    assert not [chart for chart in whole.charts if chart.drifts]
    for item in whole.comparisons:
        assert item.log_mean == pytest.approx(item.fit_mean, rel=0.01)
    assert PHASES == ["fitting", "goodness of fit", "hold-out", "drift"]


def test_another_plant_in_the_last_part_fails_the_check() -> None:
    """Proves: heats that are 4 % slower than those fitted are not reproduced.

    Sensitivity: means alone would not tell, breakdowns scatter them by more.
    """
    frame = stretched(log(3, 30), "EAF", 0.7, 1.04)
    read_log = read(frame)
    cut = 0.7 * read_log.until_min
    fits = fit_units(wrong(), read_log.part(-np.inf, cut))
    result = hold_out(wrong(), read_log, fits, cut, replications=79)
    assert result.passed is False
    by_name = {check.what: check for check in result.checks}
    tested = {check.what: check.p_value for check in result.checks if check.p_value is not None}
    assert tested["all durations"] == min(tested.values()) <= 0.0125
    assert by_name["duration on EAF"].logged > by_name["duration on EAF"].twin + 1.5
    assert by_name["duration on LF"].low < by_name["duration on LF"].logged < by_name["duration on LF"].high


def test_without_planned_starts_the_check_says_so() -> None:
    """Proves: a log that does not tell what was planned is tested by its durations alone, and it is said.

    Sensitivity: waits that a plan wanted would fail a twin that starts heats as soon as it can.
    """
    frame = log(3, 12).drop(columns=["planned_start", "planned_end", "order"])
    read_log = read(frame)
    cut = 0.7 * read_log.until_min
    result = hold_out(wrong(), read_log, fit_units(wrong(), read_log.part(-np.inf, cut)), cut, replications=39)
    assert result.passed is True
    assert not result.planned
    assert [check.what for check in result.checks if check.p_value is not None] == ["all durations"]
    assert {"all waits", "energy of a heat", "throughput"} < {check.what for check in result.checks}
    durations = next(check for check in result.checks if check.what == "duration on LF")
    assert durations.low < durations.logged < durations.high


def test_drift_is_found_where_it_begins() -> None:
    """Proves: a furnace that needs 4 % more time from 80 % of the log on is reported, soon after, and no other unit.

    Sensitivity: limits for single observations would need a shift several times as large.
    """
    frame = stretched(log(3, 30), "EAF", 0.8, 1.04)
    read_log = read(frame)
    cut = 0.7 * read_log.until_min
    before, after = fit_units(wrong(), read_log.part(-np.inf, cut)), fit_units(wrong(), read_log)
    rows = [chart for a, b in zip(before, after, strict=True) for chart in charts(a, b)]
    (drifting,) = [chart for chart in rows if chart.drifts]
    assert (drifting.unit, drifting.what) == ("EAF", "durations")
    assert 0.8 <= drifting.start_min[drifting.first] / read_log.until_min <= 0.9
    assert drifting.change == pytest.approx(0.04, abs=0.015)


def test_the_limit_keeps_its_false_alarms() -> None:
    """Proves: of logs without drift as many cross the limit as are said to. Sensitivity: the limit of tables for an
    endless chart with known parameters is crossed far more often."""
    generator = np.random.default_rng(2)
    group, first = np.tile([0, 0, 1], 60), 126
    most = limit(group, first, generator)
    alarms = 0
    for _ in range(1000):
        normal = generator.standard_normal(len(group))
        means = np.bincount(group[:first], normal[:first]) / np.bincount(group[:first])
        rest = normal - means[group]
        rest /= np.sqrt(np.square(rest[:first]).sum() / (first - 2))
        alarms += bool((np.abs(weighted(rest)) > most).any())
    assert alarms / 1000 == pytest.approx(FALSE_ALARM, abs=0.01)


def test_goodness_of_fit_sees_another_law() -> None:
    """Proves: durations with two humps are no lognormal. Sensitivity: p-values of tables without estimated parameters
    would let them pass more often."""
    frame = log(4, 25)
    part = (frame["unit"] == "LF") & (frame["event"] == "")
    slow = part & (np.arange(len(frame)) % 2 == 0)
    later = ((frame["end"] - frame["start"]) * 0.35).where(slow, pd.Timedelta(0)).dt.round("s")
    mixed = frame[part].assign(end=(frame["end"] + later)[part])
    (result,) = [unit for unit in fit_units(wrong(), read(mixed)) if unit.unit == "LF"]
    durations = goodness(result, 99)[0]
    assert durations.p_value <= 0.02
    assert {unit.what for unit in goodness(result, 9)} == {"durations"}  # no waits are known, hence no energies


def test_p_values_are_uniform_where_the_law_holds() -> None:
    """Proves: the bootstrap's p-values are honest. Sensitivity: with the table's p-values hardly any is below 0.1."""
    generator = np.random.default_rng(5)
    p = [exponential_goodness("M", "repairs", generator.exponential(30, 12), 99, i).p_value for i in range(300)]
    assert np.mean(np.array(p) <= 0.1) == pytest.approx(0.1, abs=0.05)
    assert anderson_darling(np.array([0.5])) == pytest.approx(-1 + 2 * np.log(2))


def test_repairs_of_no_length_are_measured() -> None:
    """Proves: a log in whole minutes has a finite statistic. Sensitivity: the logarithm of 0 min is infinite."""
    exponential = exponential_goodness("M", "repairs", np.array([0.0, 0.0, 3.0, 30.0, 50.0, 9.0, 12.0]), 99)
    assert np.isfinite([exponential.statistic, exponential.p_value]).all()


def test_failures_that_come_more_often_are_seen() -> None:
    """Proves: failures that bunch in the last working hours are no constant rate; even ones are.

    Sensitivity: clock time in place of working time would see the idle nights.
    """
    start, working = np.arange(10) * 1440.0, np.full(10, 600.0)
    even = start + 300
    assert failure_times("M", even, start, working).p_value > 0.5
    assert failure_times("M", 9 * 1440.0 + np.arange(10) * 30.0, start, working).p_value < 0.001


def test_energies_from_the_meter_alone() -> None:
    """Proves: without energies in the log the meter tells them, and the base load, each within 3 %.

    Sensitivity: phases left out, or breakdowns taken for work, leave a larger residual and other energies.
    """
    days = 40
    table = twin_log(plant(), listed(), range(days), seed=6)
    truth = checked(table, plant())
    minutes = np.arange(0, truth.until_min, 15.0)
    meter = _metered(truth, minutes)
    read_log = read(table.drop(columns="energy_mwh"))
    meter_fit = fit_meter(wrong(), read_log, observations(wrong(), read_log), meter, 0.95)
    assert meter_fit.base_mw == pytest.approx(3.0, rel=0.03)
    values = {(item.unit, item.grade): item for item in meter_fit.estimates}
    for unit, grade in (("EAF", "rebar"), ("EAF", "wire"), ("LF", "rebar"), ("LF", "wire")):
        item = values[unit, grade]
        assert item.value == pytest.approx(TRUE["energy", unit, grade], rel=0.03)
        assert item.low is not None
        assert item.high is not None
        assert item.low < TRUE["energy", unit, grade] < item.high
    assert meter_fit.explained > 0.98
    with pytest.raises(ValueError, match="intervals within the log"):
        fit_meter(wrong(), read_log, observations(wrong(), read_log), replace(meter, start_min=minutes - 9e6), 0.95)


def _metered(log: HeatLog, minutes: np.ndarray) -> Meter:
    """What a meter of the line and 3 MW base load shows: each heat's energy by its unit's phases, second by second."""
    edges = np.append(minutes, minutes[-1] + 15)
    cumulative = np.zeros(len(edges))
    for row in log.heats.to_dict("records"):
        unit = plant().line.unit[row["unit"]]
        stops = log.breakdowns[
            (log.breakdowns["unit"] == unit.name)
            & (log.breakdowns["start_min"] >= row["start_min"])
            & (log.breakdowns["end_min"] <= row["end_min"])
        ]
        worked = edges - row["start_min"]
        for stop in stops.to_dict("records"):
            worked = worked - np.clip(edges - stop["start_min"], 0, stop["end_min"] - stop["start_min"])
        down = float((stops["end_min"] - stops["start_min"]).sum())
        working = row["end_min"] - row["start_min"] - down
        shares = np.cumsum([0.0, *(phase.share for phase in unit.profile)])
        power = np.array([phase.share * phase.power_mw for phase in unit.profile])
        result = np.concatenate([[0.0], np.cumsum(power) / power.sum()])
        cumulative += row["energy_mwh"] * np.interp(worked / working, shares, result)
    origin = log.origin.timestamp() / 60
    return Meter("meter.csv", minutes + origin, np.diff(cumulative) * 4 + 3.0, 15.0)
