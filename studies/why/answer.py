"""Alternatives to a decision, each planned again and compared with the plan."""

from __future__ import annotations

from dataclasses import dataclass, field

import xarray as xr

from emberline.scenarios.plain import Plain
from emberline.studies.difference.moves import HeatMove

FULL = "planned again as a whole"
ESTIMATE = "estimate: held to the plan's other heats"


@dataclass(frozen=True)
class More(Plain):
    """Increase from the stored plan to another one, with stock credited; negative values are decreases."""

    carbon_kg: float
    cost: float
    peak_mw: float


@dataclass(frozen=True)
class Answer(Plain):
    """Alternative to a decision."""

    named = {"schedule": ""}
    key: str
    """``as it is``; for a heat ``freed``, ``earlier``, ``later``, ``baseline``, ``at``, ``unit``; for a unit
    ``without``, ``on``, for one of its runs ``idle``; for an hour ``idle``, ``more``, ``less``; for a lock ``lock``."""
    says: str
    status: str
    """Status of the search: ``within gap``, ``best found``, ``infeasible`` (proven), ``no plan within the limit`` …"""
    gap: float | None = None
    """Gap of the search; fixed emissions and costs are left out."""
    bound: float | None = None
    """Lower bound on the goal under this alternative, in the measure of ``objective``."""
    objective: float | None = None
    """Goal of the plan that was found [kg CO2e or currency]."""
    more: More | None = None
    """Increase in its undisturbed replay; None: there is no plan, or the twin found violations."""
    low: float | None = None
    """Lower limit of the increase of the goal over the stored plan, by the bound."""
    high: float | None = None
    """Upper limit of the increase of the goal, from the plan that was found."""
    start_min: float | None = None
    """Start of the heat in that plan [min after the start of the horizon]."""
    unit: str = ""
    limits: tuple[str, ...] = ()
    """Limits that bind there with everything else as planned; empty if only the goal decides."""
    because: str = ""
    """Difference in the goal's signal there, in words."""
    moves: tuple[HeatMove, ...] = field(default=(), repr=False)
    """Other heats that move in that plan."""
    reason: str = ""
    """Reason why there is no plan."""
    how: str = FULL
    schedule: xr.Dataset | None = field(default=None, repr=False)

    @property
    def has_plan(self) -> bool:
        """Whether a plan with this alternative is known."""
        return self.more is not None


@dataclass(frozen=True)
class Slot:
    """Possible start of a heat with all other heats fixed."""

    start_min: float
    limits: tuple[str, ...]
    """Limits that prevent this start; empty if it is possible."""
    more_of_goal: float | None = None
    """Estimated cost in the goal's measure; None: the start is impossible."""


@dataclass(frozen=True)
class Worth(Plain):
    """Value of an additional MWh in an hour."""

    named = {"assumption": "held"}
    value: float
    """Cost of an additional MWh of load, mean of the hour's steps."""
    unit: str
    assumption: str
    """Decisions that are fixed in the linear program, in words."""


@dataclass(frozen=True)
class Report(Plain):
    """Data of scenario and plan that every report on a stored plan contains."""

    scenario: str
    currency: str
    goal: str
    unit: str
    """Unit of the goal."""
    status: str
    """Status of the stored plan."""
    gap: float | None


@dataclass(frozen=True)
class Why(Report):
    """Answer to one question about a stored plan."""

    question: str
    slack: float | None
    """Maximum possible improvement of the stored plan, in the goal's measure; None: no bound is known."""
    facts: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    """Facts on the whole unit, if the question is about one of its runs."""
    answers: tuple[Answer, ...] = ()
    slots: tuple[Slot, ...] = ()
    worth: Worth | None = None
    complete: bool = True
    """Whether all alternatives were tried within the time."""
    seconds: float = 0.0
