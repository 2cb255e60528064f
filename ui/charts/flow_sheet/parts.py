"""Parts of a flow sheet: boxes, the carriers and stores between them, and the moment that is looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from emberline.scenarios import Scenario
from emberline.ui.text import wording

SMALL = 1e-6
"""Below this nothing flows."""


@dataclass
class Box:
    """A unit, stage, asset or connection."""

    name: str
    lines: list[str] = field(default_factory=list)
    """What it does, one thing each."""
    flows: dict[str, float] = field(default_factory=dict)
    """What it gives to carriers and stores, negative: takes; by their names."""
    level: float | None = None
    """Of what is stored in it, as a share of what it holds."""
    machine: bool = False
    """Whether it turns carriers into others."""

    @property
    def works(self) -> bool:
        """Whether anything flows."""
        return any(abs(amount) > SMALL for amount in self.flows.values())


@dataclass(frozen=True)
class Lane:
    """A carrier, or a store of material."""

    name: str
    unit: str
    supply: float
    """What is given to it, by whomever."""
    level_t: float | None = None
    """Of a store [t]."""
    capacity_t: float = 0.0
    note: str = ""
    """What comes to and leaves a store beside the processes."""


@dataclass(frozen=True)
class Sheet:
    """Everything at a moment, or added up."""

    site: tuple[Box, ...]
    """Above the carriers: connections, supplies, uses, stores."""
    machines: tuple[Box, ...]
    """Below them: what turns carriers into others."""
    production: tuple[Box, ...]
    """Stages in order, or processes."""
    carriers: tuple[Lane, ...]
    stores: tuple[Lane, ...]
    in_line: bool
    """Whether what is made goes from each box of the production to the next."""


@dataclass(frozen=True)
class Moment:
    """Which numbers are asked for: those of one step, or sums over the horizon."""

    scenario: Scenario
    run: xr.Dataset
    step: int | None

    def amount(self, rate: np.ndarray) -> float:
        """A rate by step at the moment, or its sum over the hours."""
        if self.step is None:
            return float(rate.sum()) * self.scenario.horizon.step_h
        return float(rate[self.step])

    def unit(self, carrier: str) -> str:
        """Unit of what flows of a carrier."""
        record = self.scenario.site.carrier[carrier]
        return record.unit if self.step is None else record.rate_unit

    @property
    def tonnes(self) -> str:
        """Unit of what flows of a material."""
        return "t" if self.step is None else "t/h"

    def level(self, ends: np.ndarray, start: float) -> float:
        """A level as the step begins; added up, at the end."""
        at = len(ends) if self.step is None else self.step
        return float(ends[at - 1]) if at else start


def amount_text(amount: float, unit: str) -> str:
    """An amount with its unit, whichever way it flows."""
    size = abs(amount)
    return f"{wording.number(size, 0 if size >= 1000 else 2 if unit.startswith('t') and size < 10 else 1)} {unit}"
