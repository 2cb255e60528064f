"""Reporting periods: a year, a quarter, a month, or two dates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

_YEAR = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?")


@dataclass(frozen=True)
class Period:
    """From the first day to the last one, both included."""

    first: date
    last: date

    @classmethod
    def parse(cls, text: str) -> Period:
        """A period such as ``2026``, ``2026-Q1``, ``2026-03`` or ``2026-01-01..2026-06-30``.

        Raises:
            ValueError: it is none of these.
        """
        match = _YEAR.fullmatch(text.strip())
        try:
            if match:
                year, quarter, month = match.groups()
                begin = int(month) if month else 3 * int(quarter) - 2 if quarter else 1
                months = 1 if month else 3 if quarter else 12
                following = begin + months
                end = date(int(year) + (following > 12), (following - 1) % 12 + 1, 1)
                return cls(date(int(year), begin, 1), end - timedelta(days=1))
            begin_text, dots, end_text = text.partition("..")
            first, last = date.fromisoformat(begin_text.strip()), date.fromisoformat(end_text.strip())
        except ValueError:
            dots = ""
        if not dots or last < first:
            raise ValueError(
                f"period {text[:40]!r}: write a year (2026), a quarter (2026-Q1), a month (2026-03) or two dates "
                "(2026-01-01..2026-06-30)"
            )
        return cls(first, last)

    @property
    def days(self) -> int:
        """Number of days."""
        return (self.last - self.first).days + 1

    @property
    def name(self) -> str:
        """Its shortest text: one period has one name, whatever it was written as."""
        quarters = [f"{self.first.year}-Q{quarter}" for quarter in (1, 2, 3, 4)]
        texts = (str(self.first.year), *quarters, f"{self.first:%Y-%m}")
        return next((text for text in texts if Period.parse(text) == self), f"{self.first}..{self.last}")

    def overlaps(self, other: Period) -> bool:
        """Whether the two have a day in common."""
        return self.first <= other.last and other.first <= self.last

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"
