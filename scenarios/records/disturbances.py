"""Disturbances: spread of durations and energies, breakdowns; and what is tolerated under them."""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from emberline.scenarios.records.base import Record
from emberline.scenarios.records.quantity import Fraction, Hours, Megawatts, Minutes, PositiveMinutes, in_unit

Quantile = Annotated[float, Field(ge=0.05, le=0.999)]


MARGINS = ("planning_quantile", "margins", "due_margin_min", "import_margin_mw", "stock_margins")
"""Keys of disturbances that are margins of a plan."""


class Breakdown(Record):
    """A unit fails after working for some time and is repaired; both times are exponential.

    The name of a process of several units stands for each of them.
    """

    unit: str
    mtbf_h: Hours
    """Mean working time between failures."""
    mttr_min: PositiveMinutes
    """Mean time to repair."""


class Spread(Record):
    """Scatter of a unit's durations and energies about their nominal values."""

    unit: str
    duration: Fraction | None = None
    energy: Fraction | None = None
    rate: Fraction | None = None
    """Of a process."""
    distribution: Literal["lognormal", "exponential"] | None = None


class StageMargin(Record):
    """Time that a plan leaves free at a stage of the line for a reality that differs.

    Margins bind plans, and who follows one keeps ``slack_min`` as well as he can; a replay is judged by the limits
    themselves. The baseline schedule, against which is compared, has none.
    """

    stage: str
    quantile: Quantile | None = None
    """Of each operation's time here, in place of ``planning_quantile``."""
    slack_min: Minutes = 0
    """Time by which a heat is ready before the next stage takes it."""
    wait_min: Minutes = 0
    """By how much a heat waits less for the next stage than it might."""


class StockMargin(Record):
    """Reserve of a plan in a store of processes, for larger deliveries and for units that fail.

    Margins bind plans only. A store that begins with less is kept where it begins.
    """

    store: str
    reserve_t: Annotated[float, BeforeValidator(in_unit("t")), Field(ge=0, le=1e6)] = 0
    """Level that the plan does not fall below before the end."""


class Tolerances(Record):
    """By how much a limit may be missed on a disturbed day before the day counts as broken, by kind of limit.

    Plans keep every limit itself, and an undisturbed replay is judged by the limits themselves.
    """

    wait_min: Minutes = 5
    """Beyond the longest wait between two stages."""
    cast_gap_min: Minutes = 2
    """Between two heats of a cast: a caster slows down for so long."""
    metered_mw: Megawatts = 0
    """Above the import or export limit in a metered interval."""
    due_min: Minutes = 0
    """Beyond a due time, or the horizon's end."""

    def of(self, kind: str) -> float:
        """By how much a limit may be missed, by the kind of a violation and in its unit of measure; of heats that are
        not finished within the horizon in minutes."""
        by_kind = {"wait": self.wait_min, "cast": self.cast_gap_min, "due": self.due_min, "unfinished": self.due_min}
        by_kind |= dict.fromkeys(("import", "export"), self.metered_mw)
        return by_kind.get(kind, 0.0)


class Recourse(Record):
    """Recourse of a plant's dispatcher on a disturbed day to meet a limit; actions that are not listed are off.

    Without disturbance nothing of it acts. It acts for the plan and for the baseline alike.
    """

    assets: bool = False
    """Machines and stores of the site answer to a need that is not as planned: their set-points give way to it."""
    battery_most_mwh: Annotated[float, Field(ge=0)] | None = None
    """Energy by which the battery's set-points give way to the import limit over the horizon; none: no limit."""
    battery_cost_per_mwh: Annotated[float, Field(ge=0)] = 0
    """For that energy."""
    engine_most_mwh: Annotated[float, Field(ge=0)] = 0
    """Electricity that machines which are on may give more than planned over the horizon, so that no metered interval
    exceeds the import limit; before the battery."""
    engine_cost_per_mwh: Annotated[float, Field(ge=0)] = 0
    """For that electricity, its fuel apart."""
    less_power_share: Annotated[float, Field(ge=0, le=0.9)] = 0
    """Share of its power that load management may hold back from a heat at its first stage, so that no metered interval
    exceeds the import limit; the heat takes longer. It comes before a later start."""
    less_power_cost_per_h: Annotated[float, Field(ge=0)] = 0
    """For the time by which it takes longer."""
    cast_longer_share: Fraction = 0
    """By how much longer a caster may take for a part of a heat while the next one of the cast will be late."""
    cast_longer_cost_per_h: Annotated[float, Field(ge=0)] = 0
    """For the time by which it casts longer."""
    end_cast_most: Annotated[int, Field(ge=0)] = 0
    """Maximum number of casts ended early over the horizon; the rest of the cast follows after a new set-up."""
    end_cast_after_min: Minutes = 10
    """A cast is ended where its next heat is expected later than this."""
    end_cast_cost: Annotated[float, Field(ge=0)] = 0
    """For each cast that is ended."""
    return_most: Annotated[int, Field(ge=0)] = 0
    """Maximum number of heats that, after too long a wait for the next stage, go back to the reheating stage over the
    horizon, instead of being cast too cold."""
    return_min: PositiveMinutes = 20
    """Time that a heat takes there, transfers apart."""
    return_cost: Annotated[float, Field(ge=0)] = 0
    """For each heat that goes back, its electricity apart."""
    start_later_min: Minutes = 0
    """Longest delay of a heat at its first stage by load management, so that no metered interval exceeds the import
    limit."""
    start_later_cost_per_h: Annotated[float, Field(ge=0)] = 0
    """For the time by which it is held back."""


