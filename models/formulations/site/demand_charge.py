"""Demand charges in the model: the cost of the highest metered import of a month or day.

The billed demand is at least every metered mean of its windows (an epigraph), the floor of earlier peaks and minima,
and the ratchet's share of earlier peaks. It is divided into blocks; if a later block is cheaper, or rates differ
between windows, binaries force the blocks to fill in order. Blocks below the floor are constants.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.kernel.arrays import Rows, Series, Variable, constraint, limit
from emberline.models.kernel.templates import each, total
from emberline.scenarios.tariff.rates import Rates


@dataclass(frozen=True)
class Bounds:
    """Minimum and maximum import of each metered interval [MWh], shape (n,) each."""

    least: np.ndarray
    most: np.ndarray

    def require_finite(self, what: str) -> None:
        """Raise an error if there is no bound."""
        if not np.isfinite(self.most).all():
            raise ValueError(f"{what} needs a bound on import: give most_mwh, the maximum of a metered interval")


@dataclass(frozen=True)
class _Piece:
    """A part of a block of demand that lies above the floor."""

    block: int
    width: float
    rate: float


def add(block: Any, rates: Rates, imported: Callable[[int], Any], bounds: Bounds) -> Any:
    """Add the demand charges to a block.

    Args:
        block: block without components of the names used here.
        rates: rates of the tariff on the metered intervals.
        imported: expression of the import in a metered interval [MWh].
        bounds: bounds on this import.

    Returns:
        Cost of the billed demands beyond what was owed before, without taxes [currency], as an expression.

    Raises:
        ValueError: blocks must fill in order, but no bound on import is given.
    """
    peaks, hours = rates.peaks, rates.hours
    top = [_top(rates, p, bounds) for p in range(len(peaks))]
    block.GROUP = pyo.Set(initialize=[(p, g) for p, peak in enumerate(peaks) for g in range(len(peak.groups))], dimen=2)
    block.billed = Variable(block.GROUP)
    block.floor = Series(block.GROUP, values=np.array([peaks[p].floor_mw for p, _ in block.GROUP]))
    limit(block.billed, lower=block.floor.array)
    block.REMEMBERED = pyo.Set(initialize=sorted({p for peak in peaks if peak.share > 0 for p in peak.earlier}))
    block.measured = Variable(block.REMEMBERED, domain=pyo.NonNegativeReals)
    counted = [
        (p, g, int(i))
        for p, peak in enumerate(peaks)
        for g, group in enumerate(peak.groups)
        for i in group[bounds.most[group] > peak.floor_mw * hours]
    ]
    block.COUNTED = pyo.Set(initialize=counted, dimen=3)
    block.peak = Rows(block.COUNTED, rule=lambda b, p, g, i: hours * b.billed[p, g] >= imported(i))
    block.MEASURED = pyo.Set(initialize=[(p, int(i)) for p in block.REMEMBERED for i in peaks[p].intervals], dimen=2)
    block.measured_peak = Rows(block.MEASURED, rule=lambda b, p, i: hours * b.measured[p] >= imported(i))
    ratchets = [(p, g, e) for p, g in block.GROUP if peaks[p].share > 0 for e in peaks[p].earlier]
    block.RATCHET = pyo.Set(initialize=ratchets, dimen=3)
    block.PEAK = pyo.RangeSet(0, len(peaks) - 1)
    block.share = Series(block.PEAK, values=np.array([peak.share for peak in peaks]))
    block.ratchet = Rows(block.RATCHET, rule=lambda b, p, g, e: b.billed[p, g] >= b.share[p] * b.measured[e])
    return _demand_blocks(block, rates, top, bounds)


def _top(rates: Rates, p: int, bounds: Bounds) -> float:
    """Return the highest demand that can be billed [MW]."""
    peak = rates.peaks[p]
    highest = bounds.most[peak.intervals].max(initial=0.0) / rates.hours
    earlier = max((bounds.most[rates.peaks[e].intervals].max(initial=0.0) for e in peak.earlier), default=0.0)
    return float(max(peak.floor_mw, highest, peak.share * earlier / rates.hours if peak.share else 0.0))


def _demand_blocks(block: Any, rates: Rates, top: list[float], bounds: Bounds) -> Any:
    """Divide billed demands into blocks; return their cost minus what was owed before."""
    peaks = rates.peaks
    pieces = {(p, g): _pieces(rates, p, g, top[p]) for p, g in block.GROUP}
    several = {p for p, peak in enumerate(peaks) if len(peak.groups) > 1}
    ordered = [
        (p, g)
        for (p, g), parts in pieces.items()
        if (p in several and len(parts) > 1) or any(b.rate < a.rate for a, b in pairwise(parts))
    ]
    if ordered:
        bounds.require_finite("a demand charge with a block that is cheaper than the one before it")
    block.PIECE = pyo.Set(
        initialize=[(p, g, k) for (p, g), parts in pieces.items() for k in range(len(parts))], dimen=3
    )
    block.FILLS = pyo.Set(initialize=[(p, g, k) for p, g in ordered for k in range(len(pieces[p, g]) - 1)], dimen=3)
    block.part = Variable(block.PIECE, domain=pyo.NonNegativeReals)
    widths = np.array([piece.width for parts in pieces.values() for piece in parts])
    limit(block.part, upper=widths)
    block.width = Series(block.PIECE, values=np.where(np.isfinite(widths), widths, 0.0))
    block.OF_GROUP = pyo.Set(block.GROUP, initialize={key: range(len(parts)) for key, parts in pieces.items()})
    block.full = Variable(block.FILLS, domain=pyo.Binary)

    @constraint(block, block.GROUP)
    def cut(b: Any, p: int, g: int) -> Any:
        return b.billed[p, g] == b.floor[p, g] + total(b.part[p, g, k] for k in each(b.OF_GROUP[p, g]))

    block.filled = Rows(block.FILLS, rule=lambda b, p, g, k: b.part[p, g, k] >= b.width[p, g, k] * b.full[p, g, k])

    @constraint(block, block.FILLS)
    def in_order(b: Any, p: int, g: int, k: int) -> Any:
        return b.part[p, g, k + 1] <= b.width[p, g, k + 1] * b.full[p, g, k]

    cost: Any = 0.0
    for p, peak in enumerate(peaks):
        cost -= float(peak.owed(np.full(len(peak.groups), peak.sunk_mw))[0].sum())
        if p not in several:
            cost += float(peak.owed(np.array([peak.floor_mw]))[0].sum())
            cost += pyo.quicksum(piece.rate * block.part[p, 0, k] for k, piece in enumerate(pieces[p, 0]))
    return cost + _dearest(block, rates, pieces, several)


def _dearest(block: Any, rates: Rates, pieces: dict[tuple[int, int], list[_Piece]], several: set[int]) -> Any:
    """Return the cost of blocks whose rates differ between windows: the most expensive group counts."""
    peaks = rates.peaks
    block.DEAREST = pyo.Set(
        initialize=[(p, k) for p in sorted(several) for k in range(len(peaks[p].limits_mw))], dimen=2
    )
    block.dearest = Variable(block.DEAREST, domain=pyo.NonNegativeReals)
    block.RIVAL = pyo.Set(
        initialize=[(p, g, k) for p, k in block.DEAREST for g in range(len(peaks[p].groups))], dimen=3
    )

    rivals = list(block.RIVAL)
    under = [np.clip(peaks[p].floor_mw - peaks[p].limits_mw[k], 0.0, peaks[p].widths_mw[k]) for p, _, k in rivals]
    above = {(p, g, k): [i for i, piece in enumerate(pieces[p, g]) if piece.block == k] for p, g, k in rivals}
    block.under, block.rate = (
        Series(block.RIVAL, values=np.array(values, dtype=float))
        for values in (under, [peaks[p].per_mw[g, k] for p, g, k in rivals])
    )
    block.ABOVE = pyo.Set(block.RIVAL, initialize=above)

    @constraint(block, block.RIVAL)
    def rival(b: Any, p: int, g: int, k: int) -> Any:
        return b.dearest[p, k] >= b.rate[p, g, k] * (
            b.under[p, g, k] + total(b.part[p, g, i] for i in each(b.ABOVE[p, g, k]))
        )

    return total(block.dearest[p, k] for p, k in each(block.DEAREST))


def _pieces(rates: Rates, p: int, g: int, top: float) -> list[_Piece]:
    """Return the blocks of a demand between its floor and the highest demand that can be billed."""
    peak = rates.peaks[p]
    lower = np.append(peak.limits_mw, np.inf)
    pieces = []
    # demand below the first limit is free of charge
    edges = [(-1, 0.0, lower[0], 0.0)] if lower[0] > 0 else []
    edges += [(k, lower[k], lower[k + 1], float(peak.per_mw[g, k])) for k in range(len(peak.limits_mw))]
    for k, low, high, rate in edges:
        width = min(high, top) - max(low, peak.floor_mw)
        if width > 0:
            pieces.append(_Piece(k, float(width), rate))
    return pieces
