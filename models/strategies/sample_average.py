"""Planning of a site over samples of prices and intensities: two stages, solved exactly as one extensive form.

The first stage is what must be fixed before the samples are known and is the same in all of them: the switched machines
that are on in each slot and, if the market has imbalance prices, the nomination. All else is dispatch, which knows its
sample (A. J. Kleywegt, A. Shapiro, T. Homem-de-Mello, *The Sample Average Approximation Method for Stochastic Discrete
Optimization*, SIAM J. Optim. 12 (2002) 479–502). All samples have equal weight. The objective is the mean of the goal,
or its conditional value at risk

    CVaR_β = min η + Σₛ max(Lₛ − η, 0) / ((1 − β) S)

(R. T. Rockafellar, S. Uryasev, *Optimization of Conditional Value-at-Risk*, Journal of Risk 2 (2000) 21–41, eq. 17).

With nomination N and import U (both net of export: N = U − D⁺ + D⁻), the bill of a sample is that of its import at the
spot price plus (p⁺ − p)·D⁺ + (p − p⁻)·D⁻ in each settled interval, where p⁺ and p⁻ are the short and the long price.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.formulations.site import balance as sites
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.assets.ports import slot_values
from emberline.models.formulations.site.balance import Ports
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint
from emberline.models.kernel.highs import Program
from emberline.models.kernel.templates import building, each, total
from emberline.models.problem import site as site_problem
from emberline.models.problem.site import SiteData
from emberline.scenarios import Case, Scenario, effort
from emberline.scenarios.flows.settlement import imbalance_prices, marginal_prices
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.metrics import METRICS, sound

__all__ = ["Fixed", "Sampled", "cvar", "decides", "optimize_samples"]


@dataclass(frozen=True)
class Fixed:
    """First-stage decisions."""

    on: dict[str, np.ndarray]
    """On/off state in each slot, shape (n_slots,), by switched machine."""
    nominated_mwh: np.ndarray | None
    """Net import nominated in each settled interval, shape (n_intervals,); None: the market has no imbalance prices."""


@dataclass(frozen=True)
class Sampled:
    """A plan over samples; values that were not found are None."""

    status: str
    """Status as in ``emberline.models.kernel.highs.Outcome``."""
    fixed: Fixed | None
    worth: np.ndarray
    """Goal in each sample [currency or kg CO2e], shape (n_samples,)."""
    value: float | None
    """Objective: the mean or the conditional value at risk of ``worth``."""
    bound: float | None
    gap: float | None
    seconds: float = 0.0


def cvar(worth: np.ndarray, share: float) -> float:
    """Return the mean of the worst ``1 − share`` of some values, with the value at the edge counted in part."""
    ordered = np.sort(np.asarray(worth, dtype=float))[::-1]
    tail = (1 - share) * len(ordered)
    weight = np.clip(tail - np.arange(len(ordered)), 0.0, 1.0)
    return float(ordered @ weight / tail)


def decides(scenario: Scenario) -> bool:
    """Return whether any decision of a site must be fixed before prices are known."""
    switched = any(getattr(core, "switched", False) for core in scenario.site.cores.values())
    return switched or (scenario.market.imbalance is not None and goal_metric(scenario).money)


def optimize_samples(
    samples: Sequence[Case],
    envelope: xr.Dataset,
    *,
    share: float | None = None,
    fixed: Fixed | None = None,
    work: float = 60.0,
    gap: float = 1e-4,
    cancel: Callable[[], bool] | None = None,
) -> Sampled:
    """Plan a site over samples.

    Args:
        samples: scenarios that differ in their series of prices and intensities only; caps are left out.
        envelope: as for ``emberline.models.optimize``.
        share: share of the conditional value at risk; None: minimize the mean.
        fixed: first stage, if it is already decided.
        work: work of the search.
        gap: relative gap at which it may stop.
        cancel: polled; True stops it.

    Raises:
        ValueError: the scenario has heats or processes, or imbalance prices together with blocks that lose a spread
            when they are not used.
    """
    first_sample = samples[0]
    if first_sample.heats or first_sample.processes:
        raise ValueError("planning over samples supports only sites without heats and processes")
    if first_sample.market.imbalance is not None and any(
        getattr(contract, "unused_spread_per_mwh", 0.0) for contract in first_sample.market.contracts
    ):
        raise ValueError("planning over samples does not support unused_spread_per_mwh together with imbalance prices")
    began, before = time.perf_counter(), effort.now()
    goal = aims.read(first_sample, site_problem.read(first_sample, envelope), {}, 0.0).first
    model = pyo.ConcreteModel()
    count = len(samples)
    model.S = pyo.RangeSet(0, count - 1)
    with building():
        model.sample = pyo.Block(model.S)
        model.worth = Variable(model.S)
        stages = [
            _sample(model, s, scenario, site_problem.read(scenario, envelope), goal)
            for s, scenario in enumerate(samples)
        ]
        _tie(model, stages, fixed)
        if share is None:
            model.goal = pyo.Objective(expr=total(model.worth[s] for s in each(model.S)) / count)
        else:
            model.threshold = pyo.Var()
            model.beyond = Variable(model.S, domain=pyo.NonNegativeReals)
            model.tail = Rows(model.S, rule=lambda m, s: m.beyond[s] >= m.worth[s] - m.threshold)
            weight = 1 / ((1 - share) * count)
            model.goal = pyo.Objective(expr=model.threshold + weight * total(model.beyond[s] for s in each(model.S)))
        program = Program(model)
    remaining = max(work - (effort.now() - before), 1.0)
    outcome = program.run(work=remaining, gap=gap, cancel=cancel or (lambda: False))
    seconds = time.perf_counter() - began
    if not outcome.has_solution:
        return Sampled(outcome.status, None, np.zeros(0), None, outcome.bound, None, seconds)
    worth = np.array([pyo.value(model.worth[s]) for s in model.S])
    value = float(worth.mean()) if share is None else cvar(worth, share)
    bound = None if outcome.bound is None else sound(outcome.bound, value)
    relative = None if bound is None else (value - bound) / max(abs(value), 1e-9)
    return Sampled(outcome.status, stages[0].read(), worth, value, bound, relative, seconds)


@dataclass(frozen=True)
class _Stage:
    """First stage in one sample."""

    on: dict[str, Any]
    nominated: Any
    """Variable by settled interval; None without a nomination."""

    def read(self) -> Fixed:
        on = {name: slot_values(variable, len(variable)) for name, variable in self.on.items()}
        return Fixed(on, None if self.nominated is None else slot_values(self.nominated, len(self.nominated)))


def _sample(model: Any, s: int, scenario: Case, data: SiteData, goal: str) -> _Stage:
    """Fill the block of a sample: the site, the value of the goal, and the settlement."""
    block = model.sample[s]
    if data.step_min > data.meter_min:
        # nothing changes within a step, so that its limit is that of each of its metered intervals
        data = replace(data, meter_min=data.step_min, cell_min=data.step_min)
    n = len(data.base)
    block.CELL, block.T = pyo.RangeSet(0, n * data.cells_per_slot - 1), pyo.RangeSet(0, n - 1)
    block.by_cell = Series(block.CELL, values=np.zeros(n * data.cells_per_slot))
    block.by_slot = Series(block.T, values=np.zeros(n))
    block.site = pyo.Block()
    ports = sites.add(block.site, data, lambda c, t: block.by_cell[c], lambda t: block.by_slot[t])
    nominated = None
    settling = scenario.market.imbalance is not None and METRICS[goal].money
    if settling:
        nominated = _nomination(block, scenario, data)
    sunk = data.sunk_cost if METRICS[goal].money else 0.0
    block.counted = pyo.Constraint(rule=_worth(model, s, ports, goal, block if settling else None, sunk))
    machines = {} if ports.hub is None else ports.hub.ports
    return _Stage(
        {name: machine.on.parts[0][0] for name, machine in machines.items() if machine.on is not None}, nominated
    )


def _worth(model: Any, s: int, ports: Ports, goal: str, settled: Any, sunk: float) -> Callable[[Any], Any]:
    def rule(b: Any) -> Any:
        difference = ports.worth(goal) - model.worth[s]
        if settled is not None:
            difference += total(
                settled.expensive[i] * settled.short[i] + settled.cheap[i] * settled.long[i] for i in each(settled.I)
            )
        return difference == -sunk

    return rule


def _nomination(block: Any, scenario: Case, data: SiteData) -> Any:
    """Add the nomination and the deviations above and below it in each settled interval; return the nomination.

    An interval is the longer of step and metered interval: within it, either nothing changes or only the sum counts.
    """
    n, per = len(data.base), max(round(data.meter_min / data.step_min), 1)
    count = n // per
    short, long = (_by_interval(price, count) for price in imbalance_prices(scenario))
    prices = _by_interval(marginal_prices(scenario).imported, count)
    block.I = pyo.RangeSet(0, count - 1)
    block.OF = pyo.Set(block.I, initialize=lambda b, i: range(i * per, (i + 1) * per))
    block.expensive, block.cheap = Series(block.I, values=short - prices), Series(block.I, values=prices - long)
    # energy at the grid connection: the import limit, or all possible draw
    most = (data.import_limit_mw or 1e4) * data.hours * per
    block.nominated = Variable(block.I, bounds=(-data.export_limit_mw * data.hours * per, most))
    block.short = Variable(block.I, domain=pyo.NonNegativeReals)
    block.long = Variable(block.I, domain=pyo.NonNegativeReals)
    site = block.site

    @constraint(block, block.I)
    def deviation(b: Any, i: int) -> Any:
        if data.plain:
            net = total(b.by_slot[t] + site.base[t] - site.available[t] for t in each(b.OF[i]))
        else:
            net = total(site.imports[t] - site.exports[t] for t in each(b.OF[i]))
        return net - b.nominated[i] == b.short[i] - b.long[i]

    return block.nominated


def _by_interval(price: np.ndarray, count: int) -> np.ndarray:
    """Return prices on settled intervals, shape (count,): means of finer prices, or coarser prices repeated."""
    if len(price) >= count:
        return np.asarray(price.reshape(count, -1).mean(axis=1))
    return np.repeat(price, count // len(price))


def _tie(model: Any, stages: Sequence[_Stage], fixed: Fixed | None) -> None:
    """Make the first stage equal in all samples, or fix it at given values."""
    first = stages[0]
    model.tied = pyo.ConstraintList()
    for later in stages[1:]:
        pairs = [(first.on[name], variable) for name, variable in later.on.items()]
        if first.nominated is not None:
            pairs.append((first.nominated, later.nominated))
        for reference, follower in pairs:
            for t in reference:
                model.tied.add(reference[t] == follower[t])
    if fixed is None:
        return
    for stage in stages:
        for name, variable in stage.on.items():
            for t, value in zip(variable, fixed.on[name].tolist(), strict=True):
                variable[t].fix(value)
        if stage.nominated is not None and fixed.nominated_mwh is not None:
            for i, value in zip(stage.nominated, fixed.nominated_mwh.tolist(), strict=True):
                stage.nominated[i].fix(value)
