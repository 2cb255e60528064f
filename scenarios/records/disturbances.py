"""Disturbances: random durations, energies and breakdowns, with tolerances, margins and recourse."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Fraction, Hours, Megawatts, Minutes, PositiveMinutes, in_unit

Quantile = Annotated[float, Field(ge=0.05, le=0.999)]


MARGINS = ("planning_quantile", "margins", "due_margin_min", "import_margin_mw", "stock_margins")
"""Keys of ``disturbances`` that are margins of a plan."""


class Breakdown(Record):
    """Random failure and repair of a unit; both times are exponentially distributed.

    The name of a process with several units applies to each of them.
    """

    unit: str
    mtbf_h: Hours
    """Mean operating time between failures."""
    mttr_min: PositiveMinutes
    """Mean time to repair."""


class Spread(Record):
    """Spread of a unit's durations and energies around their nominal values."""

    unit: str
    duration: Fraction | None = None
    energy: Fraction | None = None
    rate: Fraction | None = None
    """Spread of the rate of a process."""
    distribution: Literal["lognormal", "exponential"] | None = None


class StageMargin(Record):
    """Time reserved by a plan at a stage of the line for disturbances.

    Margins are constraints of plans, and dispatchers keep ``slack_min`` as far as possible; replays are judged by the
    limits themselves. The baseline schedule has no margins.
    """

    stage: str
    quantile: Quantile | None = None
    """Quantile of the duration of operations at this stage, instead of ``planning_quantile``."""
    slack_min: Minutes = 0
    """Time by which a heat is ready before the start of the next stage."""
    wait_min: Minutes = 0
    """Time by which the wait for the next stage is shorter than the limit."""


class StockMargin(Record):
    """Reserve of a plan in a store, for larger deliveries and breakdowns.

    Margins are constraints of plans only. A store with a lower initial level is kept at that level.
    """

    store: str
    reserve_t: Annotated[float, BeforeValidator(in_unit("t")), Field(ge=0, le=1e6)] = 0
    """Lowest level in the plan before the end of the horizon."""


class Tolerances(Record):
    """Tolerated violations of limits on a disturbed day, by kind of limit.

    Plans and undisturbed replays must keep the limits themselves.
    """

    wait_min: Minutes = 5
    """Tolerance above the longest wait between two stages."""
    cast_gap_min: Minutes = 2
    """Tolerated gap between two heats of a cast, which a caster bridges by slowing down."""
    metered_mw: Megawatts = 0
    """Tolerance above the import or export limit in a metered interval."""
    due_min: Minutes = 0
    """Tolerated delay after a due time or the end of the horizon."""

    def of(self, kind: str) -> float:
        """Return the tolerance for a kind of violation in its unit of measure; for unfinished heats in minutes."""
        by_kind = {"wait": self.wait_min, "cast": self.cast_gap_min, "due": self.due_min, "unfinished": self.due_min}
        by_kind |= dict.fromkeys(("import", "export"), self.metered_mw)
        return by_kind.get(kind, 0.0)


class Recourse(Record):
    """Actions of the dispatcher on a disturbed day to meet limits; actions that are not given are disabled.

    Recourse requires disturbances. It applies to the plan and the baseline alike.
    """

    assets: bool = False
    """Whether machines and stores may deviate from their set-points to cover unplanned demand."""
    battery_most_mwh: Annotated[float, Field(ge=0)] | None = None
    """Largest deviation from battery set-points over the horizon to keep the import limit; none: no limit."""
    battery_cost_per_mwh: Annotated[float, Field(ge=0)] = 0
    """Cost of this energy."""
    engine_most_mwh: Annotated[float, Field(ge=0)] = 0
    """Largest electricity above plan over the horizon from machines that are on, to keep the import limit in every
    metered interval; used before the battery."""
    engine_cost_per_mwh: Annotated[float, Field(ge=0)] = 0
    """Cost of this electricity, excluding fuel."""
    less_power_share: Annotated[float, Field(ge=0, le=0.9)] = 0
    """Share of power that load management may withhold from a heat at its first stage, to keep the import limit in
    every metered interval; the heat takes longer. It is used before a later start."""
    less_power_cost_per_h: Annotated[float, Field(ge=0)] = 0
    """Cost of the extra duration."""
    cast_longer_share: Fraction = 0
    """Largest relative extension of casting time while the next heat of the cast is expected late."""
    cast_longer_cost_per_h: Annotated[float, Field(ge=0)] = 0
    """Cost of the extra casting time."""
    end_cast_most: Annotated[int, Field(ge=0)] = 0
    """Largest number of casts ended early over the horizon; the rest of the cast follows after a new set-up."""
    end_cast_after_min: Minutes = 10
    """Expected delay of the next heat above which a cast is ended."""
    end_cast_cost: Annotated[float, Field(ge=0)] = 0
    """Cost per cast ended early."""
    return_most: Annotated[int, Field(ge=0)] = 0
    """Largest number of heats over the horizon that return to the reheating stage after too long a wait, instead of
    being cast too cold."""
    return_min: PositiveMinutes = 20
    """Duration of a return, excluding transfers."""
    return_cost: Annotated[float, Field(ge=0)] = 0
    """Cost per return, excluding electricity."""
    start_later_min: Minutes = 0
    """Longest delay of a heat at its first stage by load management, to keep the import limit in every metered
    interval."""
    start_later_cost_per_h: Annotated[float, Field(ge=0)] = 0
    """Cost of the delay."""


