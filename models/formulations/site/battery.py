"""The site's battery in the model; its level with self-loss per hour as in ``Battery.after``."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import pyomo.environ as pyo

from emberline.models.kernel.arrays import Variable, constraint
from emberline.scenarios.assets import ELECTRICITY

if TYPE_CHECKING:
    from emberline.models.problem.site import SiteData


def add(block: pyo.Block, data: SiteData, exclusive: bool, only: Collection[int] | None) -> None:
    """Add charge and discharge [MWh at the terminals], and level, to the site's block.

    Args:
        block: the site's.
        data: the site, with a battery.
        exclusive: forbid charging and discharging at the same time where it would pay.
        only: slots to which that is limited where assets make it pay; None: all.
    """
    battery = data.battery
    assert battery is not None
    n, room = len(data.base), battery.power_mw * data.hours
    block.charge = Variable(block.T, bounds=(0, room))
    block.discharge = Variable(block.T, bounds=(0, room))
    block.level = Variable(block.T, bounds=(0, battery.energy_mwh))
    kept, counts = battery.kept(data.hours), battery.effective_hours(data.hours) / data.hours
    gain, loss = counts * battery.charge_efficiency, counts / battery.discharge_efficiency
    block.LATER = pyo.RangeSet(1, n - 1)

    @constraint(block, block.LATER)
    def state(b: Any, t: int) -> Any:
        return b.level[t] == kept * b.level[t - 1] + gain * b.charge[t] - loss * b.discharge[t]

    block.first = pyo.Constraint(
        expr=block.level[0] == kept * data.level_mwh + gain * block.charge[0] - loss * block.discharge[0]
    )
    # what self-loss makes unreachable is not asked for
    wanted = min(data.end_mwh, battery.energy_mwh)
    block.end = pyo.Constraint(expr=block.level[n - 1] >= wanted * (1 - 1e-9))
    burning = [t for t in range(n) if data.full_price[t] < 0 or data.price[t] < 0]
    if data.hub is not None and ELECTRICITY not in data.hub.harmless:
        # what a machine must make may be in the way in any slot
        burning = sorted({*burning, *(range(n) if only is None else only)})
    if exclusive and burning:
        block.BURN = pyo.Set(initialize=burning)
        block.charging = Variable(block.BURN, domain=pyo.Binary)

        @constraint(block, block.BURN)
        def charge_alone(b: Any, t: int) -> Any:
            return b.charge[t] <= room * b.charging[t]

        @constraint(block, block.BURN)
        def discharge_alone(b: Any, t: int) -> Any:
            return b.discharge[t] <= room * (1 - b.charging[t])
