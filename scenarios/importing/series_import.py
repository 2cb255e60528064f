"""Import of a file with its mapping as a series: regular intervals in UTC, in the unit of the scenario."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from emberline.scenarios.importing.mapping import Mapping
from emberline.scenarios.importing.reading import Raw
from emberline.scenarios.importing.roles import POWER, ROLES, WORDS, Role, energy, standard
from emberline.scenarios.importing.times import on_wall, utc_seconds
from emberline.scenarios.importing.times_of_day import DayColumns, day_columns, joined
from emberline.scenarios.reading.document import mapping_at
from emberline.scenarios.reading.editing import flow
from emberline.scenarios.reading.series import LARGEST
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.horizon import Horizon
from emberline.scenarios.records.series import Series

NUMBERS = {
    ".": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[ '\u202f]\d{3})+)?(?:\.\d*)?(?:[eE][+-]?\d{1,3})?"),
    ",": re.compile(r"[+-]?(?:\d+|\d{1,3}(?:[. '\u202f]\d{3})+)?(?:,\d*)?(?:[eE][+-]?\d{1,3})?"),
}
OF_ANOTHER = ("value", "table", "parquet", "signal", "time", "unit", "zone", "gaps", "scale", "forecast")
BLANK = {name: Series.model_fields[name].default for name in OF_ANOTHER}
"""Default values that reset the keys of an existing series, since an overlay is merged key by key."""


@dataclass(frozen=True)
class Imported:
    """Imported series with regular intervals. Arrays have shape (n,); missing intervals are omitted."""

    name: str
    """Name of the file."""
    mapping: Mapping
    seconds: np.ndarray = field(repr=False)
    """Start of each interval in seconds since 1970 UTC, increasing."""
    values: np.ndarray = field(repr=False)
    unit: str
    missing: int
    """Number of intervals without a value between the first and the last."""
    remarks: tuple[str, ...] = ()

    @property
    def role(self) -> Role:
        """Role of the series."""
        return ROLES[self.mapping.role]

    @property
    def span(self) -> tuple[datetime, datetime]:
        """Start of the first and end of the last interval in UTC."""
        last = int(self.seconds[-1]) + round(self.mapping.interval_min * 60)
        return datetime.fromtimestamp(int(self.seconds[0]), UTC), datetime.fromtimestamp(last, UTC)

    def covers(self, horizon: Horizon) -> bool:
        """Return whether the series covers a horizon."""
        first, last = self.span
        return first <= horizon.start_utc and horizon.end_utc <= last

    def csv(self) -> str:
        """Return the normalised file; all times, including those of meter records, are in UTC."""
        time = "time" if not self.role.path else "time_utc"
        stamps = np.datetime_as_string(self.seconds.astype("datetime64[s]"), unit="s")
        rows = (f"{stamp}Z,{value!r}\n" for stamp, value in zip(stamps.tolist(), self.values.tolist(), strict=True))
        return f"{time},{self.role.column}\n" + "".join(rows)

    def series(self, path: str) -> dict[str, Any]:
        """Return the series of a scenario that refers to the normalised file."""
        gaps = {} if self.mapping.gaps == "refuse" else {"gaps": self.mapping.gaps}
        unit = {"unit": self.unit} if self.unit else {}
        return {"csv": path, "column": self.role.column, **unit, "interval_min": self.mapping.interval_min, **gaps}

    def settings(self, path: str) -> dict[tuple[str | int, ...], Any]:
        """Return the values to set in a scenario, by path."""
        settings: dict[tuple[str | int, ...], Any] = {self.role.path: self.series(path)} if self.role.path else {}
        if self.mapping.role == "pv" and self.mapping.peak_mw:
            settings[("site", "pv", "peak_mw")] = self.mapping.peak_mw
        return settings

    def overlay(self, path: str) -> str:
        """Return an overlay that replaces all keys of the scenario's series by this one."""
        tree: dict[str, Any] = {}
        for keys, value in self.settings(path).items():
            if keys == self.role.path:
                value = BLANK | value
            mapping_at(tree, keys[:-1])[keys[-1]] = value
        return "".join(f"{key}: {flow(value)}\n" for key, value in tree.items())


def bring(raw: Raw, mapping: Mapping) -> Imported:
    """Import a series.

    Raises:
        ScenarioError: the file or the mapping is invalid; problems name file, line and column.
    """
    return _Bringer(raw, mapping).bring()