class Disturbances(Record):
    """Causes by which reality differs from the plan; used in disturbed replays only.

    A lognormal spread has the nominal value as its median and ``spread`` as the standard deviation of its logarithm;
    an exponential one has the nominal value as its mean.
    """

    duration_spread: Fraction = 0
    energy_spread: Fraction = 0
    rate_spread: Fraction = 0
    """Of what processes make within a shift of 8 h."""
    delivery_spread: Fraction = 0
    """Of what leaves by each delivery in a local day."""
    distribution: Literal["lognormal", "exponential"] = "lognormal"
    units: tuple[Spread, ...] = ()
    """Units that differ from the general spread."""
    breakdowns: tuple[Breakdown, ...] = ()
    """Units that fail and are repaired. One that works 112 h a week and fails twice in it: 56 h between failures."""
    planning_quantile: Quantile = 0.5
    """Quantile of each operation's time on its unit that the plan reckons with."""
    hold: Annotated[Fraction, Field(gt=0, lt=1)] | None = None
    """As ``goal.hold``, which comes first; of scenarios written for earlier releases."""
    margins: tuple[StageMargin, ...] = ()
    """By stage, each once; ``emberline hold`` finds them."""
    due_margin_min: Minutes = 0
    """By how much a plan finishes each heat before it is due, or before the horizon ends."""
    import_margin_mw: Megawatts = 0
    """By how much a plan draws less than the import limit."""
    stock_margins: tuple[StockMargin, ...] = ()
    """By store, each once; ``emberline hold`` finds them."""
    replications: int = Field(default=20, ge=0, le=100_000)
    """Disturbed replays of a plan."""
    seed: int = Field(default=1, ge=0, lt=2**63)

    @property
    def processes(self) -> bool:
        """Whether anything of processes is disturbed."""
        return bool(
            self.rate_spread or self.delivery_spread or self.breakdowns or any(spread.rate for spread in self.units)
        )

    @property
    def heats(self) -> bool:
        """Whether anything of the heats of a line is disturbed."""
        units = any(spread.duration or spread.energy or spread.distribution == "exponential" for spread in self.units)
        scatter = self.duration_spread or self.energy_spread or self.distribution == "exponential"
        return bool(scatter or units or self.breakdowns)

    @cached_property
    def margin(self) -> dict[str, StageMargin]:
        """Margins by stage."""
        return {margin.stage: margin for margin in self.margins}

    @property
    def has_margins(self) -> bool:
        """Whether a plan keeps any margin."""
        return bool(self.margins or self.due_margin_min or self.import_margin_mw)

    def reserve_t(self, store: str) -> float:
        """Reserve of a plan in a store [t]."""
        return next((margin.reserve_t for margin in self.stock_margins if margin.store == store), 0.0)

    def quantile(self, stage: str) -> float:
        """Quantile of each operation's time at a stage that the plan reckons with."""
        quantile = self.margin[stage].quantile if stage in self.margin else None
        return self.planning_quantile if quantile is None else quantile

    def slack_min(self, stage: str) -> float:
        """Time by which a plan lets a heat be ready before the stage after this one takes it [min]."""
        return self.margin[stage].slack_min if stage in self.margin else 0.0

    def wait_min(self, stage: str) -> float:
        """By how much a plan's waits after a stage are shorter than the longest [min]."""
        return self.margin[stage].wait_min if stage in self.margin else 0.0
