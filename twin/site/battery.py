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
    record = grid.scenario.battery
    if record is None:
        zeros = np.zeros(len(net))
        return zeros, zeros, zeros, []
    store = StoreLevel(record.capacity, record.start_level, record.self_loss_per_h)
    if setpoints is not None:
        charge, discharge, violations = _follow(grid, store, setpoints)
        flow, level = charge - discharge, np.array(store.levels[1:])
        means = grid.metered(net + flow)
        # above: drawn beyond the limit; below: given beyond what can be exported or curtailed
        over, under = means - grid.import_limit_mw, grid.least_mw - means - grid.metered(sun)
        if relieving and (np.maximum(over, under) > TOLERANCE).any():
            flow, level, late, energy = _relieve(grid, means.tolist(), under.tolist(), flow, level)
            recourse = grid.scenario.recourse
            if acts is not None and (recourse.battery_cost_per_mwh or recourse.battery_most_mwh is not None):
                acts += [
                    Act(RecourseKind.BATTERY, "", at, amount, "MWh", amount * recourse.battery_cost_per_mwh)
                    for at, amount in energy.items()
                ]
            charge, discharge, violations = np.maximum(flow, 0.0), np.maximum(-flow, 0.0), violations + late
        return charge, discharge, level, violations
    charges, discharges = _rules(grid, store, grid.metered(net))
    level = np.array(store.levels[1:])
    return np.repeat(charges, grid.per_meter), np.repeat(discharges, grid.per_meter), level, []


def _rules(grid: SiteGrid, store: StoreLevel, net: np.ndarray) -> tuple[list[float], list[float]]:
    record = grid.scenario.battery
    assert record is not None
    assert record.in_rate is not None
    limit, export_limit = grid.import_limit_mw, grid.scenario.site.grid.export_limit_mw
    into, out, power, target = record.in_efficiency, record.out_efficiency, record.in_rate, record.end_level
    meter_h, cell_h = grid.meter_min / 60, grid.cell_min / 60
    retention, counting = store.retention(meter_h), store.counting(meter_h)
    charges, discharges = [], []
    for load in net.tolist():
        rest = store.level * retention
        charge = discharge = 0.0
        if load < -export_limit:
            charge = min(-export_limit - load, power, _flow(store.capacity - rest, counting) / into)
        elif load > limit:
            discharge = min(load - limit, power, _flow(rest, counting) * out)
        elif rest < target:
            charge = min(power, limit - load, _flow(target - rest, counting) / into)
        elif rest > target and load > 0:
            discharge = min(power, load, _flow(rest - target, counting) * out)
        for _ in range(grid.per_meter):
            store.flow(charge * into, discharge / out, cell_h)
        charges.append(charge)
        discharges.append(discharge)
    return charges, discharges


def _flow(level: float, counting: float) -> float:
    """The constant flow that changes the level by so much."""
    return level / counting if counting else 0.0


def _follow(grid: SiteGrid, store: StoreLevel, setpoints: Setpoints) -> tuple[np.ndarray, np.ndarray, list[Violation]]:
    """Follow set-points as far as power and level allow; what is missed is a violation."""
    record = grid.scenario.battery
    assert record is not None
    assert record.in_rate is not None
    into, out, power = record.in_efficiency, record.out_efficiency, record.in_rate
    cell_h = grid.cell_min / 60
    charges, discharges = [], []
    violations: list[Violation] = []
    at = 0.0
    step = grid.scenario.horizon.step_min
    for charge, discharge in zip(setpoints.charge_mw.tolist(), setpoints.discharge_mw.tolist(), strict=True):
        missed = 0.0
        excess = max(charge - power, discharge - power, -charge, -discharge)
        if excess > TOLERANCE:
            violations.append(Violation(ViolationKind.BATTERY, "", "", at, excess, "MW"))
        charge, discharge = min(max(charge, 0.0), power), min(max(discharge, 0.0), power)
        both = min(charge, discharge)
        if both > SMALL * max(power, 1.0):
            # it has one set-point, the difference
            charge, discharge = charge - both, discharge - both
            if record.one_way:
                violations.append(Violation(ViolationKind.BOTH_WAYS, "", "", at, both, "MW"))
        for _ in range(grid.per_step):
            charging, delivery = store.flow(charge * into, discharge / out, cell_h)
            charging, delivery = charging / into, delivery * out
            missed += (charge - charging + discharge - delivery) * cell_h
            charges.append(charging)
            discharges.append(delivery)
        if missed > TOLERANCE:
            violations.append(Violation(ViolationKind.BATTERY, "", "", at, missed, "MWh"))
        at += step
    return np.array(charges), np.array(discharges), violations


def _relieve(
    grid: SiteGrid, means: list[float], under: list[float], planned: np.ndarray, levels: np.ndarray
) -> tuple[np.ndarray, np.ndarray, list[Violation], dict[float, float]]:
    """Flows [MW], charge positive, and levels [MWh] of a battery that keeps the limits of the grid where it can;
    violations, and by the moment [min] the energy [MWh] by which set-points gave way to the import limit.

    Args:
        grid: the site's grids.
        means: drawn with its flow by set-points in each metered interval [MW].
        under: by how much more is given there than can be exported or curtailed [MW]; negative where all can.
        planned: its flow by set-points [MW].
        levels: at the end of each cell by set-points [MWh].
    """
    record = grid.scenario.battery
    assert record is not None
    assert record.in_rate is not None
    store = StoreLevel(record.capacity, record.start_level, record.self_loss_per_h)
    into, out, power = record.in_efficiency, record.out_efficiency, record.in_rate
    cell_h, counting = grid.cell_min / 60, store.counting(grid.meter_min / 60)
    flows, highest = [], -np.inf
    most = grid.scenario.recourse.battery_most_mwh
    rest_mwh, meter_h, energy = np.inf if most is None else most, grid.meter_min / 60, dict[float, float]()
    before = levels[grid.per_meter - 1 :: grid.per_meter].tolist()
    rows = zip(means, planned.reshape(-1, grid.per_meter).tolist(), grid.metered(planned).tolist(), strict=True)
    for m, (mean, setpoints, setpoint) in enumerate(rows):
        lacking = before[m - 1] - store.level if m else 0.0
        shift = max(min(grid.import_limit_mw - mean, 0.0), -rest_mwh / meter_h)
        relief = shift < -TOLERANCE
        if under[m] > TOLERANCE:
            shift = under[m]
        if not shift and lacking > TOLERANCE:
            room = min(grid.import_limit_mw, highest) - mean
            shift = max(min(room, _flow(lacking, counting) / into), 0.0)
        got = []
        for flow in setpoints:
            target = min(max(flow + shift, -power), power)
            charging, delivery = store.flow(max(target, 0.0) * into, max(-target, 0.0) / out, cell_h)
            got.append(charging / into - delivery * out)
        change = sum(got) / len(got) - setpoint
        if relief:
            amount = -change * meter_h
            energy[m * grid.meter_min] = amount
            rest_mwh = max(rest_mwh - amount, 0.0)
        highest = max(highest, mean + change)
        flows += got
    missed = float(levels[-1]) - store.level
    end = grid.scenario.horizon.length_min
    late: list[Violation] = [Violation(ViolationKind.BATTERY, "", "", end, missed, "MWh")] if missed > TOLERANCE else []
    return np.array(flows), np.array(store.levels[1:]), late, energy
