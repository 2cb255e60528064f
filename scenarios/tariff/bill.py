"""Exact bill of the utility for a metered import under a tariff.

If the horizon covers only part of a month:

- Energy and levies apply to the import in the horizon; blocks continue from the earlier import of the month.
- Demand is charged at the full rate for billed demand above the demand owed before, without proration. If the horizon
  starts with the month, nothing was owed before, and a minimum or a ratchet counts in full.
- Coincident peaks are charged for the listed intervals in the horizon, divided by the number of all listed intervals.
- Fixed charges are prorated by the share of the hours of the month.

Consecutive bills for the parts of a month therefore add up to the bill of the whole month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emberline.scenarios.tariff.rates import PeakRates, Rates


@dataclass(frozen=True)
class Line:
    """Line of a bill with amount = quantity × rate; positive amounts are payments to the utility."""

    name: str
    kind: str
    """``energy``, ``levy``, ``demand``, ``coincident``, ``fixed``, ``tax`` or ``export``."""
    month: str
    """Billing month, or day for a demand charge assessed daily."""
    quantity: float
    unit: str
    """Unit of the quantity: MWh, MW, months, or money for a tax."""
    rate: float
    """Price per unit of the quantity."""
    amount: float


@dataclass(frozen=True)
class Bill:
    """Bill of a horizon, in the currency of the tariff."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """Total amount to be paid."""
        return float(sum(line.amount for line in self.lines))

    def of(self, *kinds: str) -> float:
        """Return the sum of the lines of the given kinds."""
        return float(sum(line.amount for line in self.lines if line.kind in kinds))


def charged(rates: Rates, import_mw: np.ndarray, export_mw: np.ndarray | None = None) -> Bill:
    """Compute the bill of a horizon from the rates of a tariff.

    Args:
        rates: rates on metered intervals.
        import_mw: mean import in each metered interval [MW], not negative, shape (n,).
        export_mw: mean export in each metered interval [MW], shape (n,); None: no export.

    Raises:
        ValueError: a flow does not match the intervals, or is negative.
    """
    power = _flow(rates, import_mw, "import_mw")
    lines = [*_energy(rates, power * rates.hours), *_demand(rates, power)]
    for listed in rates.coincident:
        mean = float(power[listed.intervals].sum() * listed.weight)
        lines.append(Line(listed.name, "coincident", listed.month, mean, "MW", listed.per_mw, mean * listed.per_mw))
    for charge in rates.fixed:
        amount = charge.months * charge.per_month
        lines.append(Line(charge.name, "fixed", charge.month, charge.months, "months", charge.per_month, amount))
    taxes = []
    for name, share, on in rates.taxes:
        for month in rates.months:
            base = sum(line.amount for line in lines if line.kind in on and line.month[:7] == month)
            taxes.append(Line(name, "tax", month, base, "money", share, base * share))
    earned = _export(rates, export_mw) if export_mw is not None else ()
    return Bill((*lines, *taxes, *earned))


def demand_cost(rates: Rates, import_mw: np.ndarray) -> float:
    """Compute the demand charge, including taxes, for the import in each metered interval, shape (n_meter,)."""
    return sum(line.amount for line in _demand(rates, import_mw)) * rates.with_tax("demand")


def _flow(rates: Rates, mw: np.ndarray, name: str) -> np.ndarray:
    flow = np.asarray(mw, float)
    if flow.shape != (len(rates),):
        raise ValueError(f"{name} has shape {flow.shape}, the tariff's intervals are {len(rates)}")
    if not np.isfinite(flow).all() or flow.min() < 0:
        bad = int(np.flatnonzero(~(flow >= 0) | np.isinf(flow))[0])
        raise ValueError(f"{name} of interval {bad} is {flow[bad]}; it must be finite and not negative")
    return flow


def _energy(rates: Rates, energy: np.ndarray) -> Iterator[Line]:
    for charge in rates.energy:
        upper = np.append(charge.limits_mwh[1:], np.inf)
        for m, month in enumerate(rates.months):
            here = rates.of_month(m)
            so_far = rates.before_mwh if m == 0 else 0.0
            edges = np.concatenate([[so_far], so_far + np.cumsum(energy[here])])
            for k, (low, high) in enumerate(zip(charge.limits_mwh, upper, strict=True)):
                # a single block uses the energy directly, since differences of sums lose precision
                whole = low == 0 and np.isinf(high)
                part = energy[here] if whole else np.diff(np.clip(edges, low, high))
                yield from _priced(charge.name, charge.kind, month, part, charge.per_mwh[k, here])


def billed_mw(rates: Rates, power: np.ndarray) -> list[np.ndarray]:
    """Compute the billed demand of each of the tariff's peaks by group from the power in metered intervals [MW]."""
    measured = [np.array([power[group].max(initial=0.0) for group in peak.groups]) for peak in rates.peaks]
    billed = []
    for peak, demand in zip(rates.peaks, measured, strict=True):
        ratchet = peak.share * max((float(measured[i].max()) for i in peak.earlier), default=0.0)
        billed.append(np.maximum(demand, max(peak.floor_mw, ratchet)))
    return billed


def _demand(rates: Rates, power: np.ndarray) -> Iterator[Line]:
    for peak, demand in zip(rates.peaks, billed_mw(rates, power), strict=True):
        amounts, per_mw = peak.owed(demand)
        for amount, rate in zip(amounts - _sunk(peak), per_mw, strict=True):
            if amount:
                quantity = float(amount / rate)
                yield Line(peak.name, "demand", peak.period, quantity, "MW", float(rate), float(amount))


def _sunk(peak: PeakRates) -> np.ndarray:
    return peak.owed(np.full(len(peak.groups), peak.sunk_mw))[0]


def _export(rates: Rates, export_mw: np.ndarray) -> Iterator[Line]:
    energy = _flow(rates, export_mw, "export_mw") * rates.hours
    for name, prices in rates.export_per_mwh.items():
        for m, month in enumerate(rates.months):
            here = rates.of_month(m)
            yield from _priced(name, "export", month, energy[here], prices[here], earned=True)


def _priced(
    name: str, kind: str, month: str, energy: np.ndarray, prices: np.ndarray, *, earned: bool = False
) -> Iterator[Line]:
    """Return one line per non-zero price with energy at that price."""
    for price in np.unique(prices[prices != 0]).tolist():
        quantity = float(energy[prices == price].sum())
        if quantity:
            rate = -price if earned else price
            yield Line(name, kind, month, quantity, "MWh", rate, quantity * rate)
