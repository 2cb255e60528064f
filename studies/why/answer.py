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
    """Increase from the stored plan to another one, with stock credited. Negative values are decreases."""

    carbon_kg: float
    cost: float
    peak_mw: float


@dataclass(frozen=True)
class Answer(Plain):
    """One thing that could be otherwise."""

    named = {"schedule": ""}
    key: str
    """``as it is``; of a heat ``freed``, ``earlier``, ``later``, ``baseline``, ``at``, ``unit``; of a unit ``without``,
    ``on``, of a run of it ``idle``; of an hour ``idle``, ``more``, ``less``; of a lock ``lock``."""
    says: str
    status: str
    """Of the search: ``within gap``, ``best found``, ``infeasible`` (proven), ``no plan within the limit`` …"""
    gap: float | None = None
    """On what can be decided."""
    bound: float | None = None
    """No plan with it has less of the goal, in the measure of ``objective``."""
    objective: float | None = None
    """The goal of the plan that was found, kg CO2e or currency."""
    more: More | None = None
    """By its undisturbed replay; None: there is no such plan, or the twin found fault with it."""
    low: float | None = None
    """By how much at least it has more of the goal than the stored plan: the bound less the stored plan's."""
    high: float | None = None
    """By how much the plan that was found has more: what it costs at most."""
    start_min: float | None = None
    """Start of the heat in that plan [min after the start of the horizon]."""
    unit: str = ""
    limits: tuple[str, ...] = ()
    """Limits that bind there with everything else as planned. Empty if only the goal decides."""
    because: str = ""
    """Difference in the goal's signal there, in words."""
    moves: tuple[HeatMove, ...] = field(default=(), repr=False)
    """Heats that lie elsewhere then."""
    reason: str = ""
    """Why there is no plan."""
    how: str = FULL
    schedule: xr.Dataset | None = field(default=None, repr=False)

    @property
    def has_plan(self) -> bool:
        """Whether a plan with it is known."""
        return self.more is not None


@dataclass(frozen=True)
class Slot:
    """A start that a heat could have with all other heats where they are."""

    start_min: float
    limits: tuple[str, ...]
    """Limits that prevent this start. Empty if the heat could start there."""
    more_of_goal: float | None = None
    """Estimate: what it costs in the goal's measure; None: it cannot start there."""


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
    """Facts of scenario and plan that every report on a stored plan has."""

    scenario: str
    currency: str
    goal: str
    unit: str
    """Of the goal."""
    status: str
    """Of the stored plan."""
    gap: float | None


@dataclass(frozen=True)
class Why(Report):
    """The answer to one question about a stored plan."""

    question: str
    slack: float | None
    """By how much the stored plan may be off the best, in the goal's measure; None: no bound is known."""
    facts: tuple[str, ...] = ()
    rest: tuple[str, ...] = ()
    """Facts of the whole unit, where one run of it was asked about."""
    answers: tuple[Answer, ...] = ()
    slots: tuple[Slot, ...] = ()
    worth: Worth | None = None
    complete: bool = True
    """Whether all was tried before the time was over."""
    seconds: float = 0.0
