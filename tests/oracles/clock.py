"""Minutes of a plant's clock, worked out of the start, the zone and the step alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Spans = list[tuple[float, float]]


class Clock:
    """The local time of steps and metered intervals of a scenario written as a mapping."""

    def __init__(self, raw: dict[str, Any]) -> None:
        horizon = raw["horizon"]
        self.zone = ZoneInfo(horizon.get("zone", "UTC"))
        self.start = datetime.fromisoformat(horizon["start"]).astimezone(UTC)
        self.step_min = int(horizon["step_min"])
        self.n = round(horizon["length_h"] * 60 / self.step_min)
        self.h = self.step_min / 60
        self.meter_min = int(raw["site"].get("grid", {}).get("metered_interval_min", 15))

    def local(self, minute: int) -> datetime:
        """Local time some minutes after the start."""
        return (self.start + timedelta(minutes=minute)).astimezone(self.zone)

    def share(self, step: int, spans: Spans) -> float:
        """Share of a step whose minutes lie within hours of the local day."""
        minutes = range(step * self.step_min, (step + 1) * self.step_min)
        return sum(self.within(minute, spans) for minute in minutes) / self.step_min

    def within(self, minute: int, spans: Spans) -> bool:
        """Whether a minute lies within hours of the local day."""
        at = self.local(minute)
        hour = at.hour + at.minute / 60
        return any(begin <= hour < end for begin, end in spans)

    def days(self) -> list[tuple[list[int], float]]:
        """Steps that begin on each local day, and their share of it."""
        table: dict[Any, list[int]] = {}
        for step in range(self.n):
            table.setdefault(self.local(step * self.step_min).date(), []).append(step)
        rows = []
        for day, steps in table.items():
            edges = [
                datetime(d.year, d.month, d.day, tzinfo=self.zone).astimezone(UTC) for d in (day, day + timedelta(1))
            ]
            rows.append((steps, min(len(steps) * self.step_min / ((edges[1] - edges[0]) / timedelta(minutes=1)), 1.0)))
        return rows


def steps(hours: float, h: float) -> int:
    """Whole steps that cover some hours."""
    whole = int(hours / h + 1e-9)
    return whole if abs(whole * h - hours) < 1e-9 else whole + 1


def spans(hours: str | None) -> Spans:
    """Hours written as ``6-18`` or ``22-6``, as spans of the day; none: all of it."""
    if hours is None:
        return [(0.0, 24.0)]
    begin, end = (float(part) for part in hours.split("-"))
    return [(begin, end)] if begin < end else [(begin, 24.0), (0.0, end)]
