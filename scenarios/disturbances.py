"""Disturbances: spread of durations and energies, breakdowns."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scenarios.quantity import Fraction, Hours, PositiveMinutes
from scenarios.record import Record


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
    """How durations and energies of a unit scatter about their nominal values."""

    unit: str
    duration: Fraction | None = None
    energy: Fraction | None = None
    rate: Fraction | None = None
    """Of a process."""
    distribution: Literal["lognormal", "exponential"] | None = None


class Disturbances(Record):
    """What makes reality differ from the plan; used in disturbed replays only.

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
    planning_quantile: float = Field(default=0.5, ge=0.05, le=0.999)
    """Quantile of each operation's time on its unit that the plan reckons with."""
    replications: int = Field(default=20, ge=0, le=100_000)
    """Disturbed replays of a plan."""
    seed: int = Field(default=1, ge=0, lt=2**63)

    @property
    def processes(self) -> bool:
        """Whether anything of processes is disturbed."""
        return bool(
            self.rate_spread or self.delivery_spread or self.breakdowns or any(spread.rate for spread in self.units)
        )
