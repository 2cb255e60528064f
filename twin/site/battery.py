"""Simulation of the battery, by simple rules (see ``emberline.twin.site.site``) or by set-points.

If a day differs from the plan, grid limits override the set-points, as in any energy management system. In a metered
interval that would exceed the import limit, the battery charges less or delivers more. Its level is restored as soon
as this neither exceeds the limit nor causes a new peak. The battery does not deliver energy that can be neither
exported nor curtailed.
"""

from __future__ import annotations

import numpy as np

from emberline.scenarios.datasets import RecourseKind, ViolationKind
from emberline.twin.run_variables import SMALL, TOLERANCE, Act, Violation
from emberline.twin.site.assets.setpoints import Setpoints
from emberline.twin.site.grids import SiteGrid
from emberline.twin.store import StoreLevel


def battery(
    grid: SiteGrid,
    net: np.ndarray,
    sun: np.ndarray,
    setpoints: Setpoints | None,
    relieving: bool = False,
    acts: list[Act] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Violation]]:
    """Charge, discharge [MW] and level at the end of each cell [MWh], shape (n_cells,) each, and violations.

    Args:
        grid: time grids of the site.
        net: import without the battery in each cell [MW], shape (n_cells,).
        sun: PV and wind included in ``net``, which can be curtailed [MW], shape (n_cells,).
        setpoints: set-points of the schedule; None: the simple rules.
        relieving: whether grid limits override set-points.
        acts: list to which these actions are added, if the recourse of the scenario limits them or gives them a cost.
    """
    if grid.scenario.battery is None:
        zeros = np.zeros(len(net))
        return zeros, zeros, zeros, []
    run = BatteryRun(grid)
    if setpoints is None:
        charge, discharge = run.by_rules(grid.metered(net))
        return charge, discharge, run.levels, []
    charge, discharge, violations = run.follow(setpoints)
    flow, level = charge - discharge, run.levels
    means = grid.metered(net + flow)
    # over: import beyond the limit; under: supply beyond what can be exported or curtailed
    over, under = means - grid.import_limit_mw, grid.least_mw - means - grid.metered(sun)
    if relieving and (np.maximum(over, under) > TOLERANCE).any():
        run = BatteryRun(grid)
        flow, late, energy = run.relieve(means.tolist(), under.tolist(), flow, level)
        recourse = grid.scenario.recourse
        if acts is not None and (recourse.battery_cost_per_mwh or recourse.battery_most_mwh is not None):
            acts += [
                Act(RecourseKind.BATTERY, "", at, amount, "MWh", amount * recourse.battery_cost_per_mwh)
                for at, amount in energy.items()
            ]
        charge, discharge, violations = np.maximum(flow, 0.0), np.maximum(-flow, 0.0), violations + late
    return charge, discharge, run.levels, violations


