"""What is paid for import beyond a price by the slot, as numbers: tariff and contracts on the horizon's grids."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from emberline.models.problem.site_assets import fixed_mw
from emberline.scenarios import Case
from emberline.scenarios.flows.settlement import UnusedBlocks, unused_blocks
from emberline.scenarios.tariff import Rates, charged

BROKEN = 2.0
"""How many times the import limit a search may draw."""


UNLIMITED_MW = 1e4
"""Most import that a site without a limit is thought to have, where the tariff needs one."""


@dataclass(frozen=True)
class Purchase:
    """Tariff and contracts on the horizon's grids."""

    rates: Rates | None
    unused: UnusedBlocks | None
    most_mwh: float
    """Most that a metered interval may import."""
    most_out_mwh: float
    """Most that it may export."""
    per_meter: int
    """Cells in a metered interval, and in a slot: cells divide both."""
    per_slot: int

    @cached_property
    def energy_price(self) -> np.ndarray:
        """What the tariff's first blocks take for a MWh in each slot, taxes included: a guide.

        Shape (n_slots,), or (1,) without a tariff.
        """
        if self.rates is None:
            return np.zeros(1)
        return self.rates.first_blocks(len(self.rates) * self.per_meter // self.per_slot)

    def cost(self, import_mwh: np.ndarray, meter_mwh: np.ndarray) -> float:
        """What import comes to, exactly [currency].

        Args:
            import_mwh: import by slot [MWh].
            meter_mwh: net import by metered interval [MWh], negative where more is exported.
        """
        total = 0.0
        if self.rates is not None:
            mw = meter_mwh / self.rates.hours
            bill = charged(self.rates, np.maximum(mw, 0.0), np.maximum(-mw, 0.0))
            total += bill.total - self.constant
        if self.unused is not None:
            unused_mwh = np.maximum(self.unused.mwh.sum(axis=0) - self.unused.counted * import_mwh, 0.0)
            for j in np.argsort(self.unused.spread, kind="stable"):
                sold = np.minimum(unused_mwh, self.unused.mwh[j])
                unused_mwh = unused_mwh - sold
                total += float(self.unused.spread[j] * sold.sum())
        return total

    def merged(self, k: int) -> Purchase:
        """The same for import that is even over ``k`` metered intervals, which make a slot; it has fewer columns."""
        if self.rates is None or self.rates.in_blocks:
            return self
        return replace(
            self, rates=self.rates.merged(k), most_mwh=self.most_mwh * k, most_out_mwh=self.most_out_mwh * k,
            per_meter=1, per_slot=1,
        )  # fmt: skip

    @property
    def circles(self) -> np.ndarray:
        """Metered intervals in which export earns more than the cheapest import costs, or import itself earns."""
        assert self.rates is not None
        lowest = self._lowest
        earned = sum(self.rates.export_per_mwh.values(), np.zeros(len(self.rates)))
        return np.asarray((earned > lowest) | (lowest < 0))

    @cached_property
    def _lowest(self) -> np.ndarray:
        """The least that the tariff takes for a MWh in each metered interval, taxes included."""
        assert self.rates is not None
        rates = self.rates
        return sum((e.per_mwh.min(axis=0) * rates.with_tax(e.kind) for e in rates.energy), np.zeros(len(rates)))

    def lowest_price(self, n: int) -> np.ndarray:
        """The same in each of ``n`` slots, the least of the intervals that it touches; shape (n,)."""
        if self.rates is None:
            return np.zeros(n)
        cells = math.lcm(len(self.rates), n)
        return np.asarray(np.repeat(self._lowest, cells // len(self.rates)).reshape(n, -1).min(axis=1))

    @property
    def most_spread(self) -> float:
        """Most that a MWh of a block loses when it is sold back [currency/MWh]."""
        return 0.0 if self.unused is None else float(self.unused.spread.max())

    @cached_property
    def constant(self) -> float:
        """Fixed charges with their taxes [currency]."""
        if self.rates is None:
            return 0.0
        return self.rates.with_tax("fixed") * sum(charge.months * charge.per_month for charge in self.rates.fixed)


def read(scenario: Case, limit_mw: float | None) -> Purchase | None:
    """Tariff and contracts of a scenario; None where a price by the slot says all."""
    rates, unused = scenario.rates, unused_blocks(scenario)
    if rates is None and unused is None:
        return None
    step, meter = round(scenario.horizon.step_min), round(scenario.site.grid.metered_interval_min)
    cell = math.gcd(step, meter)
    # a search may break the limit at a price: then the bound must not forbid it
    most = BROKEN * limit_mw if limit_mw is not None else UNLIMITED_MW + BROKEN * _draw_mw(scenario)
    out = scenario.site.grid.export_limit_mw
    return Purchase(rates, unused, most * meter / 60, out * meter / 60, meter // cell, step // cell)


def _draw_mw(scenario: Case) -> float:
    """What loads, line and processes can draw at most [MW]."""
    line = sum(max(phase.power_mw for phase in unit.profile) for unit in scenario.line.units)
    processes = sum(
        process.count * max(mw for mode in process.all_modes for _, mw in mode.knots) for process in scenario.processes
    )
    return float(-np.min(sum(fixed_mw(scenario).values()), initial=0.0)) + line + processes
