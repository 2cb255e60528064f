"""Guessing how a file is to be read: every guess is told, and whoever imports may say otherwise."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from scenarios.importing.bringing import MISSING, NUMBERS
from scenarios.importing.mapping import LONGEST_MIN, Mapping, Order
from scenarios.importing.reading import Raw
from scenarios.importing.roles import ROLES, Role, standard
from scenarios.importing.times import OFFSET, PLACES, WRITTEN, cleaned, utc_seconds
from scenarios.record import Problem, ScenarioError

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


def guess(raw: Raw, role: str, said: dict[str, Any] | None = None, zone: str | None = None) -> Guess:
    """How a file is probably to be read.

    Args:
        raw: the file.
        role: what its series shall be.
        said: fields of a mapping that are known; they are taken as they are.
        zone: of times without offset, unless the file says another one; None: must be told by ``said``.

    Raises:
        ScenarioError: it has no column of times or none of numbers, or what was said is no mapping.
    """
    said = {name: value for name, value in (said or {}).items() if value is not None}
    return _Guesser(raw, role, said, zone).guess()


class _Guesser:
    """One file being looked at."""

    def __init__(self, raw: Raw, role: str, said: dict[str, Any], zone: str | None) -> None:
        self.raw, self.said, self.zone = raw, said, zone
        self.head = raw.frame.head(LOOKED_AT)
        self.role: Role | None = ROLES.get(role)
        self.found: dict[str, Any] = {"as": role, "header": raw.header, "separator": raw.separator}
        if raw.sheets:
            self.found["sheet"] = raw.sheets[0]
        self.reasons: list[str] = []

    def guess(self) -> Guess:
        if not len(self.raw.frame):
            self._refuse("", "has no rows below the names of its columns")
        self._set("time", self._time)
        self._set("decimal", self._decimal)
        self._set("value", self._value)
        self._set("where", self._where)
        stamps = self._stamps()
        self._set("order", lambda: self._order(stamps))
        self._set("zone", lambda: self._zone(stamps))
        self._set("stamps", self._end)
        self._set("interval_min", self._interval)
        self._set("unit", self._unit)
        return Guess(self._mapping(), tuple(self.reasons))

    def _set(self, name: str, how: Any) -> None:
        if name in self.said:
            self.found[name] = self.said[name]
            return
        value = how()
        if value is not None:
            self.found[name] = value

    def _mapping(self) -> Mapping:
        from pydantic import ValidationError

        try:
            return Mapping.model_validate({**self.found, **self.said})
        except ValidationError as error:
            raise ScenarioError(
                Problem(self.raw.name, ".".join(map(str, item["loc"])), item["msg"].removeprefix("Value error, "))
                for item in error.errors(include_url=False)
            ) from None

    def _refuse(self, column: str, says: str) -> None:
        raise ScenarioError([Problem(self.raw.name, column, says)])

    def _tell(self, says: str) -> None:
        self.reasons.append(says)

    def _time(self) -> str | None:
        import pandas as pd

        def fits(column: str) -> float:
            cells = self.head[column]
            if pd.api.types.is_datetime64_any_dtype(cells):
                return 1.0
            if pd.api.types.is_numeric_dtype(cells):
                return 0.0
            text = cleaned(cells)
            text = text[text != ""]
            good = text.str.fullmatch(WRITTEN.pattern).mean() if len(text) else 0.0
            epoch = text.str.fullmatch(r"1\d{9}(?:\d{3})?").mean() if len(text) else 0.0
            return float(max(good, epoch))

        share = {column: fits(column) for column in self.head.columns}
        good = [column for column, part in share.items() if part > 0.5]
        if not good:
            self._refuse("", "has no column of times; name it, or say which line has the columns' names")
        named = [column for column in good if any(word in column.lower() for word in TIMES)]
        # of local time and UTC, UTC is never unclear
        utc = [column for column in good if "utc" in column.lower()]
        chosen = (utc or named or good)[0]
        if len(good) > 1:
            self._tell(f"times from {chosen!r}, one of {len(good)} columns of times")
        else:
            self._tell(f"times from {chosen!r}")
        return chosen

    def _texts(self, column: str) -> pd.Series:
        cells = self.head[column]
        return cells.astype(object).where(cells.notna(), "").astype(str).str.strip()

    def _share(self, column: str, decimal: str) -> float:
        text = self._texts(column)
        text = text[~text.str.lower().isin(MISSING)]
        if not len(text):
            return 0.0
        return float((text.str.fullmatch(NUMBERS[decimal]) & text.str.contains(r"\d")).mean())

    def _decimal(self) -> str:
        others = [column for column in self.head.columns if column != self.found.get("time")]
        point, comma = (sum(self._share(column, mark) > 0.9 for column in others) for mark in (".", ","))
        text = "\n".join("\n".join(self._texts(column).head(200)) for column in others[:20])
        grouped = re.search(r"(?m)^[+-]?\d{1,3}(?:\.\d{3})+,\d", text) is not None
        if comma > point or (comma == point and grouped):
            self._tell("decimal comma")
            return ","
        return "."

    def _numeric(self) -> list[str]:
        import pandas as pd

        mark = str(self.found.get("decimal", "."))
        return [
            column
            for column in self.head.columns
            if column != self.found.get("time")
            and not pd.api.types.is_datetime64_any_dtype(self.head[column])
            and self._share(column, mark) > 0.5
        ]

    def _value(self) -> str | None:
        numeric = self._numeric()
        if not numeric:
            self._refuse("", "has no column of numbers beside its times; name it, or say the decimal mark")
        words = self.role.words if self.role else ()

        def fits(column: str) -> int:
            return sum(len(words) - i for i, word in enumerate(words) if word in column.lower())

        best = max(numeric, key=fits)
        reason = "by its name" if fits(best) else "the first of numbers"
        self._tell(f"values from {best!r}, {reason}" if len(numeric) > 1 else f"values from {best!r}")
        return best

    def _where(self) -> dict[str, str] | None:
        """In a long table every time is there once for each series, whose names are in a column of text."""
        if self.said.get("through"):
            return None
        repeated = self.head[self.found["time"]].duplicated().mean() if self.found["time"] in self.head else 0.0
        if repeated < 0.3:
            return None
        for column in self.head.columns:
            if column in (self.found.get("time"), self.found.get("value")) or column in self._numeric():
                continue
            names = list(dict.fromkeys(self._texts(column)))
            if 1 < len(names) <= MOST_SERIES and "" not in names:
                words = self.role.words if self.role else ()
                best = max(names, key=lambda name: sum(word in name.lower() for word in words))
                self._tell(f"a long table: {len(names)} series by {column!r}, of which {best!r} is taken")
                return {str(column): best}
        return None

    def _stamps(self) -> pd.Series:
        """Times of the rows that are taken, as text."""
        frame = self.head
        for column, wanted in dict(self.found.get("where") or {}).items():
            if column in frame:
                frame = frame[frame[column].astype(str).str.strip() == wanted]
        column = self.found["time"]
        if column not in frame:
            self._refuse(column[:60], "there is no such column")
        found: Any = frame[column]
        return found

    def _order(self, stamps: pd.Series) -> Order | None:
        import pandas as pd

        if pd.api.types.is_datetime64_any_dtype(stamps):
            return None
        text = cleaned(stamps)
        text = text[text != ""]
        digits = text.str.fullmatch(r"\d{9,10}|\d{12,13}")
        if len(text) and digits.all():
            return "unix milliseconds" if text.str.len().max() > 10 else "unix seconds"
        parts = text.str.extract(rf"^(?:{WRITTEN.pattern})$")
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
        elif str(self.found.get("order", "")).startswith("unix"):
            return None
        else:
            text = cleaned(stamps)
            text = text[text != ""]
            clock = text.str.contains(":") & text.str.contains(OFFSET, regex=True)
            if len(text) and clock.all():
                return None
        if re.search(r"\b(?:utc|gmt)\b|_utc", str(self.found["time"]).lower()):
            self._tell("times in UTC, by the column's name")
            return "UTC"
        if self.zone is not None:
            self._tell(f"times without offset, taken in {self.zone}")
        return self.zone

    def _end(self) -> str | None:
        if ENDS.search(str(self.found["time"]).lower()) and not self.said.get("through"):
            self._tell("times are the ends of intervals, by the column's name")
            return "end"
        return None

    def _interval(self) -> float | None:
        if self.said.get("through"):
            columns = list(self.raw.frame.columns)
            try:
                count = columns.index(self.said["through"]) - columns.index(self.found["value"]) + 1
            except ValueError:
                return None
            return LONGEST_MIN / count if count > 0 else None
        stamps = self._stamps()
        trial = self._mapping().model_copy(update={"zone": self.found.get("zone") or "UTC"})
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
        """A unit at the end of the column's name, in brackets or after an underscore."""
        name = str(self.found["value"])
        candidates = [*re.findall(r"[\[(]([^\])]{1,20})[\])]", name)[::-1], name]
        words = re.split(r"[_ .]", name)
        candidates += ["/".join(words[-2:]), words[-1]] if len(words) > 1 else []
        candidates += [part.replace("_per_", "/") for part in re.findall(r"[A-Za-z0-9]+_per_[A-Za-z0-9]+$", name)]
        for candidate in candidates:
            spelled = next((unit for unit in KNOWN if unit.lower() == candidate.lower()), candidate)
            try:
                if self.role is not None:
                    standard(self.role, spelled, float(self.found.get("interval_min", 60)), 1.0)
            except ValueError:
                continue
            self._tell(f"unit {spelled}, by the column's name")
            return spelled
        return None


KNOWN = ("kW", "MW", "GW", "W", "kWh", "MWh", "GWh", "EUR/MWh", "EUR/kWh", "USD/MWh", "CNY/MWh", "CNY/kWh", "GBP/MWh",
         "kg/MWh", "g/kWh", "t/MWh", "%")  # fmt: skip
"""Units as they are spelled, however a file writes them."""


def _other(order: Order) -> str:
    return "month first" if order == "day first" else "day first"
