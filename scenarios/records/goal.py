"""The goal: what is minimized, under which caps, and how hard the search tries."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, ValidationInfo, model_serializer

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Fraction, Kilograms, Megawatts, Money, in_unit
from emberline.scenarios.records.replanning import Replanning, Using


class Target(StrEnum):
    """Quantity that is minimized first."""

    CARBON = "carbon"
    COST = "cost"
    COST_WITH_CARBON_PRICE = "cost_with_carbon_price"
    WATER = "water"
    LATENESS = "lateness"
    MAKESPAN = "makespan"


class Signal(StrEnum):
    """Carbon intensity of the grid that a goal counts with."""

    AVERAGE = "average"
    MARGINAL = "marginal"

    @property
    def other(self) -> Signal:
        """The one that a goal with this one does not count with."""
        return Signal.MARGINAL if self is Signal.AVERAGE else Signal.AVERAGE

    @property
    def series(self) -> str:
        """Name of its series among the inputs."""
        return "carbon_intensity_kg_per_mwh" if self is Signal.AVERAGE else "marginal_carbon_intensity_kg_per_mwh"


class OtherSignal(StrEnum):
    """Limit on what a plan emits by the carbon intensity that its goal does not count with."""

    NO_WORSE = "no_worse"
    OFF = "off"


def _on_or_off(raw: Any) -> Any:
    return OtherSignal.OFF if raw is False else raw  # YAML reads off as false


class Caps(Record):
    """Limits that a plan must keep."""

    carbon_kg: Kilograms | None = None
    """Scope 2 of the horizon by the chosen signal, plus scope 1."""
    cost: Money | None = None
    water_m3: float | None = Field(default=None, ge=0)
    """Drawn over the horizon."""
    embedded_kg_per_t: dict[str, Annotated[float, Field(gt=0)]] = {}
    """Embedded emissions by grade [kg CO2e/t]: scope 1, and scope 2 by the average intensity."""
    peak_mw: Megawatts | None = None
    """Highest metered mean of the grid import."""
    extra_cost_share: Fraction | None = 0.02
    """Cap on a plan's extra cost over the baseline, as a share of the baseline's cost; none: no cap."""
    other_signal: Annotated[OtherSignal, BeforeValidator(_on_or_off)] | None = None
    """``no_worse``: a plan emits no more than the baseline by the signal that ``signal`` is not; ``off``: it may.

    None: ``no_worse`` where carbon is minimized and the market gives both series.
    """
    other_carbon_kg: Kilograms | None = None
    """Scope 2 of the horizon by the signal that ``signal`` is not, plus scope 1: in the place of the baseline's."""


MAX_HOLD = 0.999
"""Share of days on which a plan can be asked to hold at most."""
HOLD = 0.9
"""Share of days on which a plan is to hold where none is set."""


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
"""Heats, or modes and stores, times steps that are planned with an effort of 60."""


SPARE, MIN_SECONDS = 5.0, 120.0
"""Seconds for each unit of effort where no time limit is given, and the least."""


def net_of(effort: float) -> float:
    """Seconds after which a search with some effort ends in any case, where no time limit is given."""
    return max(SPARE * effort, MIN_SECONDS)


def effort_of(places: int) -> float:
    """Effort of a plan whose scenario names none.

    Args:
        places: heats, or modes and stores, times steps.
    """
    return float(min(max(10 * round(6 * math.sqrt(places / QUICK_PLACES)), 60), 600))


class Goal(Record):
    """Goals are lexicographic: the first is minimized, the others break ties in a fixed order, early starts last."""

    minimize: Target = Target.CARBON
    grade: str | None = None
    """Grade whose embedded emissions are lowered before the carbon of the site; none: no grade goes first."""
    signal: Signal = Signal.AVERAGE
    """Carbon intensity that the goal counts with; a plan shows both."""
    caps: Caps = Caps()
    credit_stock: bool = True
    """Whether stores that end a little above what is wanted count for what their product takes to make."""
    hold: Annotated[Fraction, Field(le=MAX_HOLD), BeforeValidator(_share)] | None = None
    """Share of disturbed days on which a plan keeps its limits, within ``tolerances``; ``off`` or 0: not looked at.

    None: 90 % where disturbances are described and replayed.
    """
    policy: Using | None = None
    """Use of the plan on disturbed days: ``replan``, looked at by the hour and planned again where that is better,
    or ``follow``, as printed.

    None: ``replan`` of lines of heats and of processes with runs that can be moved on their own (no ramp, no carrier),
    else ``follow``.
    """
    replan: Replanning = Replanning()
    """Rules for reviewing a plan that is planned again on a disturbed day."""
    gap: Fraction = 0.01
    """Relative gap on what can be decided at which the search may stop."""
    effort: float | None = Field(default=None, gt=0, le=86_400)
    """Work that a plan may take in all: its draft, and the search for the plan that holds. A unit is about what an idle
    laptop does in a second, counted in iterations and nodes of the solver, rounds of the heuristics, and replays, so
    that the same case gives the same plan on every machine.

    No more units than the time limit has seconds. Where neither is given it follows from heats, or modes and stores,
    times steps: 60 up to 3,000, from there with their root, 600 at most. A search that reaches its gap ends before.
    """
    time_limit_s: float = Field(default=60, gt=0, le=86_400)
    """Time limit of a search, for a slow or busy machine: after it, the plan is the best found by then, and says
    so. Where none is given, five times the effort and 120 s at least are in the place of the default."""

    @property
    def budget(self) -> float:
        """Work that a plan may take in all."""
        return self.time_limit_s if self.effort is None else min(self.effort, self.time_limit_s)

    @property
    def time_limited(self) -> bool:
        """Whether the time limit is the user's, and not the safety net of the effort."""
        return self.effort is None or self.time_limit_s != net_of(self.effort)

    @model_serializer(mode="wrap")
    def _with_limit(self, remaining: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # also where it equals the default: read again it must not follow from heats and steps
        return {**remaining(self), "time_limit_s": self.time_limit_s}