class _Bringer:
    """Import of a single file, with the problems found so far."""

    def __init__(self, raw: Raw, mapping: Mapping) -> None:
        self.raw, self.mapping, self.frame = raw, mapping, raw.frame
        self.rows = np.arange(len(raw.frame))
        """Selected rows of the file."""
        self.problems: list[Problem] = []
        self.remarks: list[str] = []

    def bring(self) -> Imported:
        self._columns()
        self._stop()
        self._filter()
        seconds, values = self._days() if self.mapping.through else self._plain()
        self._stop()
        role, width = ROLES[self.mapping.role], round(self.mapping.interval_min * 60)
        if self.mapping.stamps == "end":
            seconds = seconds - width
        try:
            factor, unit = standard(role, self.mapping.unit, self.mapping.interval_min, self.mapping.peak_mw)
        except ValueError as error:
            self._say("unit", str(error))
            self._stop()
        if self.mapping.counts == "register":
            seconds, values = self._differences(role, seconds, values, width)
        values = values * factor * self.mapping.scale
        self._range(role, values, unit)
        self._stop()
        mask = ~np.isnan(values)
        seconds, values, rows = seconds[mask], values[mask], self.rows[mask]
        if len(values) < 2:
            self._say(self.mapping.value, "has fewer than two values")
            self._stop()
        order = np.argsort(seconds, kind="stable")
        seconds, values, rows = seconds[order], values[order], rows[order]
        seconds, values, rows = self._once(seconds, values, rows)
        self._estimated(rows)
        missing = self._raster(seconds, rows, width)
        self._stop()
        return Imported(self.raw.name, self.mapping, seconds, values, unit, missing, tuple(self.remarks))

    def _differences(
        self, role: Role, seconds: np.ndarray, values: np.ndarray, width: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Compute energies from the readings of a register; NaN across a reset or a missing reading."""
        if role.unit != POWER or not energy(self.mapping.unit):
            self._say("counts", "a register counts energy, such as kWh or MWh: say its unit")
            self._stop()
        read = np.flatnonzero(~np.isnan(values))
        order = read[np.argsort(seconds[read], kind="stable")]
        self.rows = self.rows[order]
        seconds, values = seconds[order], values[order]
        steps = np.diff(values)
        # a counter with this number of digits rolls over to zero
        full = 10.0 ** np.ceil(np.log10(np.maximum(values[:-1], 1.0)))
        over = (steps < 0) & (values[:-1] > 0.9 * full) & (values[1:] < 0.1 * full)
        reset = (steps < 0) & ~over
        steps = np.where(over, steps + full, steps)
        for what, where in (("rolls over", over), ("is reset", reset)):
            if where.any():
                stamp = np.datetime64(int(seconds[1:][where][0]), "s")
                more = f", {int(where.sum())} times in all" if where.sum() > 1 else ""
                lost = "; its interval has no value" if what == "is reset" else ""
                self.remarks.append(f"the register {what} at {stamp}Z{more}{lost}")
        self.rows = self.rows[:-1]
        return seconds[:-1], np.where(reset | (np.diff(seconds) != width), np.nan, steps)

    def _columns(self) -> None:
        columns_of_file = list(self.frame.columns)
        names = [self.mapping.time, self.mapping.value, *self.mapping.where]
        for column in (*names, *filter(None, (self.mapping.through, self.mapping.clock))):
            if column not in columns_of_file:
                near = close_match(column, columns_of_file)
                if near is not None:
                    self._say(column[:60], f"there is no such column; did you mean {near[:40]!r}?")
                    continue
                few, more = ", ".join(name[:40] for name in columns_of_file[:12]), " …" * (len(columns_of_file) > 12)
                self._say(column[:60], f"there is no such column; columns are {few}{more}")

    def _filter(self) -> None:
        for column, cell in self.mapping.where.items():
            cells = self.frame[column].astype(str).str.strip()
            matching = (cells == cell).to_numpy()
            if not matching.any():
                there = list(dict.fromkeys(cells))
                near, names = close_match(cell, there), ", ".join(name[:40] for name in there[:8])
                text = f"did you mean {near[:40]!r}?" if near is not None else f"there are {names}"
                self._say(column, f"no row has {cell[:40]!r} here; {text}")
                self._stop()
            self.rows = self.rows[matching]
            self.frame = self.frame[matching].reset_index(drop=True)

    def _plain(self) -> tuple[np.ndarray, np.ndarray]:
        times, name = self.frame[self.mapping.time], self.mapping.time
        if self.mapping.clock is not None:
            times, name = joined(times, self.frame[self.mapping.clock]), f"{name}, {self.mapping.clock}"
        seconds = utc_seconds(times, self.mapping, self._refuser(name, times))
        return seconds, self._numbers(self.mapping.value)

    def _days(self) -> tuple[np.ndarray, np.ndarray]:
        """Read a file with one row per day and one column per interval of local time."""
        columns = list(self.frame.columns)
        first, last = columns.index(self.mapping.value), columns.index(self.mapping.through or "")
        times, width = self.frame[self.mapping.time], round(self.mapping.interval_min * 60)
        days = utc_seconds(times, self.mapping, self._refuser(self.mapping.time, times), local=True)
        names = columns[first : last + 1]
        day = day_columns(names) or DayColumns(tuple(names), tuple(range(len(names))), {}, width / 60, False)
        if not names or day.interval_min * 60 != width or (day.places[-1] + 1) * width != 86_400:
            text = f"{len(names)} columns of {self.mapping.interval_min:g} min make no day"
            self._say(f"{self.mapping.value} to {self.mapping.through}", text)
        self._stop()
        values, second = (np.full((len(days), day.count), np.nan) for _ in range(2))
        for place, name in zip(day.places, day.names, strict=True):
            values[:, place] = self._numbers(name)
        for place, name in day.twice.items():
            second[:, place] = self._numbers(name)
        wall = (days[:, None] + np.arange(day.count) * width).ravel()
        self.rows = np.repeat(self.rows, day.count)
        if self.mapping.tz is None:
            self._say(self.mapping.time, "days have no offset; say their zone, such as UTC or Europe/Berlin")
            return wall, values.ravel()
        return self._unfolded(wall, values.ravel(), second.ravel(), bool(day.twice))

    def _unfolded(
        self, wall: np.ndarray, values: np.ndarray, second: np.ndarray, certain: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Convert rows by day to UTC. The hour skipped in spring must be empty. The hour repeated in autumn is given
        once and used twice, or has separate columns, which must be empty on other days."""
        assert self.mapping.tz is not None
        early, late, exists = on_wall(wall, self.mapping.tz)
        refuse = self._refuser(self.mapping.value, None)
        refuse(
            exists | np.isnan(values) | (values == 0), "the day has a value for an hour that the change of clocks skips"
        )
        twice = exists & (early != late)
        refuse(twice | np.isnan(second) | (second == 0), "the day has a second value for an hour that it has once")
        if twice.any() and not certain:
            at = np.datetime64(int(wall[twice][0]), "s")
            self.remarks.append(f"the hour that the clocks have twice is given once and stands for both ({at})")
        self.rows = np.concatenate([self.rows[exists], self.rows[twice]])
        return np.concatenate([early[exists], late[twice]]), np.concatenate(
            [values[exists], (second if certain else values)[twice]]
        )

    def _numbers(self, column: str) -> np.ndarray:
        raw = self.frame[column]
        if pd.api.types.is_numeric_dtype(raw):
            values = raw.to_numpy(float, na_value=np.nan)
        else:
            text = raw.astype(object).where(raw.notna(), "").astype(str).str.strip()
            missing = text.str.lower().isin([*WORDS["missing"], *(word.lower() for word in self.mapping.missing)])
            good = text.str.fullmatch(NUMBERS[self.mapping.decimal]) & text.str.contains(r"\d")
            infinite = text.str.lower().str.fullmatch(r"[+-]?inf(?:inity)?")
            refuse = self._refuser(column, raw)
            refuse(~infinite.to_numpy(), "is infinite")
            message = f"is not a number with decimal {'point' if self.mapping.decimal == '.' else 'comma'} and no unit"
            refuse((good | missing | infinite).to_numpy(), message)
            bare = text.where(good, "nan").str.replace(r"[ '\u202f]", "", regex=True)
            if self.mapping.decimal == ",":
                bare = bare.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
            values = pd.to_numeric(bare, errors="coerce").to_numpy(float)
        self._refuser(column, raw)(~np.isinf(values), "is infinite")
        return values

    def _range(self, role: Role, values: np.ndarray, unit: str) -> None:
        refuse = self._refuser(self.mapping.value, None)
        mask = ~np.isnan(values)
        refuse(~mask | (np.abs(values) <= LARGEST), f"is beyond {LARGEST:g} {unit}; is the unit right?")
        if role.minimum is not None:
            refuse(~mask | (values >= role.minimum), "is negative; if the meter counts the other way say scale -1")

    def _once(
        self, seconds: np.ndarray, values: np.ndarray, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Merge values with equal times as requested by ``duplicates``, in the order of the file."""
        how = self.mapping.duplicates
        _, first, counts = np.unique(seconds, return_index=True, return_counts=True)
        if how == "refuse" or len(first) == len(seconds):
            return seconds, values, rows
        places = first + (counts - 1 if how == "last" else 0)
        merged = np.add.reduceat(values, first) / counts if how == "mean" else values[places]
        many = int((counts > 1).sum())
        subject = f"{many} times are" if many > 1 else "a time is"
        self.remarks.append(f"{subject} there more than once; taken is the {how} of the values")
        return seconds[places], merged, rows[places]

    def _estimated(self, rows: np.ndarray) -> None:
        """Add a remark on the number of values flagged as estimated."""
        for column in self.raw.frame.columns:
            if re.search(r"estimat|geschätzt|ersatzwert|substitut|interpolated", column.lower()):
                flags = self.raw.frame[column].iloc[rows].astype(str).str.strip().str.lower()
                marked = int(flags.isin(("1", "1.0", "true", "yes", "y", "x", "e", "estimated", "ja")).sum())
                if marked:
                    self.remarks.append(f"{marked} of {len(rows)} values are marked as estimated, in {column[:40]!r}")

    def _raster(self, seconds: np.ndarray, rows: np.ndarray, width: int) -> int:
        """Count the missing intervals, and check that times are unique and on a regular grid."""
        steps = np.diff(seconds)
        twice = np.flatnonzero(steps == 0)
        if len(twice):
            at = int(twice[0])
            stamp, more = np.datetime64(int(seconds[at]), "s"), f" ({len(twice)} like this)" if len(twice) > 1 else ""
            there = f"{stamp}Z is there twice, in {self.raw.where(int(rows[at]))} too{more}"
            text = f"{there}; say duplicates: first, last or mean"
            self.problems.append(Problem(self.raw.where(int(rows[at + 1])), self.mapping.time, text))
            return 0
        off = np.flatnonzero((seconds - seconds[0]) % width != 0)
        if len(off):
            usual = float(np.median(steps)) / 60
            text = f"lies off the raster of {self.mapping.interval_min:g} min; most are {usual:g} min apart"
            self.problems.append(Problem(self.raw.where(int(rows[off[0]])), self.mapping.time, text))
            return 0
        missing = int((seconds[-1] - seconds[0]) // width) + 1 - len(seconds)
        if missing > len(seconds) and ROLES[self.mapping.role].path:
            text = (
                f"only {len(seconds)} of {missing + len(seconds)} intervals of {self.mapping.interval_min:g} min have "
                "a value, more than half would be made up: are times, interval and rows to take right?"
            )
            self.problems.append(Problem(self.raw.name, self.mapping.value, text))
        elif missing and self.mapping.gaps == "refuse" and ROLES[self.mapping.role].path:
            at = int(np.flatnonzero(steps > width)[0])
            stamp = np.datetime64(int(seconds[at]) + width, "s")
            many = f"{missing} values are missing, the first at" if missing > 1 else "a value is missing, at"
            text = f"{many} {stamp}Z; say gaps: hold, interpolate or zero"
            self.problems.append(Problem(self.raw.where(int(rows[at])), self.mapping.value, text))
        return missing

    def _refuser(self, column: str, values: Any) -> Any:
        def refuse(good: np.ndarray, text: str) -> None:
            wrong = np.flatnonzero(~np.asarray(good, dtype=bool))
            if not len(wrong):
                return
            row = int(wrong[0])
            cell = "" if values is None else str(values.iloc[row])[:40]
            message = f"{cell!r} {text}" if cell else text
            more = f" ({len(wrong)} rows like this)" if len(wrong) > 1 else ""
            self.problems.append(Problem(self.raw.where(int(self.rows[row])), column[:60], message + more))

        return refuse

    def _say(self, column: str, text: str) -> None:
        self.problems.append(Problem(self.raw.name, column, text))

    def _stop(self) -> None:
        if self.problems:
            raise ScenarioError(dict.fromkeys(self.problems))


def close_match(word: str, names: list[str]) -> str | None:
    """Return the most similar name, if any is close."""
    folded = {name.casefold(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.casefold(), folded, 1, 0.8)
    return folded[near[0]] if near else None
