"""Losses of a report period by cause, from the plant's heat log and its meter.

For each day the twin's physics say what the heats that were made had to take, when and where they were made: the
energy of their grades on their units, idle units in the gaps between them, and reheating after their waits. What the
meter shows beyond that in the baseline period is the base load, by the hour. What the twin does not explain is drift,
or a fault where a single period stands out::

    actual − expected = mix + idling + waiting + drift + fault

    mix      twin's energy of the operations, less the reference's per tonne
    idling   twin's energy between works, less the reference's per period
    waiting  twin's energy of reheating after waits, less the reference's per tonne
    fault    of a period whose unexplained share lies far from the median of its neighbours
    drift    all else that is unexplained
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd

from emberline.scenarios import Case, Scenario
from emberline.scenarios.energy_states.record import idle_pieces
from emberline.scenarios.loading.heat_log import HeatLog
from emberline.scenarios.loading.meter import Meter
from emberline.studies.calibration.observations import observations

NEIGHBOURS = 7
"""Periods whose median says what is usual."""
OUTLIER_SD = 5.0
"""Robust standard deviations from that median that make a fault."""
MAD_TO_SD = 1.4826
CAUSES = ("mix", "idling", "waiting", "drift", "fault")


@dataclass(frozen=True)
class TwinUse:
    """Energy use of a period according to the twin [MWh]."""

    tonnes: float
    works_mwh: float
    """Operations, reheating left out."""
    idling_mwh: float
    waiting_mwh: float

    @property
    def total_mwh(self) -> float:
        """All of it."""
        return self.works_mwh + self.idling_mwh + self.waiting_mwh


@dataclass(frozen=True)
class Split:
    """A deviation by cause [MWh]."""

    expected_mwh: float
    actual_mwh: float
    by_cause: dict[str, float]
    by_period: dict[str, np.ndarray]
    """The same by period, shape (n_periods,) each."""

    @property
    def deviation_mwh(self) -> float:
        """Actual less expected; the causes add up to it."""
        return self.actual_mwh - self.expected_mwh


def split(actual_mwh: Sequence[float], use: Sequence[TwinUse], reference: Sequence[TwinUse]) -> Split:
    """Split the deviation of report periods by cause.

    Args:
        actual_mwh: energy used in each report period.
        use: what the twin says of the same periods.
        reference: what the twin says of the baseline's periods, of the same length.

    Raises:
        ValueError: numbers of periods differ, or the reference made nothing.
    """
    if len(actual_mwh) != len(use):
        raise ValueError(f"{len(actual_mwh)} periods of energy, {len(use)} of the twin")
    reference_t = sum(part.tonnes for part in reference)
    if not reference_t > 0:
        raise ValueError("the reference periods made nothing")
    works_rate = sum(part.works_mwh for part in reference) / reference_t
    waiting_rate = sum(part.waiting_mwh for part in reference) / reference_t
    idling = sum(part.idling_mwh for part in reference) / len(reference)
    tonnes = np.array([part.tonnes for part in use])
    unexplained = np.array(actual_mwh) - np.array([part.total_mwh for part in use])
    fault = _faults(unexplained, np.array([part.total_mwh for part in use]))
    by_period = {
        "mix": np.array([part.works_mwh for part in use]) - works_rate * tonnes,
        "idling": np.array([part.idling_mwh for part in use]) - idling,
        "waiting": np.array([part.waiting_mwh for part in use]) - waiting_rate * tonnes,
        "drift": unexplained - fault,
        "fault": fault,
    }
    expected = float(((works_rate + waiting_rate) * tonnes + idling).sum())
    by_cause = {cause: float(values.sum()) for cause, values in by_period.items()}
    return Split(expected, float(np.sum(actual_mwh)), by_cause, by_period)


def _faults(unexplained: np.ndarray, total: np.ndarray) -> np.ndarray:
    """The part of single periods that stand out from their neighbours [MWh], shape (n_periods,)."""
    ratio = np.divide(unexplained, total, out=np.zeros_like(unexplained), where=total > 0)
    n, half = len(ratio), NEIGHBOURS // 2
    usual = np.array([np.median(ratio[max(0, i - half) : i + half + 1]) for i in range(n)])
    away = ratio - usual
    spread = MAD_TO_SD * float(np.median(np.abs(away - np.median(away)))) if n else 0.0
    stands_out = np.abs(away) > max(OUTLIER_SD * spread, 1e-9)
    return np.where(stands_out & (n >= NEIGHBOURS), away * total, 0.0)


COVERED = 0.95
"""Share of a day that must be metered; other days are left out."""
ROUNDING = 1e-9
"""Share of the energy below which a cause is none."""
FEWEST_DAYS = 7
"""Of a period: fewer say nothing of what is usual."""


@dataclass(frozen=True)
class Losses:
    """Deviation of a report period by cause."""

    split: Split
    days: tuple[date, ...]
    """Of the report period."""
    base_mw: float
    """Metered power beyond the heats in the baseline period [MW]."""
    without_meter: int
    """Days of both periods that were left out."""
    without_wait: int
    """Heats whose waits the log does not tell; they count as none."""

    @property
    def table(self) -> pd.DataFrame:
        """Losses by cause, the largest first (``significant_uses``); empty where no cause took more."""
        least = ROUNDING * abs(self.split.actual_mwh)
        more = {cause: mwh for cause, mwh in self.split.by_cause.items() if mwh > least}
        return significant_uses(pd.DataFrame([more]), list(more)) if more else pd.DataFrame()

    @property
    def rows(self) -> list[tuple[str, float, float]]:
        """Cause, energy [MWh] and share of the deviation, the largest first."""
        whole = self.split.deviation_mwh
        causes = sorted(self.split.by_cause.items(), key=lambda pair: -pair[1])
        return [(cause, mwh, mwh / whole if whole else 0.0) for cause, mwh in causes]

    @property
    def faults(self) -> dict[date, float]:
        """Days that stand out, and what they took more or less than their neighbours [MWh]."""
        pairs = zip(self.days, self.split.by_period["fault"].tolist(), strict=True)
        return {day: mwh for day, mwh in pairs if mwh}


def losses(
    scenario: Case, log: HeatLog, meter: Meter, baseline: tuple[date, date], report: tuple[date, date]
) -> Losses:
    """Split what a report period took more than a baseline period.

    Args:
        scenario: the plant, with its line; times of days are those of its zone.
        log: heats of both periods.
        meter: of the line and its base load.
        baseline: first and last day.
        report: the same.

    Raises:
        ValueError: a period has too few days that are metered, or no heats.
    """
    parts, without_meter = [], 0
    for name, (first, last) in (("baseline", baseline), ("report", report)):
        edges = _midnights(scenario, log, first, last)
        days = tuple(first + timedelta(days=i) for i in range(len(edges) - 1))
        metered = _metered(meter.after(log.origin), meter, edges)
        covered = np.flatnonzero(~np.isnan(metered))
        if len(covered) < FEWEST_DAYS:
            raise ValueError(
                f"{meter.name} covers {len(covered)} days of the {name} period; at least {FEWEST_DAYS} are needed"
            )
        uses = _uses(scenario, log, edges)
        use = [uses[i] for i in covered.tolist()]
        if not sum(day.tonnes for day in use) > 0:
            raise ValueError(f"{log.name} has no heats in the {name} period, {first} to {last}")
        without_meter += len(days) - len(covered)
        parts.append(([days[i] for i in covered.tolist()], np.diff(edges)[covered] / 60, metered[covered], use))
    (_, hours, mwh, reference), (covered_days, report_hours, report_mwh, use) = parts
    base_mw = float((mwh.sum() - sum(day.total_mwh for day in reference)) / hours.sum())
    actual = report_mwh - base_mw * report_hours
    rows = observations(scenario, log)
    without_wait = int(rows.loc[rows["reheat_mwh"].isna(), "heat"].nunique())
    causes = split(actual.tolist(), use, reference)
    return Losses(causes, tuple(covered_days), base_mw, without_meter, without_wait)


def _midnights(scenario: Scenario, log: HeatLog, first: date, last: date) -> np.ndarray:
    """Begin of each day and end of the last one, minutes after the log's origin, by the plant's clock."""
    days = [first + timedelta(days=i) for i in range((last - first).days + 2)]
    instants = [datetime(day.year, day.month, day.day, tzinfo=scenario.horizon.tz) for day in days]
    return np.array([(at - log.origin).total_seconds() / 60 for at in instants])


def _metered(start_min: np.ndarray, meter: Meter, edges: np.ndarray) -> np.ndarray:
    """Energy of each day [MWh]; NaN where too little of it is metered."""
    end_min = start_min + meter.interval_min
    minutes = _shared(start_min, end_min, np.ones(len(start_min)), edges)
    energy = _shared(start_min, end_min, meter.power_mw / 60, edges)
    whole = np.diff(edges)
    return np.where(minutes >= COVERED * whole, energy / np.maximum(minutes, 1e-9) * whole, np.nan)


def _shared(start: np.ndarray, end: np.ndarray, rate: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Integral over each day of rates that hold from start to end, shape (n_days,)."""

    # up to a moment, each span counts as far as it has come
    def until(at: float) -> float:
        return float((rate * np.clip(at - start, 0.0, end - start)).sum())

    return np.diff([until(float(edge)) for edge in edges])


