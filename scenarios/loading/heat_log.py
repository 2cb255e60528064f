"""Heat log of a plant: times, unit and energy of each heat at each stage, and breakdowns of units.

A log is a CSV or Parquet file with one row per heat and stage:

==================  ======  =============================================================================
column              unit
==================  ======  =============================================================================
heat, grade, unit           grade and unit as in the scenario; the name of a heat is free
start, end                  time with offset, or local time of the plant; empty end: still in progress
energy_mwh          MWh     electricity including reheating (optional)
mass_t              t       mass of the heat (optional; default: mass of the grade)
order                       cast or order of the heat (optional)
planned_start,              planned times, if the plant records them (optional); as casters follow the pace of the
planned_end                 plan, they show the highest possible speed
event                       ``breakdown`` in rows with unit, start and end of a breakdown; else empty (optional)
==================  ======  =============================================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from emberline.scenarios.case.case import Case
from emberline.scenarios.reading.table import Table, read_table
from emberline.scenarios.records.base import Problem, ScenarioError, repeated
from emberline.scenarios.records.horizon import MINUTE

REQUIRED = ("heat", "grade", "unit", "start", "end")
OPTIONAL = ("energy_mwh", "mass_t", "order", "planned_start", "planned_end", "event")
COLUMNS = REQUIRED + OPTIONAL
TIMES = ("start", "end", "planned_start", "planned_end")


@dataclass(frozen=True)
class HeatLog:
    """Validated content of a log. Times are minutes after ``origin``."""

    name: str
    origin: datetime
    """First start in the log, in UTC."""
    heats: pd.DataFrame
    """One row per heat and stage, sorted by start: heat, order, grade, stage (index), unit, start_min, end_min
    (missing: in progress), energy_mwh, mass_t, planned_start_min, planned_end_min (missing: not logged)."""
    breakdowns: pd.DataFrame
    """One row per breakdown, sorted by start: unit, start_min, end_min (missing: not yet repaired)."""
    tells_breakdowns: bool
    """Whether the log includes breakdowns."""
    until_min: float
    """Latest time in the log."""
    resolution_min: float
    """Resolution of the times [min]."""
    ignored: tuple[str, ...] = ()
    """Unknown columns, which are ignored."""

    def instant(self, minutes: float) -> datetime:
        """Return the instant ``minutes`` after the origin, in UTC."""
        return self.origin + timedelta(minutes=minutes)

    def part(self, first_min: float, last_min: float) -> HeatLog:
        """Return the part of the log that began within a span; operations that end after it count as in progress."""
        first = self.heats.groupby("heat")["start_min"].transform("min")
        cut: list[pd.DataFrame] = []
        for rows, start in ((self.heats, first), (self.breakdowns, self.breakdowns["start_min"])):
            part = rows[(start >= first_min) & (start < last_min) & (rows["start_min"] < last_min)].copy()
            part.loc[part["end_min"] > last_min, ["end_min", *({"energy_mwh"} & set(part.columns))]] = np.nan
            cut.append(part.reset_index(drop=True))
        return replace(self, heats=cut[0], breakdowns=cut[1], until_min=min(self.until_min, last_min))


def read(path: Path, scenario: Case) -> HeatLog:
    """Read a log and check it against the plant.

    Raises:
        ScenarioError: the log is invalid; lists up to 20 mistakes with file, line and column.
    """
    return checked(read_table(path, "a heat log"), scenario, path.name)


def checked(frame: pd.DataFrame, scenario: Case, name: str = "log") -> HeatLog:
    """Check a table with the columns of a log and return it as a log; see :func:`read`."""
    return _Reader(frame, scenario, name).read()


class _Reader:
    """Reader of a log that collects the mistakes found."""

    def __init__(self, frame: pd.DataFrame, scenario: Case, name: str) -> None:
        self.table = Table(frame, name, scenario.horizon.zone)
        self.frame, self.name, self.problems = self.table.frame, name, self.table.problems
        self.scenario = scenario

    def read(self) -> HeatLog:
        ignored = self._columns()
        if self.problems:
            raise ScenarioError(self.problems)
        self.text = text = {
            column: self.frame[column].astype(object).where(self.frame[column].notna(), "").astype(str).str.strip()
            for column in ("heat", "grade", "unit", "order", "event")
            if column in self.frame
        }
        blank = np.all([column.to_numpy() == "" for column in text.values()], axis=0)
        event = text["event"].str.lower().to_numpy() if "event" in text else np.full(len(blank), "")
        down = event == "breakdown"
        heats = ~down & ~blank
        self.table.each(
            np.isin(event, ["", "heat", "breakdown"]), "event", text.get("event"), "is breakdown, heat or empty"
        )
        units = list(self.scenario.line.unit)
        self.table.each(
            text["unit"].isin(units) | blank, "unit", text["unit"], f"unknown unit; units are {_few(units)}"
        )
        grades = list(self.scenario.line.grade)
        sentence = f"unknown grade; grades are {_few(grades)}"
        self.table.each(text["grade"].isin(grades) | ~heats, "grade", text["grade"], sentence)
        self.table.each((text["heat"] != "") | ~heats, "heat", None, "is required")
        self.times = times = {column: self.table.times(column, ~blank) for column in TIMES if column in self.frame}
        self.numbers = {
            column: self.table.numbers(column, ~blank) for column in ("energy_mwh", "mass_t") if column in self.frame
        }
        self.table.stop()
        start, end = times["start"], times["end"]
        self.table.each(~np.isnan(start) | blank, "start", None, "is required")
        backwards = "is not after the start"
        # a repair may be shorter than the resolution of the times
        self.table.each(~((end < start) | ((end == start) & ~down)) | blank, "end", self.frame["end"], backwards)
        if "planned_end" in times and "planned_start" in times:
            wrong = times["planned_end"] <= times["planned_start"]
            self.table.each(~wrong | blank, "planned_end", self.frame["planned_end"], backwards)
        self.table.stop()
        return self._log(heats, down, ignored)

    def _columns(self) -> tuple[str, ...]:
        names = list(self.frame.columns)
        for column in REQUIRED:
            if column not in names:
                text = f"has no column {column}; columns are {', '.join(REQUIRED)}, if there are: {', '.join(OPTIONAL)}"
                self.problems.append(Problem(self.name, "", text))
        ignored = [column for column in names if column not in COLUMNS]
        for column in ignored:
            close = get_close_matches(
                column.lower(), [candidate for candidate in COLUMNS if candidate not in names], 1, 0.8
            )
            if close:
                self.problems.append(Problem(f"{self.name}:1", column, f"unknown column; did you mean {close[0]}?"))
        twice = repeated(names)
        if twice:
            self.problems.append(Problem(f"{self.name}:1", ", ".join(twice), "column given twice"))
        return tuple(ignored)

    def _log(self, heats: np.ndarray, down: np.ndarray, ignored: tuple[str, ...]) -> HeatLog:
        """Build the log from the rows of heats and of breakdowns."""
        line, text, times = self.scenario.line, self.text, self.times
        missing = np.full(len(heats), np.nan)
        times_min = np.concatenate([times["start"][heats | down], times["end"][heats | down]])
        if not heats.any():
            raise ScenarioError([Problem(self.name, "", "has no heats")])
        origin = float(np.nanmin(times_min))
        stages = {unit.name: i for i, stage in enumerate(line.stages) for unit in stage.units}
        columns: dict[str, Any] = {
            "heat": text["heat"],
            "order": text.get("order", pd.Series([""] * len(heats))),
            "grade": text["grade"],
            "unit": text["unit"],
            "stage": text["unit"].map(stages).fillna(-1).astype(int),
            "row": np.arange(len(heats)),
            **{f"{name}_min": times.get(name, missing) - origin for name in TIMES},
            **{name: self.numbers.get(name, missing) for name in ("energy_mwh", "mass_t")},
        }
        table = pd.DataFrame({name: np.asarray(values) for name, values in columns.items()})
        rows = table[heats].sort_values(["start_min", "row"], kind="stable").reset_index(drop=True)
        self.problems += self._impossible(rows)
        self.table.stop()
        broken = table[down].sort_values("start_min", kind="stable")[["unit", "start_min", "end_min"]]
        return HeatLog(
            name=self.name,
            origin=datetime(1970, 1, 1, tzinfo=UTC) + origin * MINUTE,
            heats=rows.drop(columns="row"),
            breakdowns=broken.reset_index(drop=True),
            tells_breakdowns="event" in text,
            until_min=float(np.nanmax(times_min)) - origin,
            resolution_min=self.table.resolution_min,
            ignored=ignored,
        )

    def _impossible(self, rows: pd.DataFrame) -> Iterator[Problem]:
        """Find heats on unsuitable units, twice at a stage, with two grades, or at two stages at the same time."""
        line = self.scenario.line
        able: dict[tuple[str, str], bool] = {}
        last: dict[str, dict[Any, Any]] = {}
        visits: set[tuple[str, int]] = set()
        for item in rows.to_dict("records"):
            heat, grade, unit, stage = (item[name] for name in ("heat", "grade", "unit", "stage"))
            where = self.table.where(item["row"])
            if (grade, unit) not in able:
                able[grade, unit] = line.duration_min(line.grade[grade], unit) is not None
            if not able[grade, unit]:
                yield Problem(where, "unit", f"grade {grade} cannot run on {unit} in this scenario")
            if (heat, stage) in visits:
                yield Problem(where, "heat", f"heat {heat} is at stage {line.stages[stage].name} a second time")
            before = last.get(heat)
            if before is not None and before["grade"] != grade:
                yield Problem(where, "grade", f"heat {heat} is of grade {before['grade']} on another row")
            elif before is not None and (before["stage"] > stage or before["end_min"] > item["start_min"] + 1e-9):
                yield Problem(where, "start", f"heat {heat} is still on {before['unit']} then, or has been past it")
            visits.add((heat, stage))
            last[heat] = item


def _few(names: list[str]) -> str:
    return ", ".join(names[:12]) + (" …" if len(names) > 12 else "")
