"""A latent heat store in the model: a store whose rates in a slot are limited by the level at which the slot begins.

Where a curve bends downward only, it is the least of its segments' lines: one row for each segment. Else the level is
filled segment by segment, with binaries for their order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyomo.environ as pyo

from emberline.models.formulations.site.assets.ports import Hub, Ports
from emberline.models.formulations.site.assets.segments import in_order
from emberline.models.formulations.site.assets.storage import add_storage
from emberline.models.kernel.templates import Series, limit
from emberline.scenarios.assets import LatentHeatStore


def add_latent_heat_store(block: pyo.Block, store: LatentHeatStore, hub: Hub) -> Ports:
    """A store, and what its level lets it take and give."""
    ports = add_storage(block, store, hub)
    levels, *curves = store.curve
    if not concave(store):
        _add_segments(block, np.diff(levels), hub.n)
    block.most_in, block.most_out = pyo.Block(), pyo.Block()
    for own, amount, rates, first in zip(
        (block.most_in, block.most_out), (block.put_in, block.put_out), curves, store.by_level(store.start_level),
        strict=True,
    ):  # fmt: skip
        own.first = pyo.Constraint(expr=amount[0] <= first * hub.hours)
        slopes = np.diff(rates) / np.diff(levels)
        if len(levels) == 1 or _bends_downward(slopes):
            _add_lines(own, block, amount, levels, rates * hub.hours, slopes * hub.hours)
        else:
            _add_curve(own, block, amount, float(rates[0]) * hub.hours, slopes * hub.hours)
    return ports


def concave(store: LatentHeatStore) -> bool:
    """Whether both curves bend downward only, so that no binaries are needed."""
    levels, *curves = store.curve
    return all(_bends_downward(np.diff(rates) / np.diff(levels)) for rates in curves)


def _bends_downward(slopes: np.ndarray) -> bool:
    return bool((np.diff(slopes) <= 1e-9 * np.abs(slopes).max(initial=1e-9)).all())


def _add_lines(
    own: pyo.Block, block: pyo.Block, amount: Any, levels: np.ndarray, most: np.ndarray, slopes: np.ndarray
) -> None:
    """At most what the line of each segment says at the level before."""
    if not len(slopes):  # it holds nothing
        slopes, levels, most = np.zeros(1), np.zeros(2), np.repeat(most, 2)
    own.K = pyo.RangeSet(0, len(slopes) - 1)
    own.slope = Series(own.K, values=slopes)
    own.base = Series(own.K, values=most[:-1] - slopes * levels[:-1])

    @own.Constraint(own.K, block.LATER)
    def line(b: Any, k: int, t: int) -> Any:
        return amount[t] <= b.base[k] + b.slope[k] * block.level[t - 1]


def _add_segments(block: pyo.Block, width: np.ndarray, n: int) -> None:
    """The level before each slot but the first as what is filled of each segment, in their order."""
    block.before = pyo.Block()
    own = block.before
    own.K = pyo.RangeSet(0, len(width) - 1)
    own.width = Series(own.K, values=width)
    own.filled = pyo.Var(own.K, block.LATER, domain=pyo.NonNegativeReals)
    limit(own.filled, upper=np.repeat(width, n - 1))

    @own.Constraint(block.LATER)
    def level_of_segments(b: Any, t: int) -> Any:
        return block.level[t - 1] == sum(b.filled[k, t] for k in b.K)

    in_order(own, block.LATER, len(width))


def _add_curve(own: pyo.Block, block: pyo.Block, amount: Any, base: float, slopes: np.ndarray) -> None:
    """At most what the curve says at the level before, by its segments."""
    own.K = pyo.RangeSet(0, len(slopes) - 1)
    own.slope = Series(own.K, values=slopes)

    @own.Constraint(block.LATER)
    def curve(b: Any, t: int) -> Any:
        return amount[t] <= base + sum(b.slope[k] * block.before.filled[k, t] for k in b.K)
