"""The utility's bill, exactly: every line that a metered import comes to under a tariff.

How a horizon that covers a month only in part is billed:

- energy and levies: what is imported in the horizon; blocks go on from the month's import until then;
- demand: the full rate on what the billed demand exceeds that owed before, nothing prorated; where the horizon begins
  with the month nothing was owed, and a minimum or a ratchet's floor counts in full;
- coincident peaks: the listed intervals in the horizon, over the number of all that are listed;
- fixed charges: by the share of the month's hours.

So the bills of a month's parts, each given what was before, add up to the month's bill.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from emberline.scenarios.tariff.rates import PeakRates, Rates


@dataclass(frozen=True)
class Line:
    """One line: quantity times rate is the amount; positive is paid."""

    name: str
    kind: str
    """energy, levy, demand, coincident, fixed, tax or export."""
    month: str
    """Billing month, or the day of a demand charge that is assessed daily."""
    quantity: float
    unit: str
    """Of the quantity: MWh, MW, months, or money for a tax."""
    rate: float
    """Money per unit."""
    amount: float


@dataclass(frozen=True)
class Bill:
    """All lines of a horizon, in the tariff's currency."""

    lines: tuple[Line, ...]

    @property
    def total(self) -> float:
        """Amount to be paid."""
        return float(sum(line.amount for line in self.lines))

    def of(self, *kinds: str) -> float:
        """Sum of the lines of some kinds."""
        return float(sum(line.amount for line in self.lines if line.kind in kinds))


def charged(rates: Rates, import_mw: np.ndarray, export_mw: np.ndarray | None = None) -> Bill:
    """Bill of a horizon's import, from a tariff's numbers on the metered grid.

    Args:
        rates: the numbers.
        import_mw: mean import in each metered interval [MW], not negative, shape (n,).
        export_mw: mean export in each metered interval [MW], shape (n,); none: nothing.

    Raises:
        ValueError: a flow does not fit the intervals, or is negative.
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
    """Charge for the demand of an import in each metered interval, with its taxes, shape (n_meter,)."""
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
                # a single block takes the energy itself: differences of sums would lose digits
                whole = low == 0 and np.isinf(high)
                part = energy[here] if whole else np.diff(np.clip(edges, low, high))
                yield from _priced(charge.name, charge.kind, month, part, charge.per_mwh[k, here])


def billed_mw(rates: Rates, power: np.ndarray) -> list[np.ndarray]:
    """Demand that is billed for each of the tariff's peaks [MW], by group, from power in each metered interval."""
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
    """A line for each price, which is not zero, at which there is energy."""
    for price in np.unique(prices[prices != 0]).tolist():
        quantity = float(energy[prices == price].sum())
        if quantity:
            rate = -price if earned else price
            yield Line(name, kind, month, quantity, "MWh", rate, quantity * rate)
