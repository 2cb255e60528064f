"""Rules for reading a file, stored next to the result so that the import can be repeated."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, timedelta, timezone, tzinfo
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, ValidationError, field_validator

from emberline.scenarios.importing.roles import ROLES
from emberline.scenarios.reading.document import Keys, dotted, parse
from emberline.scenarios.reading.editing import flow
from emberline.scenarios.records.base import Problem, Record, ScenarioError
from emberline.scenarios.records.faults import fault
from emberline.scenarios.records.instants import zones
from emberline.scenarios.records.quantity import Megawatts, PositiveMinutes
from emberline.scenarios.records.series import Fill

Twice = Literal["refuse", "first", "last", "mean"]
Order = Literal["year first", "day first", "month first", "unix seconds", "unix milliseconds"]
LONGEST_MIN = 24 * 60


class Mapping(Record):
    """Rules for reading a file, and the role of its series in the scenario."""

    model_config = ConfigDict(populate_by_name=True, str_strip_whitespace=False)

    role: str = Field(alias="as")
    """Role of the series: one of ``ROLES``."""
    time: str
    """Column of the times."""
    clock: str | None = None
    """Column of the time of day, if ``time`` contains only dates."""
    value: str
    """Column of the values; if each row contains a day, the first of its columns."""
    through: str | None = None
    """Last column, if each row contains a day with one column per interval."""
    where: dict[str, str] = Field(default_factory=dict)
    """Rows to select, as the column with the names of series and the name."""
    sheet: str | None = None
    """Sheet of a workbook; none: the first."""
    header: int = Field(default=1, ge=1, le=200)
    """Line of the column names."""
    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    order: Order = "year first"
    """Format of the times."""
    zone: str | None = None
    """Time zone of times without offset: an IANA name, UTC, or a fixed offset such as +01:00."""
    stamps: Literal["start", "end"] = "start"
    """Whether a time marks the start or the end of its interval."""
    interval_min: PositiveMinutes = 60
    """Length of the interval of each value."""
    unit: str | None = Field(default=None, max_length=40)
    """Unit of the values; energies are converted to the mean power of their interval."""
    counts: Literal["interval", "register"] = "interval"
    """Meaning of energies: energy of the interval, or cumulative register of a meter."""
    scale: float = 1.0
    """Factor applied to all values, such as -1 for a meter with the opposite sign."""
    peak_mw: Megawatts | None = None
    """Peak of a PV plant whose yield is given as power."""
    gaps: Fill = "refuse"
    """Treatment of missing values in a plan: refuse, hold the last, interpolate, or use zero."""
    missing: tuple[str, ...] = Field(default=(), max_length=20)
    """Words for a missing value, in addition to empty cells and common words."""
    duplicates: Twice = "refuse"
    """Value to use if several have the same time: none, the first, the last, or the mean."""

    @field_validator("role")
    @classmethod
    def _role(cls, name: str) -> str:
        if name not in ROLES:
            raise ValueError(f"unknown {name[:40]!r}; a series can be {', '.join(ROLES)}")
        return name

    @field_validator("zone")
    @classmethod
    def _zone(cls, name: str | None) -> str | None:
        if name is not None:
            zone_of(name)
        return name

    @field_validator("interval_min")
    @classmethod
    def _interval(cls, minutes: float) -> float:
        if minutes > LONGEST_MIN or abs(minutes * 60 - round(minutes * 60)) > 1e-9:
            raise ValueError(f"{minutes:g} min is not a valid interval; use a whole number of seconds, at most one day")
        return minutes

    def check(self) -> None:
        if self.through is not None and self.stamps == "end":
            raise ValueError("a row that holds a day tells no ends of intervals; leave stamps out")
        if self.counts == "register" and (self.through is not None or self.stamps == "end"):
            raise ValueError("a register is read at its times: leave through and stamps out")
        if self.through is not None and self.clock is not None:
            raise ValueError("a row that holds a day has no clock; leave clock or through out")

    @property
    def tz(self) -> tzinfo | None:
        """Time zone of times without offset."""
        return None if self.zone is None else zone_of(self.zone)

    def yaml(self) -> str:
        """Return the mapping as YAML text."""
        settings = self.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        return "".join(f"{key}: {flow(value)}\n" for key, value in settings.items())


def zone_of(name: str) -> tzinfo:
    """Return the time zone of a name or an offset.

    Raises:
        ValueError: the zone is unknown.
    """
    offset = re.fullmatch(r"([+-])(\d{2}):?(\d{2})", name)
    if offset:
        span = timedelta(hours=int(offset[2]), minutes=int(offset[3]))
        if span <= timedelta(hours=14):
            return timezone(span if offset[1] == "+" else -span)
    if name in ("UTC", "Z"):
        return UTC
    if name not in zones():
        raise ValueError(f"unknown zone {name[:40]!r}; write UTC, an offset such as +01:00, or a name as Europe/Berlin")
    return ZoneInfo(name)


def read_mapping(text: str, name: str = "mapping.yaml") -> Mapping:
    """Read a mapping from YAML text.

    Raises:
        ScenarioError: the mapping is invalid; lists all mistakes with file, line and key.
    """
    document = parse(text, name)
    problems = list(document.problems)
    try:
        mapping = checked(document.data, document.where)
    except ScenarioError as error:
        problems += error.problems
    if problems:
        raise ScenarioError(problems)
    return mapping


def checked(data: dict[str, Any], where: Callable[[Keys], str]) -> Mapping:
    """Validate the fields of a mapping.

    Args:
        data: fields of the mapping.
        where: returns the place of a field, for messages.

    Raises:
        ScenarioError: the mapping is invalid; lists all mistakes found.
    """
    try:
        return Mapping.model_validate(data)
    except ValidationError as error:
        mistakes = error.errors(include_url=False)
    raise ScenarioError(Problem(where(item["loc"]), dotted(item["loc"]), fault(item)) for item in mistakes)
