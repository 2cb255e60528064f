"""The site around the line: PV, battery and grid, balanced on the finest grid that both step and meter need.

That grid divides the plan's step and the metered interval; the load on it is integrated exactly. Without set-points the
assets follow plain rules, one decision for each metered interval:

1. PV surplus that cannot be exported is stored.
2. What the load lies above the import limit, the battery delivers.
3. Otherwise the battery goes back to the level wanted at the end, as fast as the import limit allows, without export.

PV that is neither used, stored nor exported is curtailed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scenarios import Scenario
from twin.store import Store

TOLERANCE = 1e-6
"""MW and MWh that count as nothing."""

Violation = tuple[str, str, str, float, float, str]
"""Kind, heat, unit, when [min], amount and its unit of measure."""


@dataclass(frozen=True)
class Setpoints:
    """What a schedule tells the assets, per step, shape (n_steps,) each."""

    charge_mw: np.ndarray
    discharge_mw: np.ndarray
    pv_curtailed_mw: np.ndarray


@dataclass(frozen=True)
class SiteGrid:
    """Grids of a scenario's site and the series on them."""

    scenario: Scenario

    @cached_property
    def meter_min(self) -> int:
        """Metered interval [min]."""
        return round(self.scenario.site.grid.metered_interval_min)

    @cached_property
    def cell_min(self) -> int:
        """Length of a cell: divides step and metered interval [min]."""
        return math.gcd(round(self.scenario.horizon.step_min), self.meter_min)

    @cached_property
    def edges(self) -> np.ndarray:
        """Edges of the cells [min], shape (n_cells + 1,)."""
        return np.arange(round(self.scenario.horizon.length_min / self.cell_min) + 1) * float(self.cell_min)

    @cached_property
    def per_step(self) -> int:
        """Cells per step."""
        return round(self.scenario.horizon.step_min) // self.cell_min

    @cached_property
    def per_meter(self) -> int:
        """Cells per metered interval."""
        return self.meter_min // self.cell_min

    @cached_property
    def base_load_mw(self) -> np.ndarray:
        """Fixed base load, shape (n_cells,)."""
        return np.repeat(self.scenario.inputs["base_load_mw"].values, self.per_step)

    @cached_property
    def pv_available_mw(self) -> np.ndarray:
        """What the PV plant could give, shape (n_cells,)."""
        return np.repeat(self.scenario.inputs["pv_available_mw"].values, self.per_step)

    @cached_property
    def import_limit_mw(self) -> float:
        """Contracted import, infinite where there is no limit."""
        limit = self.scenario.site.grid.import_limit_mw
        return math.inf if limit is None else limit

    @cached_property
    def start_level_mwh(self) -> float:
        """Level of the battery at the start."""
        battery, told = self.scenario.site.battery, self.scenario.state.battery_level_mwh
        if battery is None:
            return 0.0
        return battery.level_share * battery.energy_mwh if told is None else min(told, battery.energy_mwh)

    @cached_property
    def end_level_mwh(self) -> float:
        """Level of the battery wanted at the end."""
        battery = self.scenario.site.battery
        if battery is None:
            return 0.0
        return self.start_level_mwh if battery.end_level_share is None else battery.end_level_share * battery.energy_mwh

    def metered(self, cells: np.ndarray) -> np.ndarray:
        """Means over the metered intervals, shape (n_meter,)."""
        return cells.reshape(-1, self.per_meter).mean(axis=1)

    def stepped(self, cells: np.ndarray) -> np.ndarray:
        """Means over the steps, shape (n_steps,)."""
        return cells.reshape(-1, self.per_step).mean(axis=1)


def balance(
    grid: SiteGrid, line_mw: np.ndarray, setpoints: Setpoints | None = None
) -> tuple[dict[str, np.ndarray], list[Violation]]:
    """Balance the site under the line's load.

    Args:
        grid: the site's grids and series.
        line_mw: mean power of the line in each cell, shape (n_cells,).
        setpoints: what the schedule says; None: the plain rules.

    Returns:
        The variables of ``FLOWS`` as arrays, and violations of limits of import, export and battery.
    """
    pv = grid.pv_available_mw
    if setpoints is not None:
        pv = np.maximum(pv - np.repeat(np.maximum(setpoints.pv_curtailed_mw, 0.0), grid.per_step), 0.0)
    load = line_mw + grid.base_load_mw
    charge, discharge, level, violations = _battery(grid, load - pv, setpoints)
    net = load - pv + charge - discharge
    export_limit = grid.scenario.site.grid.export_limit_mw
    over = -export_limit - grid.metered(net)
    if (over > 0).any():
        # exactly as much PV goes unused as the mean over the metered interval is above the export limit
        pv_mean = grid.metered(pv)
        share = np.divide(np.clip(over, 0.0, pv_mean), pv_mean, out=np.zeros_like(pv_mean), where=pv_mean > 0)
        less = pv * np.repeat(share, grid.per_meter)
        pv = pv - less
        net = net + less
    meter = grid.metered(net)
    violations += _limits(grid, meter, export_limit)
    flows = {
        "line_mw": grid.stepped(line_mw),
        "base_load_mw": grid.stepped(grid.base_load_mw),
        "pv_mw": grid.stepped(pv),
        "pv_curtailed_mw": grid.stepped(grid.pv_available_mw - pv),
        "charge_mw": grid.stepped(charge),
        "discharge_mw": grid.stepped(discharge),
        "battery_mwh": level[grid.per_step - 1 :: grid.per_step],
        "import_mw": grid.stepped(np.maximum(net, 0.0)),
        "export_mw": grid.stepped(np.maximum(-net, 0.0)),
        "meter_mw": meter,
    }
    return flows, violations


def _limits(grid: SiteGrid, meter: np.ndarray, export_limit: float) -> list[Violation]:
    found: list[Violation] = []
    for kind, excess in (("import", meter - grid.import_limit_mw), ("export", -meter - export_limit)):
        for m in np.flatnonzero(excess > TOLERANCE).tolist():
            found.append((kind, "", "", float(m * grid.meter_min), float(excess[m]), "MW"))
    return found


def _battery(
    grid: SiteGrid, net: np.ndarray, setpoints: Setpoints | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[Violation]]:
    """Charge, discharge [MW] and level at the end of each cell [MWh], shape (n_cells,) each, and violations."""
    battery = grid.scenario.site.battery
    if battery is None:
        zeros = np.zeros(len(net))
        return zeros, zeros, zeros, []
    store = Store(battery.energy_mwh, grid.start_level_mwh, battery.self_loss_per_h)
    if setpoints is not None:
        return _follow(grid, store, setpoints)
    charge, discharge = _rules(grid, store, grid.metered(net))
    level = np.array(store.levels[1:])
    return np.repeat(charge, grid.per_meter), np.repeat(discharge, grid.per_meter), level, []


def _rules(grid: SiteGrid, store: Store, net: np.ndarray) -> tuple[list[float], list[float]]:
    battery = grid.scenario.site.battery
    assert battery is not None
    limit, export_limit = grid.import_limit_mw, grid.scenario.site.grid.export_limit_mw
    into, out, power, wanted = (
        battery.charge_efficiency,
        battery.discharge_efficiency,
        battery.power_mw,
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
    battery = grid.scenario.site.battery
    assert battery is not None
    into, out, power = battery.charge_efficiency, battery.discharge_efficiency, battery.power_mw
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