def _uses(scenario: Case, log: HeatLog, edges: np.ndarray) -> list[TwinUse]:
    """Energy use of each day according to the twin."""
    rows = observations(scenario, log)
    rows = rows[rows["end_min"].notna()]
    grades = {grade.name: grade for grade in scenario.line.grades}
    start, end = rows["start_min"].to_numpy(), rows["end_min"].to_numpy()
    minutes = np.maximum(end - start, 1e-9)
    mass = rows["mass_t"].fillna(rows["grade"].map({name: grade.mass_t for name, grade in grades.items()})).to_numpy()
    nominal = [
        scenario.line.energy_mwh(grades[grade], unit) * tonnes / grades[grade].mass_t
        for grade, unit, tonnes in zip(rows["grade"], rows["unit"], mass, strict=True)
    ]
    waiting = rows["reheat_mwh"].fillna(0.0).to_numpy()
    final = (~rows.duplicated("heat", keep="last")).to_numpy()
    tonnes_by_day, works, waits = (
        _shared(start, end, amount / minutes, edges) for amount in (np.where(final, mass, 0.0), nominal, waiting)
    )
    idling = np.zeros(len(edges) - 1)
    begin = min(float(edges[0]), 0.0)
    for unit in scenario.line.units:
        if unit.states is None:
            continue
        mine = (rows["unit"] == unit.name).to_numpy()
        spans = list(zip((start[mine] - begin).tolist(), (end[mine] - begin).tolist(), strict=True))
        pieces = np.array(idle_pieces(unit.states, spans, max(log.until_min, float(edges[-1])) - begin)).reshape(-1, 3)
        idling += _shared(pieces[:, 0] + begin, pieces[:, 1] + begin, pieces[:, 2] / 60, edges)
    return [TwinUse(*map(float, day)) for day in zip(tonnes_by_day, works, idling, waits, strict=True)]


SIGNIFICANT_SHARE = 0.8
"""Uses are significant, from the largest on, until they make up this share."""


def significant_uses(rows: pd.DataFrame, uses: Sequence[str]) -> pd.DataFrame:
    """Uses by size, with ``energy``, ``share``, ``cumulated`` share and whether each is ``significant``.

    Args:
        rows: energy of each use by period, in one unit.
        uses: their columns.

    Raises:
        ValueError: a use is negative or missing, or nothing is used.
    """
    part = rows[list(uses)]
    if part.isna().any(axis=None):
        raise ValueError(f"values of {part.columns[part.isna().any()][0]} are missing")
    energy = part.sum().sort_values(ascending=False, kind="stable")
    if (energy < 0).any() or not energy.sum() > 0:
        raise ValueError("energy uses must not be negative, and not all zero")
    share = energy / energy.sum()
    before = share.cumsum() - share
    significant = before < SIGNIFICANT_SHARE - 1e-12
    table = {"energy": energy, "share": share, "cumulated": share.cumsum(), "significant": significant}
    return pd.DataFrame({name: np.asarray(values) for name, values in table.items()}, index=energy.index)
