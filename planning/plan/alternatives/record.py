"""Alternatives to a plan as records: a point of its quick front, and the day as it was run."""

from __future__ import annotations

from dataclasses import dataclass

from emberline.planning.accounts.figures import SAME, Figures
from emberline.scenarios.plain import Plain

ONE_SIGNAL, LEAST_CARBON, NO_REGRET, LEAST_COST = NAMES = ("one signal", "least carbon", "no regret", "least cost")
"""*One signal*: least carbon by the goal's signal, whatever is emitted by the other one. *No regret*: least carbon of
what costs no more than the baseline."""


@dataclass(frozen=True)
class Choice(Plain):
    """A plan that could be chosen: undisturbed figures, and how sure its search is."""

    name: str
    """Of ``NAMES``."""
    figures: Figures
    carbon_kg: float
    """Saved against the baseline by the goal's signal, stock credited."""
    cost: float
    """Saved likewise, of the whole bill."""
    status: str
    gap: float | None
    is_plan: bool = False
    """Whether it is the plan itself."""

    @property
    def worse(self) -> bool:
        """Whether it is worse than the baseline at what it stands for, and so no *least*."""
        saved, of = (
            (self.cost, self.figures.cost) if self.name == LEAST_COST else (self.carbon_kg, self.figures.carbon_kg)
        )
        return saved < -SAME * max(abs(of), 1.0)


@dataclass(frozen=True)
class AsRun(Plain):
    """Day with which a plan is compared."""

    log: str
    """File of the heats."""
    meter: str = ""
    """File of the meter; empty: electricity is that of the scenario's heats."""
    missed: int = 0
    """Limits that the plant missed that day, with the scenario's durations."""
