"""Goal of a plan: objective, caps, and effort of the search."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, ValidationInfo, model_serializer

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Fraction, Kilograms, Megawatts, Money, in_unit
from emberline.scenarios.records.replanning import Replanning, Using


class Target(StrEnum):
    """Primary objective."""

    CARBON = "carbon"
    COST = "cost"
    COST_WITH_CARBON_PRICE = "cost_with_carbon_price"
    WATER = "water"
    LATENESS = "lateness"
    MAKESPAN = "makespan"


class Signal(StrEnum):
    """Carbon intensity of the grid used by a goal."""

    AVERAGE = "average"
    MARGINAL = "marginal"

    @property
    def other(self) -> Signal:
        """The other intensity."""
        return Signal.MARGINAL if self is Signal.AVERAGE else Signal.AVERAGE

    @property
    def series(self) -> str:
        """Name of its series in the inputs."""
        return "carbon_intensity_kg_per_mwh" if self is Signal.AVERAGE else "marginal_carbon_intensity_kg_per_mwh"


class OtherSignal(StrEnum):
    """Limit on the emissions of a plan with the intensity that its goal does not use."""

    NO_WORSE = "no_worse"
    OFF = "off"


def _on_or_off(raw: Any) -> Any:
    return OtherSignal.OFF if raw is False else raw  # YAML reads off as false


class Caps(Record):
    """Limits that a plan must keep."""

    carbon_kg: Kilograms | None = None
    """Emissions of scope 1 and 2 over the horizon, with the chosen signal."""
    cost: Money | None = None
    water_m3: float | None = Field(default=None, ge=0)
    """Water consumption over the horizon."""
    embedded_kg_per_t: dict[str, Annotated[float, Field(gt=0)]] = {}
    """Embedded emissions by grade [kg CO2e/t]: scope 1, and scope 2 with the average intensity."""
    peak_mw: Megawatts | None = None
    """Highest metered mean of the grid import."""
    extra_cost_share: Fraction | None = 0.02
    """Cap on a plan's extra cost over the baseline, as a share of the baseline's cost; none: no cap."""
    other_signal: Annotated[OtherSignal, BeforeValidator(_on_or_off)] | None = None
    """``no_worse``: with the signal other than ``signal``, a plan may not emit more than the baseline; ``off``: it may.

    None: ``no_worse`` if carbon is minimized and the market provides both series.
    """
    other_carbon_kg: Kilograms | None = None
    """Emissions of scope 1 and 2 over the horizon with the signal other than ``signal``; replaces ``no_worse``."""


MAX_HOLD = 0.999
"""Largest share of days on which a plan may be required to hold."""
HOLD = 0.9
"""Default share of days on which a plan must hold."""


def _share(raw: Any, info: ValidationInfo) -> Any:
    if raw is None or raw is False or (isinstance(raw, str) and raw.strip().lower() == "off"):
        return None if raw is None else 0
    try:
        share = in_unit("")(raw, info)
        share = round(share, 12)
        possible = 0 <= share <= MAX_HOLD
    except (TypeError, ValueError):
        possible = False
    if not possible:
        got = str(raw).lower() if isinstance(raw, bool) else str(raw)[:40]
        raise ValueError(f"must be a share of days, {100 * MAX_HOLD:g} % at most, such as 90 %, or off; got {got}")
    return share


QUICK_PLACES = 3_000
"""Size of a problem (heats, or modes and stores, times steps) planned with an effort of 60."""


SPARE, MIN_SECONDS = 5.0, 120.0
"""Default time limit per unit of effort, and its minimum [s]."""


def net_of(effort: float) -> float:
    """Return the default time limit of a search with a given effort [s]."""
    return max(SPARE * effort, MIN_SECONDS)


def effort_of(places: int) -> float:
    """Return the default effort of a plan.

    Args:
        places: size of the problem: heats, or modes and stores, times steps.
    """
    return float(min(max(10 * round(6 * math.sqrt(places / QUICK_PLACES)), 60), 600))


class Goal(Record):
    """Lexicographic goal: the first objective is minimized, others break ties in a fixed order, early starts last."""

    minimize: Target = Target.CARBON
    grade: str | None = None
    """Grade whose embedded emissions are minimized before the carbon of the site; none: no grade has priority."""
    signal: Signal = Signal.AVERAGE
    """Carbon intensity used by the goal; a plan shows both."""
    caps: Caps = Caps()
    credit_stock: bool = True
    """Whether stock above the required final level is credited with the cost of its production."""
    hold: Annotated[Fraction, Field(le=MAX_HOLD), BeforeValidator(_share)] | None = None
    """Share of disturbed days on which a plan must keep its limits, within ``tolerances``; ``off`` or 0: not required.

    None: 90 % if disturbances are given and replayed.
    """
    policy: Using | None = None
    """Use of the plan on disturbed days: ``replan`` (reviewed hourly and replanned if that is better) or ``follow`` (as
    printed).

    None: ``replan`` for lines of heats, and for processes whose runs can be moved independently (no ramp, no carrier);
    ``follow`` otherwise.
    """
    replan: Replanning = Replanning()
    """Rules for replanning on a disturbed day."""
    gap: Fraction = 0.01
    """Relative gap, excluding fixed parts of the goal, at which the search may stop."""
    effort: float | None = Field(default=None, gt=0, le=86_400)
    """Total work for a plan: its draft and the search for a plan that holds. A unit is about one second of an idle
    laptop, counted in iterations and nodes of the solver, rounds of the heuristics, and replays, so that the same case
    gives the same plan on every machine.

    The effort is at most the number of seconds of the time limit. If neither is given, it depends on the size of the
    problem (heats, or modes and stores, times steps): 60 up to a size of 3,000, then proportional to the square root,
    at most 600. A search that reaches its gap ends earlier.
    """
    time_limit_s: float = Field(default=60, gt=0, le=86_400)
    """Time limit of a search, for slow or busy machines; when it is reached, the plan is the best found so far, and
    reports it. If it is not given, it is five times the effort, at least 120 s."""

    @property
    def budget(self) -> float:
        """Total work for a plan."""
        return self.time_limit_s if self.effort is None else min(self.effort, self.time_limit_s)

    @property
    def time_limited(self) -> bool:
        """Whether the time limit is given by the user rather than derived from the effort."""
        return self.effort is None or self.time_limit_s != net_of(self.effort)

    @model_serializer(mode="wrap")
    def _with_limit(self, remaining: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # written even if it is the default, so that it is not derived again on loading
        return {**remaining(self), "time_limit_s": self.time_limit_s}
