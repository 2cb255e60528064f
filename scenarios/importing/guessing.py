"""Guessing how a file is to be read: every guess is reported, and whoever imports may say otherwise."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from emberline.scenarios.importing.clocks import (
    FEWEST,
    day_columns,
    joined,
    named_by_clock,
    share_of_clocks,
    share_of_dates,
)
from emberline.scenarios.importing.mapping import LONGEST_MIN, Mapping, Order, checked
from emberline.scenarios.importing.reading import Raw
from emberline.scenarios.importing.roles import ROLES, Role, energy
from emberline.scenarios.importing.series_import import MISSING, NUMBERS, close_match
from emberline.scenarios.importing.times import OFFSET, PLACES, TIMESTAMP, cleaned, on_the_wall, utc_seconds
from emberline.scenarios.importing.units import (
    NO_VALUE,
    column_of_units,
    fits,
    looks_like_register,
    unit_of,
    unit_unsaid,
    words_for_none,
)
from emberline.scenarios.reading.unit_spelling import named
from emberline.scenarios.records.base import Problem, ScenarioError

if TYPE_CHECKING:
    import pandas as pd

LOOKED_AT = 5000
"""Rows that are looked at."""
TIMES = ("time", "date", "stamp", "start", "from", "mtu", "datum", "zeit", "von", "时间", "日期")
ENDS = re.compile(r"(?:^|[^a-z])(?:end|ending|until|bis|he)(?:$|[^a-z])")
MOST_SERIES = 2000
"""Names in a column, above which it names no series."""


@dataclass(frozen=True)
class Guess:
    """How a file is probably to be read, and why."""

    mapping: Mapping
    reasons: tuple[str, ...]
    about: tuple[str, ...] = ()
    """Field of the mapping that each reason is about; one that is said otherwise does not need it."""

    def unless(self, settings: Collection[str]) -> tuple[str, ...]:
        """The reasons of what was guessed, without those of fields that were said."""
        return tuple(reason for reason, field in zip(self.reasons, self.about, strict=True) if field not in settings)


def guess(raw: Raw, role: str, settings: dict[str, Any] | None = None, zone: str | None = None) -> Guess:
    """How a file is probably to be read.

    Args:
        raw: the file.
        role: what its series shall be.
        settings: fields of a mapping that are known; they are taken as they are.
        zone: of times without offset, unless the file says another one; None: ``settings`` must say it.

    Raises:
        ScenarioError: it has no column of times or none of numbers, or what was said is no mapping.
    """
    settings = {name: value for name, value in (settings or {}).items() if value is not None}
    return _Guesser(raw, role, settings, zone).guess()


class _Guesser:
    """One file being looked at."""

    def __init__(self, raw: Raw, role: str, settings: dict[str, Any], zone: str | None) -> None:
        self.raw, self.settings, self.zone = raw, settings, zone
        self.head = raw.frame.head(LOOKED_AT)
        self.role: Role | None = ROLES.get(role)
        self.fields: dict[str, Any] = {"as": role, "header": raw.header, "separator": raw.separator}
        self.reasons: list[tuple[str, str]] = []
        self.field = "sheet"
        """Of the mapping, that is being guessed."""
        if raw.sheet_key is not None:
            self.fields["sheet"] = raw.sheet_key
            others = [name for name in raw.sheets if name != raw.sheet_key]
            if others and "sheet" not in settings:
                self._tell(f"sheet {raw.sheet_key[:40]!r}; there are {', '.join(name[:40] for name in others[:8])} too")

    def guess(self) -> Guess:
        if not len(self.raw.frame):
            self._refuse("", "has no rows below the names of its columns")
        self._set("time", self._time)
        self._set("clock", self._clock)
        self._set("decimal", self._decimal)
        self._set("through", self._through)
        self._set("value", self._value)
        self._set("where", self._where)
        stamps = self._stamps()
        self._set("order", lambda: self._order(stamps))
        self._set("zone", lambda: self._zone(stamps))
        self._set("interval_min", self._interval)
        self._set("stamps", self._end)
        self._set("unit", self._unit)
        self._set("counts", self._counts)
        self._set("missing", self._missing)
        fields, reasons = zip(*self.reasons, strict=True) if self.reasons else ((), ())
        return Guess(self._mapping(), tuple(reasons), tuple(fields))

    def _set(self, name: str, how: Any) -> None:
        if name in self.settings:
            self.fields[name] = self.settings[name]
            return
        self.field = name
        value = how()
        if value is not None:
            self.fields[name] = value

    def _mapping(self) -> Mapping:
        return checked({**self.fields, **self.settings}, lambda _: self.raw.name)

    def _refuse(self, column: str, says: str) -> None:
        raise ScenarioError([Problem(self.raw.name, column, says)])

    def _tell(self, says: str) -> None:
        self.reasons.append((self.field, says))

    def _time(self) -> str | None:
        import pandas as pd

        def fits(column: str) -> float:
            cells = self.head[column]
            if pd.api.types.is_datetime64_any_dtype(cells):
                return 1.0
            if pd.api.types.is_numeric_dtype(cells) or share_of_clocks(cells) > 0.5:
                return 0.0
            text = cleaned(cells)
            text = text[text != ""]
            good = text.str.fullmatch(TIMESTAMP.pattern).mean() if len(text) else 0.0
            epoch = text.str.fullmatch(r"1\d{9}(?:\d{3})?").mean() if len(text) else 0.0
            return float(max(good, epoch))

        share = {column: fits(column) for column in self.head.columns}
        good = [column for column, part in share.items() if part > 0.5]
        if not good:
            others = ", ".join(name[:40] for name in self.raw.sheets if name != self.raw.sheet_key)
            hint = f"; its other sheets are {others}" if others else ""
            self._refuse("", f"has no column of times; name it, or say which line has the columns' names{hint}")
        named = [column for column in good if any(word in column.lower() for word in TIMES)]
        # of local time and UTC, UTC is never unclear
        utc = [column for column in good if "utc" in column.lower()]
        choice = (utc or named or good)[0]
        if len(good) > 1:
            self._tell(f"times from {choice!r}, one of {len(good)} columns of times")
        else:
            self._tell(f"times from {choice!r}")
        return choice

    def _clock(self) -> str | None:
        """The column of the times of the day, where that of the times has dates only: that of the start, if any."""
        time = self.fields["time"]
        if self.settings.get("through") or time not in self.head or share_of_dates(self.head[time]) < 0.9:
            return None
        there = [
            column for column in map(str, self.head) if column != time and share_of_clocks(self.head[column]) > 0.9
        ]
        if not there:
            return None
        choice = next((column for column in there if not ENDS.search(column.lower())), there[0])
        self._tell(f"times joined from {time!r} and {choice!r}")
        return choice

    def _through(self) -> str | None:
        """The last of columns that are named by the clock, where a row holds a day; finds the first one too."""
        time, columns = self.fields["time"], list(self.head.columns)
        if self.fields.get("clock") or time not in columns or share_of_dates(self.head[time]) < 0.9:
            return None
        value = self.settings.get("value")
        days = day_columns([column for column in columns if column != time])
        if days is None:
            if value is None and named_by_clock(columns) >= FEWEST:
                self._refuse(
                    "",
                    f"has {named_by_clock(columns)} columns named by the clock, which make no day of even intervals "
                    "from 00:00 on; complete them, or give a row for each time",
                )
            return None
        mine = [column for column in columns if column in (*days.names, *days.twice.values())]
        if value is not None and value not in mine:
            return None
        self.fields["value"] = value or mine[0]
        how = ", named by their ends" if days.ends else ""
        more = f", {len(days.twice)} for the hour that autumn has twice" if days.twice else ""
        self._tell(f"a day in each row: {len(mine)} columns from {mine[0]!r} to {mine[-1]!r}{how}{more}")
        return mine[-1]

    def _texts(self, column: str) -> pd.Series:
        cells = self.head[column]
        return cells.astype(object).where(cells.notna(), "").astype(str).str.strip()

    def _share(self, column: str, decimal: str) -> float:
        text = self._texts(column)
        text = text[~text.str.lower().isin((*MISSING, *NO_VALUE))]
        if not len(text):
            return 0.0
        return float((text.str.fullmatch(NUMBERS[decimal]) & text.str.contains(r"\d")).mean())

    def _decimal(self) -> str:
        others = [column for column in self.head.columns if column != self.fields.get("time")]
        point, comma = (sum(self._share(column, mark) > 0.9 for column in others) for mark in (".", ","))
        text = "\n".join("\n".join(self._texts(column).head(200)) for column in others[:20])
        grouped = re.search(r"(?m)^[+-]?\d{1,3}(?:\.\d{3})+,\d", text) is not None
        mark = "," if comma > point or (comma == point and grouped) else "."
        name = "comma" if mark == "," else "point"
        either = rf"[+-]?[1-9]\d{{0,2}}(?:{re.escape(mark)}\d{{3}})+"
        marked = [cell for cell in re.findall(r"(?m)^[+-]?[\d.,]+$", text) if mark in cell]
        if marked and all(re.fullmatch(either, cell) for cell in marked):
            self._tell(f"decimal {name}: {marked[0]} might be thousands as well, which --decimal would say")
        elif mark == ",":
            self._tell("decimal comma")
        return mark

    def _numeric(self) -> list[str]:
        import pandas as pd

        mark = str(self.fields.get("decimal", "."))
        return [
            column
            for column in self.head.columns
            if column not in (self.fields.get("time"), self.fields.get("clock"))
            and not pd.api.types.is_datetime64_any_dtype(self.head[column])
            and self._share(column, mark) > 0.5
        ]

    def _value(self) -> str | None:
        if self.fields.get("through"):
            return None
        numeric = self._numeric()
        if not numeric:
            self._refuse("", "has no column of numbers next to its times; name it, or say the decimal mark")
        words = self.role.words if self.role else ()
        minutes = float(self.settings.get("interval_min") or 60)

        def score(column: str) -> tuple[int, int, int]:
            name = column.lower()
            measured = not re.search(r"forecast|predict|prognos|estimate|plan", name)
            of_unit = self.role is not None and unit_of(column, self.role, minutes) is not None
            return of_unit, sum(len(words) - i for i, word in enumerate(words) if word in name), measured

        suited = [column for column in numeric if self.role is None or fits(column, self.role, minutes)]
        if not suited:
            names = ", ".join(name[:40] for name in numeric[:8])
            what = self.role.title if self.role else "values"
            hint = "; kVA times the power factor are kW" if any("VA" in (named(n) or "") for n in numeric) else ""
            self._refuse("", f"has no column that can be the {what}; there are {names}{hint}")
        best = max(suited, key=score)
        like = [
            column
            for column in suited
            if column != best and score(column)[:2] == score(best)[:2] and any(score(best)[:2])
        ]
        reason = "by its name" if any(score(best)[:2]) else "the first of numbers"
        also = f"; {', '.join(repr(name[:40]) for name in like[:4])} fits as well" if like else ""
        self._tell(f"values from {best!r}, {reason}{also}" if len(numeric) > 1 else f"values from {best!r}")
        return best

    def _where(self) -> dict[str, str] | None:
        """In a long table every time is there once for each series, whose names are in a column of text."""
        if self.settings.get("through") or self.fields["time"] not in self.head:
            return None
        repeated = self._times(self.head).duplicated().mean()
        if repeated < 0.3:
            return None
        for column in self.head.columns:
            if column in (self.fields.get("time"), self.fields.get("value"), *self._numeric()):
                continue
            if share_of_clocks(self.head[column]) > 0.5:
                continue
            names = list(dict.fromkeys(self._texts(column)))
            if 1 < len(names) <= MOST_SERIES and "" not in names:
                words = self.role.words if self.role else ()
                best = max(names, key=lambda name: sum(word in name.lower() for word in words))
                self._tell(f"a long table: {len(names)} series by {column!r}, of which {best!r} is taken")
                return {str(column): best}
        return None

    def _stamps(self) -> pd.Series:
        """Times of the rows that are taken and looked at."""
        return self._times(self._matching_rows(self.head))

    def _matching_rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        for column, cell in dict(self.fields.get("where") or {}).items():
            if column in frame:
                frame = frame[frame[column].astype(str).str.strip() == cell]
        return frame

    def _times(self, frame: pd.DataFrame) -> pd.Series:
        """Times of some rows as the file tells them, joined where a date and its clock stand apart."""
        columns = [name for name in (self.fields["time"], self.fields.get("clock")) if name]
        for column in columns:
            if column not in frame:
                near = close_match(column, list(frame.columns))
                hint = f"; did you mean {near[:40]!r}?" if near else ""
                self._refuse(column[:60], f"there is no such column{hint}")
        if len(columns) == 2:
            return joined(frame[columns[0]], frame[columns[1]])
        stamps: Any = frame[columns[0]]
        return stamps

    def _order(self, stamps: pd.Series) -> Order | None:
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(stamps):
            return None
        text = cleaned(stamps)
        text = text[text != ""]
        digits = text.str.fullmatch(r"\d{9,10}|\d{12,13}")
        if len(text) and digits.all():
            return "unix milliseconds" if text.str.len().max() > 10 else "unix seconds"
        parts = text.str.extract(rf"^(?:{TIMESTAMP.pattern})$")
        first, second = (pd.to_numeric(parts[name], errors="coerce") for name in ("a", "b"))
        if (parts["a"].str.len() == 4).any():
            return "year first"
        if (first > 12).any() or (second > 12).any():
            order: Order = "day first" if (first > 12).any() else "month first"
            self._tell(f"dates with the {order}")
            return order
        order = self._even(text) or ("month first" if text.str.contains("/").any() else "day first")
        self._tell(f"dates with the {order}, as they might have the {_other(order)}: look at the first and last time")
        return order

    def _even(self, text: pd.Series) -> Order | None:
        """The one order by which times are evenly apart; None: both, or neither."""
        even: list[Order] = []
        for order in PLACES:
            if order == "year first":
                continue
            trial = Mapping.model_validate({"as": "load", "time": "t", "value": "v", "order": order})
            seconds = utc_seconds(text.head(500), trial, lambda good, says: None, local=True)
            steps = np.diff(seconds)
            if len(steps) > 2 and (steps == steps[0]).all() and 0 < steps[0] <= 86_400:
                even.append(order)
        return even[0] if len(even) == 1 else None

    def _zone(self, stamps: pd.Series) -> str | None:
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(stamps):
            if pd.DatetimeIndex(stamps).tz is not None:
                return None
        elif str(self.fields.get("order", "")).startswith("unix"):
            return None
        else:
            text = cleaned(stamps)
            text = text[text != ""]
            clock = text.str.contains(":") & text.str.contains(OFFSET, regex=True)
            if len(text) and clock.all():
                return None
        if re.search(r"\b(?:utc|gmt)\b|_utc", str(self.fields["time"]).lower()):
            self._tell("times in UTC, by the column's name")
            return "UTC"
        if self.zone is not None:
            self._tell(f"times without offset, taken in {self.zone}")
        return self.zone

    def _end(self) -> str | None:
        if self.fields.get("through"):
            return None
        if ENDS.search(str(self.fields.get("clock") or self.fields["time"]).lower()):
            self._tell("times are the ends of intervals, by the column's name")
            return "end"
        # markets and intensities tell starts; only meters write ends
        if self.role is None or not self.role.metered:
            return None
        width = float(self.fields.get("interval_min", LONGEST_MIN)) * 60
        stamps = self._times(self._matching_rows(self.raw.frame))
        if not len(stamps):
            return None
        stamps = stamps.iloc[[0, -1]]
        day, trial = 86_400, self._mapping()
        # the file's own clock first: where its days are whole there, it tells starts
        for zone in dict.fromkeys([self.fields.get("zone"), self.zone]):
            first, last = sorted(on_the_wall(stamps, trial.model_copy(update={"zone": zone})).tolist())
            if not 0 < first < last or width >= day or (first % day == 0 and last % day == day - width):
                return None
            if first % day == width and last % day == 0:
                clock = f"{int(width // 3600):02d}:{int(width // 60 % 60):02d}"
                self._tell(f"times are the ends of intervals, as the first is {clock} and the last 00:00")
                return "end"
        return None

    def _interval(self) -> float | None:
        if self.fields.get("through"):
            columns = list(self.raw.frame.columns)
            try:
                first, last = columns.index(self.fields["value"]), columns.index(self.fields["through"])
            except ValueError:
                return None
            day, count = day_columns(columns[first : last + 1]), last - first + 1
            if day is not None:
                return day.interval_min
            return LONGEST_MIN / count if count > 0 else None
        stamps = self._stamps()
        trial = self._mapping().model_copy(update={"zone": self.fields.get("zone") or "UTC"})
        seconds = np.unique(utc_seconds(stamps, trial, lambda good, says: None))
        seconds = seconds[seconds != 0]
        steps = [b - a for a, b in pairwise(seconds.tolist())]
        if not steps:
            return None
        lengths, times = np.unique(steps, return_counts=True)
        minutes = float(lengths[int(np.argmax(times))]) / 60
        if minutes > LONGEST_MIN:
            return None
        self._tell(f"intervals of {minutes:g} min")
        return minutes

    def _unit(self) -> str | None:
        if self.role is None:
            return None
        value = str(self.fields["value"])
        of_rows = self._unit_of_rows()
        if of_rows is not None:
            return of_rows
        minutes = float(self.fields.get("interval_min", 60))
        unit = unit_of(value, self.role, minutes)
        if unit is not None:
            self._tell(f"unit {unit}, by the column's name")
            return unit
        if not fits(value, self.role, minutes):
            hint = "; kVA times the power factor are kW" if "VA" in (named(value) or "") else ""
            self._refuse(
                value[:60], f"holds something else by its name; say the unit if it is the {self.role.title}{hint}"
            )
        if "¥" in value:
            self._refuse(value[:60], "¥ stands for JPY and CNY; say the unit, such as JPY/kWh or CNY/kWh")
        if "{" in self.role.unit or value not in self.head:
            return None
        texts = self._texts(value)[self._matching_rows(self.head).index]
        unit, says = unit_unsaid(self.role, texts, str(self.fields.get("decimal", ".")))
        self._tell(says)
        return unit

    def _unit_of_rows(self) -> str | None:
        """The unit that a column of units says for the rows that are taken."""
        frame = self._matching_rows(self.raw.frame)
        column = column_of_units(frame)
        if column is None or column == self.fields["value"]:
            return None
        units = [unit for unit in dict.fromkeys(frame[column].astype(str).str.strip()) if unit]
        if len(units) > 1:
            there = ", ".join(unit[:20] for unit in units[:6])
            self._refuse(column, f"the rows have several units ({there}); say which series is taken (--where)")
        if not units:
            return None
        self._tell(f"unit {units[0][:20]}, by the column {column!r}")
        return units[0]

    def _counts(self) -> str | None:
        """Whether an energy is the register of a meter."""
        import pandas as pd

        value = str(self.fields["value"])
        if self.role is None or self.role.unit != "MW" or self.fields.get("through") or value not in self.head:
            return None
        if not energy(self.fields.get("unit")):
            return None
        frame = self._matching_rows(self.head)
        cells = frame[value].astype(str).str.strip()
        if self.fields.get("decimal") == ",":
            cells = cells.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        if not looks_like_register(pd.to_numeric(cells, errors="coerce"), value):
            return None
        self._tell("the values go on from row to row, as a meter's register does: taken are their differences")
        self.fields["stamps"] = "start"
        return "register"

    def _missing(self) -> tuple[str, ...] | None:
        """Words in the place of values that mean none."""
        frame, columns = self._matching_rows(self.raw.frame), list(self.head.columns)
        first, last = self.fields["value"], self.fields.get("through") or self.fields["value"]
        if first not in columns or last not in columns:
            return None
        names = columns[columns.index(first) : columns.index(last) + 1]
        counts = words_for_none([frame[name] for name in names])
        if not counts:
            return None
        examples = ", ".join(f"{word!r} ({count})" for word, count in counts.items())
        self._tell(f"taken as missing: {examples}")
        return tuple(counts)


def _other(order: Order) -> str:
    return "month first" if order == "day first" else "day first"
