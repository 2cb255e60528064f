"""Parts of a flow sheet: boxes, the carriers and stores between them, and the moment shown."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from emberline.reports.text import wording
from emberline.scenarios import Case

SMALL = 1e-6
"""Smaller flows count as zero."""


@dataclass
class Box:
    """A unit, stage, asset or connection."""

    name: str
    lines: list[str] = field(default_factory=list)
    """What it does, one item each."""
    flows: dict[str, float] = field(default_factory=dict)
    """Flow to carriers and stores by name; negative: it consumes."""
    level: float | None = None
    """Level of its storage, as a share of the capacity."""
    machine: bool = False
    """Whether it converts carriers."""
    onwards: bool = False
    """Whether what it makes goes on to the next box."""

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
    """Total supply from all boxes."""
    level_t: float | None = None
    """Level of a store [t]."""
    capacity_t: float = 0.0
    note: str = ""
    """Arrivals to and deliveries from a store."""


@dataclass(frozen=True)
class Sheet:
    """All boxes and lanes at a moment, or as totals."""

    site: tuple[Box, ...]
    """Above the carriers: connections, supplies, uses, stores."""
    machines: tuple[Box, ...]
    """Below them: converters of carriers."""
    production: tuple[Box, ...]
    """Stages in order, or processes."""
    carriers: tuple[Lane, ...]
    stores: tuple[Lane, ...]


@dataclass(frozen=True)
class Moment:
    """The numbers to show: those of one step, or totals over the horizon."""

    scenario: Case
    run: xr.Dataset
    step: int | None

    def amount(self, rate: np.ndarray) -> float:
        """A rate at the moment, or its total over the horizon."""
        if self.step is None:
            return float(rate.sum()) * self.scenario.horizon.step_h
        return float(rate[self.step])

    def unit(self, carrier: str) -> str:
        """Unit of the flow of a carrier."""
        record = self.scenario.site.carrier[carrier]
        return record.unit if self.step is None else record.rate_unit

    @property
    def tonnes(self) -> str:
        """Unit of the flow of a material."""
        return "t" if self.step is None else "t/h"

    def level(self, ends: np.ndarray, start: float) -> float:
        """Level at the beginning of the step; for totals, at the end."""
        at = len(ends) if self.step is None else self.step
        return float(ends[at - 1]) if at else start


def amount_text(amount: float, unit: str) -> str:
    """An amount with its unit, in either direction."""
    size = abs(amount)
    return f"{wording.number(size, 0 if size >= 1000 else 2 if unit.startswith('t') and size < 10 else 1)} {unit}"
