"""History in the form that plans and reports need: mean values by interval, daily energies and a heat log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from emberline.live.history.history import History, of_plant
from emberline.live.tags import Plant, Quality, Tag
from emberline.scenarios import Problem, ScenarioError
from emberline.scenarios.loading.heat_log import COLUMNS, OPTIONAL
from emberline.scenarios.loading.meter import Meter

COVERED = 0.95
"""Smallest measured share of an interval. The mean of the measured part then represents the whole interval; an interval
with a smaller share has no value."""
FIRST = datetime(1970, 1, 2, tzinfo=UTC)
TONNES = "tonnes"
"""Column with the mass of the finished heats."""


@dataclass(frozen=True)
class Span:
    """Period in which a tag showed the same text, in seconds since 1970. An unknown start or end is nan."""

    text: str
    start: float
    end: float
    under_way: bool = False
    """Whether the period continues at the end of the history."""


@dataclass(frozen=True)
class Heats:
    """Heats and breakdowns as the table of a heat log, with counts of the operations left out."""

    table: pd.DataFrame
    uncertain: int
    """Number of operations left out because no message arrived near their start or end."""
    unknown: int
    """Number of operations left out because the scenario no longer contains their heats."""


@dataclass(frozen=True)
class Measured:
    """Measurements of a plant. A value holds until the next one, but no longer than the tag's longest age."""

    plant: Plant
    history: History
    begin: datetime
    end: datetime

    @classmethod
    def of(cls, plant: Plant, begin: datetime | None = None, end: datetime | None = None) -> Measured:
        """Measurements of a plant, by default all measurements until now."""
        history, until = of_plant(plant), end or plant.now()
        if begin is None:
            first = pc.min(history.table(FIRST, until)["time_utc"]).as_py()
            begin = min(first or until, until)
        return cls(plant, history, begin, until)

    @classmethod
    def of_days(cls, plant: Plant, first: date, last: date) -> Measured:
        """Measurements of a plant from the first to the last day, by the plant's clock."""
        zone, after = plant.scenario.horizon.tz, last + timedelta(days=1)
        begin, end = (datetime(day.year, day.month, day.day, tzinfo=zone) for day in (first, after))
        return cls(plant, of_plant(plant), begin, end)

    @property
    def name(self) -> str:
        """Name of the history in messages."""
        return f"history of {self.plant.name}"

    def means(self, tag: Tag, edges: np.ndarray) -> np.ndarray:
        """Mean of a tag's values in each interval, in Emberline's unit; nan where too little was measured.

        Args:
            tag: tag of a power, level or price.
            edges: edges of the intervals [s since 1970], shape (n + 1,).

        Returns:
            Mean values, shape (n,).
        """
        at, values = self._column(tag, "value")
        nothing = np.full(len(edges) - 1, np.nan)
        if not len(at):
            return nothing
        until = np.minimum(np.append(at[1:], np.inf), at + tag.longest_age_s)
        knots = np.stack([at, until], axis=1).ravel()
        sums = []
        for rate in (np.ones(len(at)), values.astype(float)):
            gone = np.cumsum(rate * (until - at))
            sums.append(np.diff(np.interp(edges, knots, np.stack([gone - rate * (until - at), gone], axis=1).ravel())))
        seconds, amount = sums
        enough = seconds >= COVERED * np.diff(edges)
        return np.divide(amount, seconds, out=nothing, where=enough)

    def column(self, tag: Tag) -> str:
        """Name of a tag's column, including the unit."""
        return f"{tag.name} [{self.plant.unit_of(tag)}]"

    def series(self, interval_min: float) -> pd.DataFrame:
        """Mean values of all numeric tags by start of the interval (``time_utc``); unknown values are empty.

        Raises:
            ScenarioError: nothing was measured.
        """
        seconds = interval_min * 60
        first, last = np.ceil(self.begin.timestamp() / seconds), np.floor(self.end.timestamp() / seconds)
        edges = np.arange(first, last + 1) * seconds
        columns = {
            self.column(tag): self.means(tag, edges) for tag in self.plant.live.tags if tag.is_number and len(edges) > 1
        }
        rows = pd.DataFrame(columns, index=pd.DatetimeIndex(pd.to_datetime(edges[:-1], unit="s", utc=True)))
        measured = np.flatnonzero(rows.notna().any(axis=1).to_numpy())
        if not len(measured):
            raise ScenarioError([Problem(self.name, "", "holds no numbers of this time")])
        return rows.iloc[measured[0] : measured[-1] + 1].rename_axis("time_utc")

    def daily_energy(self, tag: str) -> Iterator[tuple[date, float]]:
        """Days by the plant's clock with their energies [MWh]. Days with too little data are left out.

        Raises:
            ValueError: there is no such tag, or the tag does not measure power.
        """
        record = next((item for item in self.plant.live.tags if item.name == tag), None)
        powers = [tag.name for tag in self.plant.live.tags if tag.power_of is not None]
        if record is None or record.power_of is None:
            raise ValueError(f"{tag[:40]!r} is no tag of a power; there are {', '.join(powers) or 'none'}")
        days, edges = self._days()
        for day, mwh in zip(days, self.means(record, edges) * np.diff(edges) / 3600, strict=True):
            if not np.isnan(mwh):
                yield day, float(mwh)

    def by_day(self) -> pd.DataFrame:
        """Energy measured by each power tag [MWh] and finished tonnes, for each day by the plant's clock."""
        days, edges = self._days()
        columns = {
            tag.name: self.means(tag, edges) * np.diff(edges) / 3600
            for tag in self.plant.live.tags
            if tag.power_of is not None
        }
        last = [
            self.plant.tag(heat_of=unit.name) for stage in self.plant.scenario.line.stages[-1:] for unit in stage.units
        ]
        tags = [tag for tag in last if tag is not None]
        if tags and len(tags) == len(last):
            columns[TONNES] = np.sum([self._tonnes(tag, edges) for tag in tags], axis=0)
        return pd.DataFrame(columns, index=pd.DatetimeIndex([pd.Timestamp(day) for day in days]))

    def meter(self) -> Meter:
        """Power of the site in each metered interval.

        Raises:
            ScenarioError: no tag measures the site's power, or nothing was measured.
        """
        tag = self.plant.tag(power_of="site")
        if tag is None:
            raise ScenarioError([Problem(self.name, "tags", "none is the power of the site (power_of: site)")])
        interval_min = self.plant.scenario.site.grid.metered_interval_min
        power = self.series(interval_min)[self.column(tag)].dropna()
        start_min = power.index.to_numpy().astype("datetime64[s]").astype(float) / 60
        return Meter(self.name, start_min, power.to_numpy(), interval_min)

    def heats(self) -> Heats:
        """Operations and breakdowns as the table of a heat log. Their times lie midway between two messages.

        Raises:
            ScenarioError: no tag gives the heat of a unit, or no heat was measured.
        """
        heats, line = {heat.name: heat for heat in self.plant.scenario.heats}, self.plant.scenario.line
        tags = [(unit, self.plant.tag(heat_of=unit.name)) for unit in line.units]
        if not any(tag for _, tag in tags):
            raise ScenarioError([Problem(self.name, "tags", "none is the heat of a unit (heat_of)")])
        stage_of = {unit.name: k for k, stage in enumerate(line.stages) for unit in stage.units}
        rows: list[dict[str, Any]] = []
        unknown = uncertain = 0
        for unit, tag in tags:
            for span in () if tag is None else self._spans(tag):
                if not span.text:
                    continue
                heat = heats.get(span.text)
                certain = not np.isnan(span.start) and (span.under_way or not np.isnan(span.end))
                unknown += heat is None
                uncertain += heat is not None and not certain
                if heat is not None and certain:
                    numbers = {"stage": stage_of[unit.name], "start": span.start, "end": span.end}
                    names = {"heat": heat.name, "grade": heat.grade.name, "order": heat.order, "unit": unit.name}
                    rows.append(names | numbers | {"energy_mwh": self._energy(unit.name, span)})
        table = pd.DataFrame(_visits(rows) + self._breakdowns(), columns=list(COLUMNS))
        if not rows:
            raise ScenarioError([Problem(self.name, "", "holds no heats of this time")])
        table = table.drop(columns=[name for name in OPTIONAL if table[name].isna().all()])
        if any("down" in tag.states.values() for tag in self.plant.live.tags):
            table["event"] = table["event"].fillna("") if "event" in table else ""
        for column in ("start", "end"):
            table[column] = pd.to_datetime(table[column].astype(float), unit="s", utc=True).dt.round("s")
        return Heats(table, uncertain, unknown)

    def _days(self) -> tuple[list[date], np.ndarray]:
        """Complete days by the plant's clock, and their edges [s since 1970]."""
        zone = self.plant.scenario.horizon.tz
        first, last = (moment.astimezone(zone) for moment in (self.begin, self.end))
        n = (last.date() - first.date()).days + 1
        days = [first.date() + timedelta(days=i) for i in range(n + 1)]
        moments = [datetime(day.year, day.month, day.day, tzinfo=zone) for day in days]
        whole = [i for i in range(n) if moments[i] >= first and moments[i + 1] <= last]
        edges = [moments[i].timestamp() for i in [*whole, *(i + 1 for i in whole[-1:])]]
        return [days[i] for i in whole], np.array(edges or [0.0])

    def _column(self, tag: Tag, column: str) -> tuple[np.ndarray, np.ndarray]:
        """Increasing times [s since 1970] and good values of a tag, including those just before the beginning."""
        rows = self._rows.get(tag.name)
        if rows is None:
            return np.array([]), np.array([])
        rows = rows[rows["at"] >= self.begin.timestamp() - tag.longest_age_s]
        return rows["at"].to_numpy(), rows[column].to_numpy()

    @cached_property
    def _rows(self) -> dict[str, pd.DataFrame]:
        """Good values by tag, sorted by time (``at``, s since 1970), with one value for each time."""
        tags = {tag.name: tag for tag in self.plant.live.tags}
        longest_s = max((tag.longest_age_s for tag in tags.values()), default=0.0)
        table = self.history.table(self.begin - timedelta(seconds=longest_s), self.end, tags)
        rows = table.select(["tag", "value", "text", "quality"]).to_pandas()
        rows = rows.assign(at=table["time_utc"].cast("int64").to_numpy() / 1e6)
        rows = (
            rows[rows["quality"] == Quality.OK.value]
            .drop_duplicates(["tag", "at"], keep="last")
            .sort_values("at", kind="stable")
        )
        number = rows["tag"].map({name: tag.is_number for name, tag in tags.items()}).astype(bool)
        rows = rows[~number | rows["value"].notna()]
        return {str(tag): part for tag, part in rows.groupby("tag")}

    def _spans(self, tag: Tag) -> Iterator[Span]:
        """Periods in which a tag showed the same text. An edge lies midway between two messages if they are close."""
        at, texts = self._column(tag, "text")
        if not len(at):
            return
        changes = np.flatnonzero(texts[1:] != texts[:-1]) + 1
        gaps = at[changes] - at[changes - 1]
        edges = np.where(gaps <= tag.longest_age_s, at[changes] - gaps / 2, np.nan)
        starts, ends = np.append(np.nan, edges), np.append(edges, np.nan)
        fresh = self.end.timestamp() - at[-1] <= tag.longest_age_s
        for k, (start, end) in enumerate(zip(starts, ends, strict=True)):
            yield Span(str(texts[np.append(0, changes)[k]]), start, end, under_way=fresh and k == len(changes))

    def _tonnes(self, tag: Tag, edges: np.ndarray) -> np.ndarray:
        """Mass of the heats that left a unit in each interval [t]; nan where too little was measured."""
        at, texts = self._column(tag, "text")
        mass = {heat.name: heat.grade.mass_t for heat in self.plant.scenario.heats}
        exits = np.flatnonzero(texts[1:] != texts[:-1])
        tonnes = np.histogram(
            at[exits + 1] if len(exits) else [], edges, weights=[mass.get(texts[k], 0.0) for k in exits]
        )
        until = np.minimum(np.append(at[1:], np.inf), at + tag.longest_age_s)
        seconds = [np.clip(np.minimum(until, b) - np.maximum(at, a), 0, None).sum() for a, b in pairwise(edges)]
        return np.where(np.array(seconds) >= COVERED * np.diff(edges), tonnes[0], np.nan)

    def _energy(self, unit: str, span: Span) -> float:
        """Energy drawn by a unit in a period [MWh]; nan if it is zero or was not measured."""
        tag = self.plant.tag(power_of=unit)
        if tag is None or span.under_way:
            return float("nan")
        mwh = float(self.means(tag, np.array([span.start, span.end]))[0]) * (span.end - span.start) / 3600
        return mwh if mwh > 0 else float("nan")

    def _breakdowns(self) -> list[dict[str, Any]]:
        spans = [(tag.state_of, span) for tag in self.plant.live.tags if tag.states for span in self._spans(tag)]
        return [
            {"unit": unit, "start": span.start, "end": span.end, "event": "breakdown"}
            for unit, span in spans
            if span.text == "down" and not np.isnan(span.start) and (span.under_way or not np.isnan(span.end))
        ]


def _visits(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sort operations by time. A heat number that is used again denotes a new heat, and a heat is at one stage at a
    time."""
    last: dict[str, dict[str, Any]] = {}
    count: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (row["start"], row["stage"])):
        name, before = row["heat"], last.get(row["heat"])
        if before is not None and before["stage"] >= row["stage"]:
            count[name] = count.get(name, 1) + 1
        elif before is not None and before["end"] > row["start"]:
            before["end"] = row["start"]
        last[name] = row
        if name in count:
            row["heat"], row["order"] = f"{name} ({count[name]})", f"{row['order']} ({count[name]})"
    return rows
