"""One fitted figure with its interval, and the scenario's value next to it."""

from __future__ import annotations

from dataclasses import dataclass

FEWEST = 10
"""Observations of a unit and grade below which the scenario's value is kept."""
FEWEST_BREAKDOWNS = 5
"""Breakdowns of a unit below which the scenario's values are kept."""
UNITS = {
    "duration": "min",
    "duration_spread": "1",
    "energy": "kWh/t",
    "energy_spread": "1",
    "mtbf": "h",
    "mttr": "min",
}
"""Kinds of figures with their unit of measure."""


@dataclass(frozen=True)
class Estimate:
    """A figure of the disturbance model or of a grade on a unit."""

    kind: str
    """One of ``UNITS``."""
    unit: str
    grade: str
    """Empty where the figure holds for all grades."""
    before: float | None
    """The scenario's; None: it has none."""
    n: int
    """Observations."""
    value: float | None = None
    """Fitted; None: the scenario's is kept."""
    low: float | None = None
    high: float | None = None
    log_error: float = 0.0
    """Standard error of the logarithm."""
    reason: str = ""
    """Why the scenario's value is kept."""

    @property
    def fitted(self) -> bool:
        """Whether the log tells it."""
        return self.value is not None

    def as_dict(self) -> dict[str, float | int | str | None]:
        """Everything as plain data."""
        return {
            "kind": self.kind,
            "unit": self.unit,
            "grade": self.grade,
            "unit_of_measure": UNITS[self.kind],
            "before": self.before,
            "n": self.n,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "reason": self.reason,
        }
