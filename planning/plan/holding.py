"""Result under disturbance of a plan that was made to hold, and its price: plain data, stored with the run."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from emberline.scenarios.plain import Plain


@dataclass(frozen=True)
class Holding(Plain):
    """A plan on disturbed days that no search has seen, next to the baseline and its own draft on the same days."""

    level: float
    """Share of the days on which the plan is to hold."""
    status: str
    """``holds``, ``not shown``, ``cannot``, ``out of time`` or ``cancelled``, as of ``emberline hold``."""
    reached: bool
    """Whether the share of the days on which it held is the level or more."""
    days: int
    share: float
    """Of the days on which it held."""
    interval: tuple[float, float]
    """Of the share, at 95 %."""
    baseline_share: float | None
    draft_share: float | None
    severity: dict[str, int]
    """Days by severity: ``kept``, ``recourse`` (kept with recourse), ``broken``."""
    baseline_severity: dict[str, int]
    recourse_cost: float
    """Of recourse on a day in the mean, part of the cost of a day."""
    draft_objective: float | None
    """Of the plan before margins were raised."""
    draft_bound: float | None
    draft_gap: float | None
    draft_figures: dict[str, Any]
    """Of its undisturbed replay, as ``Figures.summary``."""
    draft_saving: dict[str, float]
    """Against the baseline, as ``Plan.saved``."""
    price: dict[str, dict[str, float]]
    """By figure: the plan less its draft, undisturbed (``nominal``) and in the mean of the same days (``mean``)."""
    most_price: float | None
    """The most that holding can cost by the goal, by the draft's bound."""
    margins: dict[str, float]
    settings: tuple[str, ...]
    """Overrides that repeat the margins."""
    request: dict[str, Any]
    """Margins that the scenario asked for itself, as keys of its ``disturbances``."""
    misses: tuple[dict[str, Any], ...]
    """Limits missed, the most frequent first: ``kind``, ``stage``, ``unit``, ``days``, ``typical`` and ``worst``
    amount in ``measure``, and ``hour`` after the start in which it is missed most often."""
    margins_bound: float | None = None
    """Of plans with these margins; the bound of the plan itself is that of all plans."""
    margins_gap: float | None = None
    reasons: tuple[str, ...] = ()
    """Obstacles where the level is not reached, and what would help."""
    rounds: int = 0
    limit_s: float = 0.0
    """Time that the plan was given in all."""
    seconds: float = 0.0
    """Time that it took."""

    @classmethod
    def read(cls, content: dict[str, Any]) -> Holding:
        """The record of plain data; what another release tells besides is left out."""
        names = {field.name for field in fields(cls)}
        mine = {name: value for name, value in content.items() if name in names}
        for name in ("interval", "settings", "misses", "reasons"):
            mine[name] = tuple(mine.get(name, ()))
        return cls(**mine)
