"""Engines that step in: machines that are on give more electricity where the import limit would be exceeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from emberline.scenarios import Case
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.datasets import RecourseKind
from emberline.twin.run_variables import TOLERANCE, Act
from emberline.twin.site.assets.machine import TINY
from emberline.twin.site.assets.plant import SitePlant
from emberline.twin.site.assets.setpoints import Setpoints
from emberline.twin.site.grids import SiteGrid


@dataclass
class EngineRecourse:
    """Of one run of a site."""

    scenario: Case
    above_mw: list[float]
    """Draw of the site in each step above the import limit before its assets give anything; negative: below it."""
    left_mwh: float
    """Electricity that may still be given."""
    acts: list[Act]

    @classmethod
    def of(
        cls, grid: SiteGrid, net_mw: np.ndarray, setpoints: Setpoints | None, acts: list[Act]
    ) -> EngineRecourse | None:
        """Of a site that draws so much in each cell [MW], shape (n_cells,); None where nothing steps in.

        Where the worst metered interval of a step lies above its mean, the worst one counts.
        """
        most = grid.scenario.recourse.engine_most_mwh
        if not most or setpoints is None or not np.isfinite(grid.import_limit_mw):
            return None
        net = net_mw + np.repeat(setpoints.charge_mw - setpoints.discharge_mw, grid.per_step)
        return cls(grid.scenario, (grid.over_meters(net, worst=True) - grid.import_limit_mw).tolist(), most, acts)

    def step_in(self, plant: SitePlant, t: int) -> dict[str, float]:
        """Raise machines of a step where that is needed; the new load of each by name.

        Args:
            plant: in the step, its set-points followed.
            t: the step.
        """
        hours = plant.hub.hours
        short = min(self.above_mw[t] - plant.balance[ELECTRICITY], self.left_mwh / hours)
        loads: dict[str, float] = {}
        for machine, port in plant.givers[ELECTRICITY]:
            if short <= TOLERANCE or not machine.able or (machine.core.switched and not machine.on):
                continue
            before = port.at(machine.load, t)
            load = min(port.load_for(before + short, t), machine.top, machine.cap)
            if load <= machine.load + TINY:
                continue
            plant.run(machine, load, t, True)
            more = port.at(load, t) - before
            short, loads[machine.name] = short - more, load
            self.left_mwh -= more * hours
            cost = more * hours * self.scenario.recourse.engine_cost_per_mwh
            at = t * self.scenario.horizon.step_min
            self.acts.append(Act(RecourseKind.ENGINE, machine.name, at, more * hours, "MWh", cost))
        return loads
