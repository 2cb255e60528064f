"""Calibration: durations, energies, breakdowns and repairs of a scenario from the plant's own log.

Every unit is fitted separately (``fitting``), on the whole log. The reliability of the result is shown by the goodness
of fit, by a simulation of the last part of the log after a fit to the first (``holdout``), and by control charts of the
residuals (``drift``). With few observations, the scenario's values are kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.scenarios import Case, Problem, Scenario, ScenarioError
from emberline.scenarios.loading.heat_log import HeatLog
from emberline.scenarios.loading.meter import Meter
from emberline.scenarios.plain import plain
from emberline.studies.calibration.drift import Chart, charts
from emberline.studies.calibration.fitting import FEWEST, Estimate, UnitFit, fit_unit
from emberline.studies.calibration.goodness import DRAWS, Goodness, exponential_goodness, failure_times, goodness
from emberline.studies.calibration.holdout import REPLICATIONS, HoldOut, hold_out
from emberline.studies.calibration.likelihood import AT_LEAST, Fit
from emberline.studies.calibration.metering import MeterFit, fit_meter
from emberline.studies.calibration.observations import observations
from emberline.studies.calibration.overlay import overlay, text

HELD_OUT = 0.3
"""Share of the log's time that is held out for the check."""
CONFIDENCE = 0.95
POOR_FIT = 0.01
"""P-value below which a law is reported as a poor fit."""
COMPARED_DRAWS = 4000


@dataclass(frozen=True)
class Comparison:
    """Durations of one grade on one unit in the log and in the fitted law [min]."""

    unit: str
    grade: str
    n: int
    log_mean: float
    log_low: float
    """10 % quantile of the log."""
    log_high: float
    """90 % quantile of the log."""
    fit_mean: float
    fit_low: float
    fit_high: float


@dataclass(frozen=True)
class Calibration:
    """Calibration of a scenario from a log."""

    scenario: Case
    log: HeatLog
    confidence: float
    units: tuple[UnitFit, ...]
    estimates: tuple[Estimate, ...]
    """All figures, fitted or not."""
    comparisons: tuple[Comparison, ...]
    goodness: tuple[Goodness, ...]
    hold_out: HoldOut | None
    charts: tuple[Chart, ...]
    meter: MeterFit | None
    remarks: tuple[str, ...]

    @property
    def overlay(self) -> dict[str, Any]:
        """Overlay for the scenario, as plain data."""
        over = overlay(self.scenario, self.units, self.estimates)
        if self.meter is not None and self.scenario.site.base_load_mw.value is not None:
            over["site"] = {"base_load_mw": float(f"{self.meter.base_mw:.5g}")}
        return over

    @property
    def thin(self) -> tuple[Estimate, ...]:
        """Figures that keep the scenario's values, with reasons."""
        return tuple(item for item in self.estimates if not item.fitted)

    def yaml(self) -> str:
        """Return the overlay as the text of a file."""
        first, last = (self.log.instant(at).astimezone(self.scenario.horizon.tz) for at in (0.0, self.log.until_min))
        heats = self.log.heats["heat"].nunique()
        return text(
            self.overlay,
            [
                f"Scenario {self.scenario.name}, fitted to {self.log.name}: {heats} heats from "
                f"{first.isoformat(timespec='minutes')} to {last.isoformat(timespec='minutes')}.",
                *([] if self.hold_out is None else [_verdict(self.hold_out)]),
                *self.remarks,
            ],
        )

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON; ``charts`` and ``comparisons`` contain the data of the page's charts."""
        names = ("confidence", "estimates", "comparisons", "goodness", "hold_out", "meter", "remarks", "overlay")
        return {
            "scenario": self.scenario.name,
            "log": self.log.name,
            "heats": int(self.log.heats["heat"].nunique()),
            "rows": len(self.log.heats),
            "breakdowns": len(self.log.breakdowns),
            "laws": {
                fit.unit: _laws(fit.durations, fit.alternative) for fit in self.units if fit.durations is not None
            },
            "charts": [chart.as_dict(self.log) for chart in self.charts],
            **{name: plain(getattr(self, name)) for name in names},
        }


