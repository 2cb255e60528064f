"""Draft of a mapping: settings given for a file, fields detected so far, and the reasons."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from emberline.scenarios.importing.mapping import Mapping, checked
from emberline.scenarios.importing.reading import Raw
from emberline.scenarios.importing.roles import ROLES, WORDS, Role
from emberline.scenarios.importing.series_import import NUMBERS, close_match
from emberline.scenarios.importing.times_of_day import joined
from emberline.scenarios.records.base import Problem, ScenarioError

LOOKED_AT = 5000
"""Number of rows examined."""


class MappingDraft:
    """Detection of the mapping of a file."""

    def __init__(self, raw: Raw, role: str, settings: dict[str, Any], zone: str | None) -> None:
        """Create a draft and report the selected sheet."""
        self.raw, self.settings, self.zone = raw, settings, zone
        self.head = raw.frame.head(LOOKED_AT)
        self.role: Role | None = ROLES.get(role)
        self.fields: dict[str, Any] = {"as": role, "header": raw.header, "separator": raw.separator}
        self.reasons: list[tuple[str, str]] = []
        self.field = "sheet"
        """Field of the mapping being detected."""
        if raw.sheet_key is not None:
            self.fields["sheet"] = raw.sheet_key
            others = [name for name in raw.sheets if name != raw.sheet_key]
            if others and "sheet" not in settings:
                self.note(f"sheet {raw.sheet_key[:40]!r}; there are {', '.join(name[:40] for name in others[:8])} too")

    def set(self, name: str, how: Callable[[MappingDraft], Any]) -> None:
        """Set a field from the settings, or else to the value detected by a function; None omits it."""
        if name in self.settings:
            self.fields[name] = self.settings[name]
            return
        self.field = name
        value = how(self)
        if value is not None:
            self.fields[name] = value

    def mapping(self) -> Mapping:
        """Return the mapping of the present fields."""
        return checked({**self.fields, **self.settings}, lambda _: self.raw.name)

    def refuse(self, column: str, text: str) -> None:
        """Raise an error for the file."""
        raise ScenarioError([Problem(self.raw.name, column, text)])

    def note(self, text: str) -> None:
        """Record a reason for the field being detected."""
        self.reasons.append((self.field, text))

    def texts(self, column: str) -> pd.Series:
        """Return the cells of a column as text, including empty ones."""
        cells = self.head[column]
        return cells.astype(object).where(cells.notna(), "").astype(str).str.strip()

    def share(self, column: str, decimal: str) -> float:
        """Return the share of non-missing cells of a column that are numbers with a given decimal mark."""
        text = self.texts(column)
        text = text[~text.str.lower().isin([*WORDS["missing"], *WORDS["no_value"]])]
        if not len(text):
            return 0.0
        return float((text.str.fullmatch(NUMBERS[decimal]) & text.str.contains(r"\d")).mean())

    def stamps(self) -> pd.Series:
        """Return the times of the selected rows among those examined."""
        return self.times(self.matching_rows(self.head))

    def matching_rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the selected series of a long table."""
        for column, cell in dict(self.fields.get("where") or {}).items():
            if column in frame:
                frame = frame[frame[column].astype(str).str.strip() == cell]
        return frame

    def times(self, frame: pd.DataFrame) -> pd.Series:
        """Return the times as written in the file, joined if date and time of day are in separate columns."""
        columns = [name for name in (self.fields["time"], self.fields.get("clock")) if name]
        for column in columns:
            if column not in frame:
                near = close_match(column, list(frame.columns))
                hint = f"; did you mean {near[:40]!r}?" if near else ""
                self.refuse(column[:60], f"there is no such column{hint}")
        if len(columns) == 2:
            return joined(frame[columns[0]], frame[columns[1]])
        stamps: Any = frame[columns[0]]
        return stamps