class Disturbances(Record):
    """Causes of deviations from the plan; used in disturbed replays only.

    A lognormal distribution has the nominal value as its median and ``spread`` as the standard deviation of its
    logarithm; an exponential one has the nominal value as its mean.
    """

    duration_spread: Fraction = 0
    energy_spread: Fraction = 0
    rate_spread: Fraction = 0
    """Spread of the output of processes in a shift of 8 h."""
    delivery_spread: Fraction = 0
    """Spread of the amount of each delivery on a local day."""
    distribution: Literal["lognormal", "exponential"] = "lognormal"
    units: tuple[Spread, ...] = ()
    """Units with their own spread."""
    breakdowns: tuple[Breakdown, ...] = ()
    """Breakdowns by unit. A unit that works 112 h per week and fails twice has 56 h between failures."""
    planning_quantile: Quantile = 0.5
    """Quantile of the durations assumed in the plan."""
    hold: Annotated[Fraction, Field(gt=0, lt=1)] | None = None
    """As ``goal.hold``, which takes precedence; for scenarios written for earlier releases."""
    margins: tuple[StageMargin, ...] = ()
    """Margins, at most one per stage; determined by ``emberline hold``."""
    due_margin_min: Minutes = 0
    """Time by which a plan finishes each heat before its due time or the end of the horizon."""
    import_margin_mw: Megawatts = 0
    """Margin of a plan below the import limit."""
    stock_margins: tuple[StockMargin, ...] = ()
    """Margins, at most one per store; determined by ``emberline hold``."""
    replications: int = Field(default=20, ge=0, le=100_000)
    """Number of disturbed replays of a plan."""
    seed: int = Field(default=1, ge=0, lt=2**63)

    @property
    def processes(self) -> bool:
        """Whether any disturbance applies to processes."""
        return bool(
            self.rate_spread or self.delivery_spread or self.breakdowns or any(spread.rate for spread in self.units)
        )

    @property
    def heats(self) -> bool:
        """Whether any disturbance applies to the heats of a line."""
        units = any(spread.duration or spread.energy or spread.distribution == "exponential" for spread in self.units)
        scatter = self.duration_spread or self.energy_spread or self.distribution == "exponential"
        return bool(scatter or units or self.breakdowns)

    @cached_property
    def margin(self) -> dict[str, StageMargin]:
        """Margins by stage."""
        return {margin.stage: margin for margin in self.margins}

    @property
    def has_margins(self) -> bool:
        """Whether plans have any margin other than stock margins."""
        return bool(self.margins or self.due_margin_min or self.import_margin_mw)

    def reserve_t(self, store: str) -> float:
        """Return the reserve of a plan in a store [t]."""
        return next((margin.reserve_t for margin in self.stock_margins if margin.store == store), 0.0)

    def quantile(self, stage: str) -> float:
        """Return the quantile of durations at a stage assumed in the plan."""
        quantile = self.margin[stage].quantile if stage in self.margin else None
        return self.planning_quantile if quantile is None else quantile

    def slack_min(self, stage: str) -> float:
        """Return the time by which heats of a plan are ready before the start of the next stage [min]."""
        return self.margin[stage].slack_min if stage in self.margin else 0.0

    def wait_min(self, stage: str) -> float:
        """Return the time by which waits after a stage are shorter than the limit in a plan [min]."""
        return self.margin[stage].wait_min if stage in self.margin else 0.0