def _laws(law: Fit, other: Fit | None) -> dict[str, Any]:
    others = (None, None) if other is None else (other.family.name, other.aic)
    return {"law": law.family.name, "aic": law.aic, "other": others[0], "other_aic": others[1]}


def fit_units(scenario: Case, log: HeatLog, confidence: float = CONFIDENCE) -> tuple[UnitFit, ...]:
    """Fit every unit of the line, without any checks."""
    rows = observations(scenario, log)
    return tuple(fit_unit(scenario, log, rows, unit.name, confidence) for unit in scenario.line.units)


def calibrate(
    scenario: Case,
    log: HeatLog,
    meter: Meter | None = None,
    *,
    confidence: float = CONFIDENCE,
    draws: int = DRAWS,
    replications: int = REPLICATIONS,
    seed: int = 1,
    on_progress: Callable[[str], None] = lambda phase: None,
) -> Calibration:
    """Fit a scenario to a log and check the fit.

    Args:
        scenario: prior scenario of a plant with a line.
        log: log of its heats.
        meter: power over time, from which energies are fitted if the log has none.
        confidence: confidence level of the intervals.
        draws: bootstrap samples of the goodness of fit.
        replications: replications of the twin in the hold-out check.
        seed: random seed.
        on_progress: called with the name of each phase.

    Raises:
        ScenarioError: the log has too few observations for any duration, or does not overlap with the meter.
    """
    on_progress("fitting")
    units = fit_units(scenario, log, confidence)
    if not any(fit.durations is not None for fit in units):
        raise ScenarioError([Problem(log.name, "", _too_thin(log, units))])
    estimates = [item for fit in units for item in fit.estimates]
    metered, remarks = None, list(_remarks(scenario, log, units))
    if meter is not None:
        if any(fit.energies is not None for fit in units):
            remarks.append("the log contains energies, so the meter was not used")
        else:
            on_progress("meter")
            try:
                metered = fit_meter(scenario, log, observations(scenario, log), meter, confidence, seed)
            except ValueError as error:
                raise ScenarioError([Problem(meter.name, "", str(error))]) from None
            by_key = {(item.kind, item.unit, item.grade): item for item in metered.estimates}
            estimates = [by_key.get((item.kind, item.unit, item.grade), item) for item in estimates]
            remarks += _behind_the_meter(scenario)
    on_progress("goodness of fit")
    fits_well = [one for fit in units for one in goodness(fit, draws, seed)]
    fits_well += _of_breakdowns(log, units, draws, seed)
    on_progress("hold-out")
    from_min = (1 - HELD_OUT) * log.until_min
    reference = fit_units(scenario, log.part(-np.inf, from_min), confidence)
    check = None
    if replications:
        if any(fit.durations is not None for fit in reference):
            check = hold_out(scenario, log, reference, from_min, replications=replications, seed=seed)
        else:
            check = HoldOut(from_min, 0, (), False, "the first part of the log has too few observations for a fit")
    on_progress("drift")
    drift_charts = [
        chart for before, whole in zip(reference, units, strict=True) for chart in charts(before, whole, seed)
    ]
    return Calibration(
        scenario=scenario,
        log=log,
        confidence=confidence,
        units=units,
        estimates=tuple(estimates),
        comparisons=tuple(comparison for fit in units for comparison in _comparisons(fit, seed)),
        goodness=tuple(fits_well),
        hold_out=check,
        charts=tuple(drift_charts),
        meter=metered,
        remarks=tuple(remarks),
    )


