"""Latent heat store: a material melts while charging, and charge and discharge rates depend on the level."""

from __future__ import annotations

from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BeforeValidator, Field, ValidationInfo

from emberline.scenarios.assets.quantity import RATE, PerHour, of_unit
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.records.base import Misplaced, Record, Unjudged
from emberline.scenarios.records.quantity import Fraction


class RatePoint(Record):
    """Largest charge and discharge rates of a store at one level."""

    level_share: Fraction
    """Level as a share of the capacity."""
    in_rate: PerHour
    out_rate: PerHour


def _in_carrier_unit(raw: Any, info: ValidationInfo) -> Any:
    """Convert the rates of points to the unit of the store's carrier, which is not known to a point."""
    if not isinstance(raw, list | tuple):
        return raw
    points = []
    for i, point in enumerate(raw):
        if isinstance(point, dict):
            point = dict(point)
            for field in ("in_rate", "out_rate"):
                if isinstance(point.get(field), str):
                    point[field] = _rate(point[field], info, i, field)
        points.append(point)
    return points


def _rate(raw: str, info: ValidationInfo, place: int, field: str) -> Any:
    if "carrier" not in info.data:
        raise Unjudged("the store's carrier is invalid")
    try:
        return of_unit(RATE, info.data["carrier"], raw, info)
    except (Misplaced, Unjudged):
        raise
    except ValueError as error:
        raise Misplaced(str(error), place, field) from error


class LatentHeatStore(Storage):
    """Store with rates limited by its level: sensible heat below the melting point, melting, and sensible heat above.

    The limits of a step are those at its initial level. In addition, ``in_rate`` and ``out_rate`` may limit the rates
    at all levels, such as by the capacity of a pump.
    """

    kind: Literal["latent_heat_store"]  # type: ignore[assignment]  # a kind of its own in place of Storage's
    limits: Annotated[tuple[RatePoint, ...], BeforeValidator(_in_carrier_unit)] = Field(min_length=2, max_length=100)
    """Largest rates at levels increasing from 0 to 1; linear between them."""

    def check(self) -> None:
        super().check()
        shares = [point.level_share for point in self.limits]
        for place, target in ((0, 0.0), (len(shares) - 1, 1.0)):
            if shares[place] != target:
                text = f"is {shares[place]:g}; levels rise from 0 at the first point to 1 at the last"
                raise Misplaced(text, "limits", place, "level_share")
        for i, (before, after) in enumerate(pairwise(shares), start=1):
            if after <= before:
                text = f"is {after:g}; it must lie above the {before:g} of the point before it"
                raise Misplaced(text, "limits", i, "level_share")

    @cached_property
    def curve(self) -> np.ndarray:
        """Level [carrier's unit], charge and discharge limits [carrier's unit/h] of each point, shape (3, n_points)."""
        rows = [(point.level_share * self.capacity, point.in_rate, point.out_rate) for point in self.limits]
        return np.array(rows if self.capacity else rows[:1]).T

    def by_level(self, level: float) -> tuple[float, float]:
        """Return the largest charge and discharge rates in a step that begins at a level, by the curve only."""
        levels, put_in, put_out = self.curve
        return float(np.interp(level, levels, put_in)), float(np.interp(level, levels, put_out))

    def rate_limits(self, level: float) -> tuple[float, float]:
        """Return the largest charge and discharge rates in a step that begins at a level."""
        put_in, put_out = self.by_level(level)
        most_in, most_out = super().rate_limits(level)
        return min(put_in, most_in), min(put_out, most_out)
