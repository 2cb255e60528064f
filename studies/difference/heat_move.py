"""The record of a heat that starts at another time or on another unit."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class StageMove:
    """One operation of a heat in two plans; starts are minutes after each plan's start, None where it is not there."""

    stage: str
    before_min: float | None
    after_min: float | None
    before_unit: str
    after_unit: str

    @property
    def later_min(self) -> float | None:
        """By how much it starts later [min]; negative: earlier."""
        if self.before_min is None or self.after_min is None:
            return None
        return self.after_min - self.before_min


@dataclass(frozen=True)
class HeatMove:
    """A heat that lies elsewhere, reported at the stage at which it draws most electricity among those that moved."""

    heat: str
    number: int
    """Its place among all heats, from 1."""
    stage: str
    stages: tuple[StageMove, ...] = field(repr=False)
    """All operations that moved."""
    because: str = ""

    @property
    def main(self) -> StageMove:
        """The operation that it is reported by."""
        return next(move for move in self.stages if move.stage == self.stage)

    @property
    def says(self) -> str:
        """The move in words."""
        move = self.main
        label = self.heat if self.heat == str(self.number) else f"{self.number} ({self.heat})"
        if move.before_min is None or move.after_min is None:
            return f"heat {label} is only in the {'second' if move.before_min is None else 'first'} plan"
        later = move.later_min or 0.0
        changes = [f"{'later' if later > 0 else 'earlier'} by {span(abs(later))}"] if abs(later) > SAME_MIN else []
        if move.before_unit != move.after_unit:
            changes.append(f"on {move.after_unit} instead of {move.before_unit}")
        text = f"heat {label} {' and '.join(changes)} ({move.stage})"
        return f"{text}, because {self.because}" if self.because else text

    def summary(self) -> dict[str, Any]:
        """Plain data for JSON."""
        stages = [asdict(move) | {"later_min": move.later_min} for move in self.stages]
        return {**asdict(self), "stages": stages, "says": self.says}


SAME_MIN = 1e-6


def span(minutes: float) -> str:
    """A span in words: 45 min, 3 h 15 min."""
    if minutes < 120:
        return f"{minutes:g} min"
    hours, rest = divmod(minutes, 60)
    return f"{hours:g} h{f' {rest:g} min' if rest else ''}"
