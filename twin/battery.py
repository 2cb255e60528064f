"""The battery, by the plain rules or by set-points; its rules stand in ``twin.site``."""

from __future__ import annotations

import numpy as np

from twin.grid import Setpoints, SiteGrid
from twin.store import Store
from twin.violation import TOLERANCE, Violation


def battery(
    grid: SiteGrid, net: np.ndarray, setpoints: Setpoints | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Violation]]:
    """Charge, discharge [MW] and level at the end of each cell [MWh], shape (n_cells,) each, and violations."""
    record = grid.scenario.site.battery
    if record is None:
        zeros = np.zeros(len(net))
        return zeros, zeros, zeros, []
    store = Store(record.energy_mwh, grid.start_level_mwh, record.self_loss_per_h)
    if setpoints is not None:
        return _follow(grid, store, setpoints)
    charge, discharge = _rules(grid, store, grid.metered(net))
    level = np.array(store.levels[1:])
    return np.repeat(charge, grid.per_meter), np.repeat(discharge, grid.per_meter), level, []


def _rules(grid: SiteGrid, store: Store, net: np.ndarray) -> tuple[list[float], list[float]]:
    record = grid.scenario.site.battery
    assert record is not None
    limit, export_limit = grid.import_limit_mw, grid.scenario.site.grid.export_limit_mw
    into, out, power, wanted = (
        record.charge_efficiency,
        record.discharge_efficiency,
        record.power_mw,
        grid.end_level_mwh,
    )
    meter_h, cell_h = grid.meter_min / 60, grid.cell_min / 60
    kept, counting = store.kept(meter_h), store.counting(meter_h)
    charges, discharges = [], []
    for load in net.tolist():
        rest = store.level * kept
        charge = discharge = 0.0
        if load < -export_limit:
            charge = min(-export_limit - load, power, _flow(store.capacity - rest, counting) / into)
        elif load > limit:
            discharge = min(load - limit, power, _flow(rest, counting) * out)
        elif rest < wanted:
            charge = min(power, limit - load, _flow(wanted - rest, counting) / into)
        elif rest > wanted and load > 0:
            discharge = min(power, load, _flow(rest - wanted, counting) * out)
        for _ in range(grid.per_meter):
            store.flow(charge * into, discharge / out, cell_h)
        charges.append(charge)
        discharges.append(discharge)
    return charges, discharges


def _flow(level: float, counting: float) -> float:
    """The constant flow that changes the level by so much."""
    return level / counting if counting else 0.0


def _follow(
    grid: SiteGrid, store: Store, setpoints: Setpoints
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Violation]]:
    """Follow set-points as far as power and level allow; what is missed is a violation."""
    record = grid.scenario.site.battery
    assert record is not None
    into, out, power = record.charge_efficiency, record.discharge_efficiency, record.power_mw
    cell_h = grid.cell_min / 60
    charges, discharges = [], []
    violations: list[Violation] = []
    at = 0.0
    step = grid.scenario.horizon.step_min
    for charge, discharge in zip(setpoints.charge_mw.tolist(), setpoints.discharge_mw.tolist(), strict=True):
        missed = 0.0
        excess = max(charge - power, discharge - power, -charge, -discharge)
        if excess > TOLERANCE:
            violations.append(("battery", "", "", at, excess, "MW"))
        charge, discharge = min(max(charge, 0.0), power), min(max(discharge, 0.0), power)
        for _ in range(grid.per_step):
            taken, given = store.flow(charge * into, discharge / out, cell_h)
            taken, given = taken / into, given * out
            missed += (charge - taken + discharge - given) * cell_h
            charges.append(taken)
            discharges.append(given)
        if missed > TOLERANCE:
            violations.append(("battery", "", "", at, missed, "MWh"))
        at += step
    return np.array(charges), np.array(discharges), np.array(store.levels[1:]), violations