def _too_thin(log: HeatLog, units: tuple[UnitFit, ...]) -> str:
    failed = next((item.reason for fit in units for item in fit.estimates if item.n >= FEWEST and item.reason), "")
    heats = log.heats["heat"].nunique()
    sentence = (
        f"{heats} heat{'s' if heats != 1 else ''} are too few: at least {FEWEST} of one grade on one unit are needed"
    )
    return f"no unit can be fitted: {failed}" if failed else sentence


def _remarks(scenario: Scenario, log: HeatLog, units: tuple[UnitFit, ...]) -> list[str]:
    remarks = []
    if log.ignored:
        remarks.append(f"ignored columns: {', '.join(log.ignored)}")
    tied = [fit.unit for fit in units if fit.tied]
    if tied:
        remarks.append(
            f"{', '.join(tied)}: neither log nor scenario gives the spread of energies; that of durations is assumed"
        )
    weighed = log.heats[log.heats["mass_t"].notna()]
    for grade in scenario.line.grades:
        masses = weighed[weighed["grade"] == grade.name].drop_duplicates("heat")["mass_t"]
        if len(masses) and abs(masses.mean() / grade.mass_t - 1) > 0.01:
            mean = f"its heats weigh {masses.mean():.1f} t on average"
            remarks.append(f"grade {grade.name}: {mean}; mass_t stays {grade.mass_t:g} t")
    return remarks


def _behind_the_meter(scenario: Scenario) -> list[str]:
    site = scenario.site
    other = [name for name, asset in (("PV", site.pv), ("the battery", site.battery)) if asset is not None]
    other += [asset.name for asset in site.assets]
    remarks = []
    if other:
        remarks.append(f"the meter is assumed to measure only the line and its base load, not {', '.join(other)}")
    if site.base_load_mw.value is None:
        remarks.append("site.base_load_mw is a series and is kept; the fitted base load is its constant part")
    return remarks


def _of_breakdowns(log: HeatLog, units: tuple[UnitFit, ...], draws: int, seed: int) -> list[Goodness]:
    rows = []
    for fit in units:
        fitted = {item.kind for item in fit.estimates if item.fitted}
        stops = log.breakdowns[(log.breakdowns["unit"] == fit.unit)]
        if "mttr" in fitted:
            repairs = (stops["end_min"] - stops["start_min"]).dropna().to_numpy()
            rows.append(exponential_goodness(fit.unit, "repairs", repairs, draws, seed))
        if "mtbf" in fitted:
            start, working = fit.rows["start_min"].to_numpy(), fit.rows["working_min"].to_numpy()
            rows.append(failure_times(fit.unit, stops["start_min"].to_numpy(), start, working))
    return rows


def _comparisons(fit: UnitFit, seed: int) -> list[Comparison]:
    comparisons: list[Comparison] = []
    if fit.durations is None or fit.sample is None:
        return comparisons
    generator = np.random.default_rng(seed)
    sample = fit.sample
    for g, grade in enumerate(fit.grades):
        mask = (sample.group == g) & (sample.censoring != AT_LEAST)
        logged = np.exp(sample.y[mask])
        floor = np.resize(sample.floor[mask], max(COMPARED_DRAWS // len(logged), 1) * len(logged))
        y = fit.durations.place[g] + fit.durations.family.draw(generator, len(floor), fit.durations.shape)
        durations = np.exp(np.maximum(y, floor))
        rows = ((float(part.mean()), *np.quantile(part, [0.1, 0.9]).tolist()) for part in (logged, durations))
        comparisons.append(Comparison(fit.unit, grade, len(logged), *next(rows), *next(rows)))
    return comparisons


def _verdict(check: HoldOut) -> str:
    if check.passed is None:
        return f"Not checked against heats that it was not fitted to: {check.reason}."
    sentence = "reproduces" if check.passed else "does not reproduce"
    return (
        f"Fitted to the first {1 - HELD_OUT:.0%} of the log, the twin {sentence} the {check.heats} heats of the rest."
    )
