"""A process that must draw a certain energy each day: run evenly, at the rate that gives it."""

from __future__ import annotations

import numpy as np

from emberline.twin.processes.network import ModeTable, WorksTable
from emberline.twin.processes.works import Works


class Daily:
    """What the units of such processes still have to draw."""

    def __init__(self, table: WorksTable, opened: np.ndarray) -> None:
        """``opened``: 1 where a unit may run, shape (n_machines, n_steps)."""
        self._table, self._open = table, opened
        self._days = {
            machine.group: machine.process.days(table.scenario.horizon)
            for machine in table.machines
            if machine.process.daily_energy_mwh is not None
        }

    def rate(self, k: int, works: Works, u: int) -> float:
        """Rate of unit ``u`` in step ``k`` at which its process draws what is left of the day evenly [t/h]; 0: none."""
        table = self._table
        group = table.machines[u].group
        steps, target_mwh = next((steps, mwh) for steps, mwh in self._days[group] if k in steps)
        members = [m for m, machine in enumerate(table.machines) if machine.group == group]
        rest_mwh = target_mwh - sum(sum(works.course.drawn_mwh[m][steps.start : k]) for m in members)
        way = table.machines[u].ways[max(works.units[u].mode, 0)]
        unit_steps = float(self._open[members, k : steps.stop].sum())
        least = way.power_mw(way.low) * table.step_h
        if least and rest_mwh < least * unit_steps:
            # not enough for all steps of all units: the first ones run
            unit_steps = float(int(rest_mwh / least + 1e-9))
            if members.index(u) >= unit_steps:
                return 0.0
        return rate_of(way, rest_mwh / (unit_steps * table.step_h)) if unit_steps and rest_mwh > 0 else 0.0


def rate_of(way: ModeTable, power_mw: float) -> float:
    """Rate at which a mode draws a power, its lowest or highest where there is none [t/h]."""
    knots = way.mode.knots
    rates, powers = [rate for rate, _ in knots], [power for _, power in knots]
    return float(np.interp(power_mw, powers, rates))
