"""Scatter in a disturbed replay of processes: of their rates, of what is fetched, and breakdowns.

Numbers are keyed by the name of the unit or delivery (``scenarios.line.scatter``), so that a further one changes
nothing for the others, and two policies have the same disturbances.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from statistics import NormalDist

import numpy as np

from emberline.scenarios.line.scatter import BREAKDOWN, DEMAND, SPREAD, stream
from emberline.scenarios.records.disturbances import Disturbances
from emberline.twin.processes.network import WorksTable
from emberline.twin.streams import Breakdowns

SHIFT_MIN = 480.0
"""A rate scatters from shift to shift, counted from the start of the horizon."""


@dataclass
class Scatter:
    """Random factors and failures of one replication."""

    rates: list[list[float]] = field(default_factory=list)
    """Factor on the rate of each unit in each step; empty: all are 1."""
    demands: list[list[float]] = field(default_factory=list)
    """Factor on what each delivery asks for in each step; empty: all are 1."""
    failures: dict[int, Breakdowns] = field(default_factory=dict)
    """By unit, of those that can fail."""


def scatter(table: WorksTable, seed: int, replication: int) -> Scatter:
    """Draw it."""
    disturbances = table.scenario.disturbances
    shift_of = (np.arange(table.n_steps) * table.step_min // SHIFT_MIN).astype(int)
    draws = Scatter()
    for u, machine in enumerate(table.machines):
        spread = rate_spread(disturbances, machine.name, machine.process.name)
        factor = np.ones(table.n_steps)
        if spread:
            normal = stream(seed, machine.name, replication, SPREAD).standard_normal(shift_of[-1] + 1)
            factor = np.exp(spread * normal)[shift_of]
        draws.rates.append(factor.tolist())
        by_unit = {item.unit: item for item in disturbances.breakdowns}
        item = by_unit.get(machine.name) or by_unit.get(machine.process.name)
        if item is not None:
            generator = stream(seed, machine.name, replication, BREAKDOWN)
            draws.failures[u] = Breakdowns(item.mtbf_h * 60, item.mttr_min, generator)
    for load in table.loads:
        factor = np.ones(table.n_steps)
        if disturbances.delivery_spread and not load.order:
            normal = stream(seed, load.name, replication, DEMAND).standard_normal(table.day_of[-1] + 1)
            factor = np.exp(disturbances.delivery_spread * normal)[table.day_of]
        draws.demands.append(factor.tolist())
    return draws


def rate_spread(disturbances: Disturbances, unit: str, process: str) -> float:
    """Standard deviation of the logarithm of a unit's rate; what is given for the unit comes before its process."""
    by_unit = {spread.unit: spread.rate for spread in disturbances.units if spread.rate is not None}
    return by_unit.get(unit, by_unit.get(process, disturbances.rate_spread))


def planned_rate(disturbances: Disturbances, unit: str, process: str) -> float:
    """Rate that a plan reckons with by the nominal one: the quantile of its spread, 1 at most."""
    normal = NormalDist().inv_cdf(disturbances.planning_quantile)
    return min(math.exp(-rate_spread(disturbances, unit, process) * normal), 1.0)