class BatteryRun:
    """Simulation of the battery over the horizon."""

    def __init__(self, grid: SiteGrid) -> None:
        record = grid.scenario.battery
        assert record is not None
        assert record.in_rate is not None
        self.grid, self.record = grid, record
        self.power, self.into, self.out = record.in_rate, record.in_efficiency, record.out_efficiency
        self.cell_h, self.meter_h = grid.cell_min / 60, grid.meter_min / 60
        self.store = StoreLevel(record.capacity, record.start_level, record.self_loss_per_h)
        self.counting = self.store.counting(self.meter_h)

    @property
    def levels(self) -> np.ndarray:
        """Level at the end of each cell [MWh]."""
        return np.array(self.store.levels[1:])

    def flow(self, charge: float, discharge: float) -> tuple[float, float]:
        """Charge and discharge in a cell, limited by the level [MW]."""
        charging, delivery = self.store.flow(charge * self.into, discharge / self.out, self.cell_h)
        return charging / self.into, delivery * self.out

    def by_rules(self, net: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Charge and discharge in each cell by the simple rules [MW]; ``net``: import in each metered interval [MW]."""
        limit, export_limit = self.grid.import_limit_mw, self.grid.scenario.site.grid.export_limit_mw
        store, power, target = self.store, self.power, self.record.end_level
        retention, flows = store.retention(self.meter_h), list[tuple[float, float]]()
        for load in net.tolist():
            remaining = store.level * retention
            charge = discharge = 0.0
            if load < -export_limit:
                charge = min(-export_limit - load, power, self._rate(store.capacity - remaining) / self.into)
            elif load > limit:
                discharge = min(load - limit, power, self._rate(remaining) * self.out)
            elif remaining < target:
                charge = min(power, limit - load, self._rate(target - remaining) / self.into)
            elif remaining > target and load > 0:
                discharge = min(power, load, self._rate(remaining - target) * self.out)
            for _ in range(self.grid.per_meter):
                self.flow(charge, discharge)
            flows.append((charge, discharge))
        charges, discharges = np.repeat(np.array(flows), self.grid.per_meter, axis=0).T
        return charges, discharges

    def _rate(self, level: float) -> float:
        """Constant flow that changes the level by a given amount in a metered interval [MW]."""
        return level / self.counting if self.counting else 0.0

    def follow(self, setpoints: Setpoints) -> tuple[np.ndarray, np.ndarray, list[Violation]]:
        """Follow set-points as far as power and level allow; differences are violations."""
        power, charges, discharges, violations = self.power, list[float](), list[float](), list[Violation]()
        rows = zip(setpoints.charge_mw.tolist(), setpoints.discharge_mw.tolist(), strict=True)
        for k, (charge, discharge) in enumerate(rows):
            at, missed = k * self.grid.scenario.horizon.step_min, 0.0
            excess = max(charge - power, discharge - power, -charge, -discharge)
            if excess > TOLERANCE:
                violations.append(Violation(ViolationKind.BATTERY, "", "", at, excess, "MW"))
            charge, discharge = min(max(charge, 0.0), power), min(max(discharge, 0.0), power)
            both = min(charge, discharge)
            if both > SMALL * max(power, 1.0):
                # the battery has a single set-point, the difference
                charge, discharge = charge - both, discharge - both
                if self.record.one_way:
                    violations.append(Violation(ViolationKind.BOTH_WAYS, "", "", at, both, "MW"))
            for _ in range(self.grid.per_step):
                charging, delivery = self.flow(charge, discharge)
                missed += (charge - charging + discharge - delivery) * self.cell_h
                charges.append(charging)
                discharges.append(delivery)
            if missed > TOLERANCE:
                violations.append(Violation(ViolationKind.BATTERY, "", "", at, missed, "MWh"))
        return np.array(charges), np.array(discharges), violations

    def relieve(
        self, means: list[float], under: list[float], planned: np.ndarray, levels: np.ndarray
    ) -> tuple[np.ndarray, list[Violation], dict[float, float]]:
        """Operation of a battery that keeps the grid limits as far as possible.

        Args:
            means: import with the battery at its set-points in each metered interval [MW].
            under: supply beyond what can be exported or curtailed in each metered interval [MW]; negative: no excess.
            planned: flow of the battery at its set-points in each cell [MW].
            levels: level at the end of each cell at the set-points [MWh].

        Returns:
            Flows, charge positive [MW]; violations; energy of deviations for the import limit [MWh] by time [min].
        """
        grid, store, power, flows, highest = self.grid, self.store, self.power, list[float](), -np.inf
        most = grid.scenario.recourse.battery_most_mwh
        rest_mwh, energy = np.inf if most is None else most, dict[float, float]()
        before = levels[grid.per_meter - 1 :: grid.per_meter].tolist()
        rows = zip(means, planned.reshape(-1, grid.per_meter).tolist(), grid.metered(planned).tolist(), strict=True)
        for m, (mean, setpoints, setpoint) in enumerate(rows):
            lacking = before[m - 1] - store.level if m else 0.0
            shift = max(min(grid.import_limit_mw - mean, 0.0), -rest_mwh / self.meter_h)
            relief = shift < -TOLERANCE
            if under[m] > TOLERANCE:
                shift = under[m]
            if not shift and lacking > TOLERANCE:
                room = min(grid.import_limit_mw, highest) - mean
                shift = max(min(room, self._rate(lacking) / self.into), 0.0)
            got = []
            for flow in setpoints:
                target = min(max(flow + shift, -power), power)
                charging, delivery = self.flow(max(target, 0.0), max(-target, 0.0))
                got.append(charging - delivery)
            change = sum(got) / len(got) - setpoint
            if relief:
                amount = -change * self.meter_h
                energy[m * grid.meter_min] = amount
                rest_mwh = max(rest_mwh - amount, 0.0)
            highest = max(highest, mean + change)
            flows += got
        missed, end = float(levels[-1]) - store.level, grid.scenario.horizon.length_min
        late = [Violation(ViolationKind.BATTERY, "", "", end, missed, "MWh")] if missed > TOLERANCE else []
        return np.array(flows), late, energy
