"""The battery, by the plain rules or by set-points; its rules stand in ``emberline.twin.site.site``.

Where reality differs from the plan, set-points give way to the limits of the grid, as any energy management does it: in
a metered interval that would lie above the import limit, the battery charges less and delivers more. What its level
lacks then is made up for as soon as the mean neither exceeds the limit nor is the highest yet, so that no new peak
comes of it. It does not deliver what could neither be exported nor curtailed.
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
        grid: the site's grids.
        net: what is drawn without the battery in each cell [MW], shape (n_cells,).
        sun: PV and wind in it, which can be curtailed [MW], shape (n_cells,).
        setpoints: the schedule's; None: the plain rules.
        relieving: whether set-points give way to the limits of the grid.
        acts: where that is noted, if recourse limits it or gives it a cost.
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
    # above: drawn beyond the limit; below: given beyond what can be exported or curtailed
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
    """The battery in the course of the horizon."""

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
        """Charge and discharge for a cell, as far as the level allows [MW]."""
        charging, delivery = self.store.flow(charge * self.into, discharge / self.out, self.cell_h)
        return charging / self.into, delivery * self.out

    def by_rules(self, net: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Charge and discharge in each cell by the plain rules [MW]; ``net``: drawn in each metered interval."""
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
        """The constant flow that changes the level by so much in a metered interval."""
        return level / self.counting if self.counting else 0.0

    def follow(self, setpoints: Setpoints) -> tuple[np.ndarray, np.ndarray, list[Violation]]:
        """Follow set-points as far as power and level allow; what is missed is a violation."""
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
                # it has one set-point, the difference
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
        """Flows [MW], charge positive, of a battery that keeps the limits of the grid where it can; violations, and by
        the moment [min] the energy [MWh] by which set-points gave way to the import limit.

        Args:
            means: drawn with its flow by set-points in each metered interval [MW].
            under: by how much more is given there than can be exported or curtailed [MW]; negative where all can.
            planned: its flow by set-points [MW].
            levels: at the end of each cell by set-points [MWh].
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
