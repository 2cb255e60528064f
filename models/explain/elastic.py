"""Elastic model of a site or of processes: limits can be loosened at a price, and the total price is minimized.

J. W. Chinneck, *Feasibility and Infeasibility in Optimization* (Springer 2008), chapters 6 and 7: slack on every limit
that could be loosened, with its weighted sum minimized; the infeasible subset is irreducible (from the solver).
``parts`` maps the limits of a scenario, by their keys, to rows and bounds of the model.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.explain.all_limits import PRICES, Limit, assets, keyed, rate_key
from emberline.models.formulations import whole_site
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.objective import Aim
from emberline.models.formulations.whole_site import SiteModel
from emberline.models.kernel.arrays import Variable
from emberline.models.kernel.highs import Program
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.models.problem.line import grouped
from emberline.scenarios import Case, Scenario
from emberline.scenarios.assets.base import Named, of
from emberline.scenarios.assets.converter import Machine
from emberline.scenarios.assets.machines import FlexibleLoad
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.assets.storage import Storage
from emberline.scenarios.assets.trade import Load, Source
from emberline.scenarios.messages import Message, clock
from emberline.scenarios.metrics import METRICS, OTHER_CARBON


@dataclass(frozen=True)
class Part:
    """Members of the model whose right-hand side depends on a limit."""

    members: Sequence[Any]
    """Constraints, or variables that the limit bounds."""
    slope: np.ndarray | float
    """Change of the right-hand side per unit of the limit, for all members or by member."""
    side: str = "row"
    """``row``; for variables ``upper`` or ``lower``."""
    minutes: float | None = None
    """Length of a member's time [min], if members follow each other from the horizon's start; None: no time."""
    first: int = 0
    """Place in time of the first member."""

    def towards(self, sign: float) -> Part:
        """Return the part for a slack that counts a loosening in one direction."""
        return replace(self, slope=sign * np.asarray(self.slope))

    def slopes(self) -> list[float]:
        """Return the slope of each member."""
        return [float(slope) for slope in np.broadcast_to(np.asarray(self.slope), len(self.members))]

    def placed(self) -> Iterator[tuple[Any, float | None]]:
        """Yield the members with the minute at which each begins."""
        for i, member in enumerate(self.members):
            yield member, None if self.minutes is None else (self.first + i) * self.minutes


KeyedParts = Iterator[tuple[str, Part]]


def parts(scenario: Case, site_model: SiteModel, aim: Aim) -> dict[str, list[Part]]:
    """Return the parts of limits in the model, by key; limits that it represents in another way are missing."""
    sources = _goal(scenario, site_model, aim), *(read(scenario, site_model) for read in (_grid, _assets, _plant))
    return grouped(itertools.chain.from_iterable(sources))


def _goal(scenario: Scenario, site_model: SiteModel, aim: Aim) -> KeyedParts:
    caps, model = scenario.goal.caps, site_model.model
    for name, top in aim.tops.items():
        if name == OTHER_CARBON and caps.other_carbon_kg is None:
            continue  # this cap is dropped as a whole
        part = (
            Part([model.total[name]], 1.0, "upper")
            if site_model.plant_ports is None
            else Part([model.cap[name].limit], 1.0)
        )
        if not METRICS[name].money:
            yield f"goal.caps.{METRICS[name].cap}", part
        elif caps.cost is not None and abs(caps.cost - site_model.data.sunk_cost - top) < 1e-6 * max(abs(top), 1.0):
            yield "goal.caps.cost", part
        elif caps.extra_cost_share is not None:
            # top = paid + share · |paid|
            paid = top / (1 + caps.extra_cost_share) if top >= 0 else top / (1 - caps.extra_cost_share)
            yield "goal.caps.extra_cost_share", replace(part, slope=abs(paid))


def _grid(scenario: Scenario, site_model: SiteModel) -> KeyedParts:
    data, site, step = site_model.coarse, site_model.model.site, scenario.horizon.step_min
    limit, peak = scenario.site.grid.import_limit_mw, scenario.goal.caps.peak_mw
    if len(site.import_limit):
        key = "site.grid.import_limit_mw" if peak is None or (limit or np.inf) <= peak else "goal.caps.peak_mw"
        members = list(site.import_limit.values())
        yield key, Part(members, data.meter_min / 60, minutes=data.meter_min)
    if data.plain:
        return
    key = "site.grid.export_limit_mw"
    if data.export_rows:
        yield key, Part(list(site.export_limit.values()), -data.meter_min / 60, minutes=data.meter_min)
    if step % data.meter_min == 0:
        yield key, Part(list(site.exports.values()), data.hours, "upper", step)
    if data.battery is not None:
        yield "site.battery.end_level_share", Part([site.end], data.battery.capacity)


def _assets(scenario: Scenario, site_model: SiteModel) -> KeyedParts:
    site, ports = site_model.model.site, site_model.ports.hub
    blocks = {} if ports is None else {asset.name: site.hub.asset[i] for i, asset in enumerate(ports.hub.assets)}
    for asset, key in assets(scenario):
        yield from _asset(asset, scenario, site_model, blocks.get(asset.name), key)


@singledispatch
def _asset(asset: Named, scenario: Scenario, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    """Yield the parts of an asset's limits by its kind; any kind may limit its rate and its amount over the horizon.

    ``block`` belongs to the asset; None if the model aggregates the asset with others.
    """
    horizon = scenario.horizon
    for field, name in (("rate_limit", "amount"), ("in_rate", "put_in"), ("out_rate", "put_out")):
        if getattr(asset, field, None) is not None:
            amounts = list(block.component(name).values())
            yield f"{key}.{field}", Part(amounts, horizon.step_h, "upper", horizon.step_min)
    if getattr(asset, "horizon_limit", None) is not None:
        yield f"{key}.horizon_limit", Part([block.horizon_limit], 1.0)
    for store in of((asset,), Storage):
        yield f"{key}.end_level_share", Part([block.end], store.capacity)


@_asset.register(Load)
@_asset.register(Source)
def _(asset: Load | Source, scenario: Case, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    site, electric = site_model.model.site, asset.carrier == ELECTRICITY
    balance = (site if electric else site.hub.carrier[asset.carrier]).component("balance")
    if balance is not None and (site_model.coarse.balance_meters or not electric):
        name = rate_key(asset, scenario, key) + ("" if asset.rate.value is not None else ".scale")
        rate = -asset.sign * scenario.asset_series(asset.name)["rate"] * scenario.horizon.step_h
        yield name, Part(list(balance.values()), rate, minutes=scenario.horizon.step_min)


@_asset.register(FlexibleLoad)
def _(asset: FlexibleLoad, scenario: Case, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    shares = np.array([amount for _, amount in asset.days(scenario.horizon)]) / asset.per_day
    yield f"{key}.per_day", Part(list(block.per_day.values()), shares)
    yield from _machine(asset, scenario, site_model, block, key)


@_asset.register(Machine)
def _machine(asset: Machine, scenario: Case, site_model: SiteModel, block: Any, key: str) -> KeyedParts:
    if block.component("filled") is not None or block.component("at_least") is not None:
        return  # the model does not show what else a larger machine would need
    core, step = scenario.site.cores[asset.name], scenario.horizon.step_min
    each = core.capacity / getattr(asset, asset.size) * scenario.horizon.step_h
    available = np.minimum(scenario.asset_series(asset.name)["availability"], 1.0)
    yield f"{key}.{asset.size}", Part(list(block.load.values()), each * available, "upper", step)
    most = block.component("most")
    if most is not None:
        yield f"{key}.{asset.size}", Part(list(most.values()), each, minutes=step)


def _plant(scenario: Case, site_model: SiteModel) -> KeyedParts:
    if site_model.plant_ports is None:
        return
    plant, block, step = site_model.plant_ports.plant, site_model.model.plant, scenario.horizon.step_min
    for store, key in keyed("stores", plant.stores):
        levels = [block.level[store.name, t] for t in range(plant.n)]
        yield f"{key}.capacity_t", Part(levels, 1.0, "upper", step)
        yield f"{key}.end_level_t", Part([levels[-1]], 1.0, "lower", step, plant.n - 1)
        yield f"{key}.end_level_t", Part([block.more_than_wanted[store.name]], -1.0)
    yield from _moved(scenario, site_model)
    key_of = {process.name: key for process, key in keyed("processes", scenario.processes)}
    for process in scenario.processes:
        if process.name in plant.days:
            shares = np.array([amount for _, amount in plant.days[process.name]]) / (process.daily_energy_mwh or 1.0)
            rows = list(block.daily[process.name].per_day.values())
            yield f"{key_of[process.name]}.daily_energy_mwh", Part(rows, shares)
    for u, units in enumerate(plant.units):
        place = key_of[units.process.name]
        modes = list(keyed(f"{place}.modes", units.process.modes))
        for m in range(len(units.modes)):
            mode_block = block.units[u].mode[m]
            key = modes[m][1] if modes and modes[m][0].rate is not None else place
            if mode_block.component("most") is not None and mode_block.component("filled") is None:
                yield f"{key}.rate", Part(list(mode_block.most.values()), plant.hours, minutes=step)
                yield f"{key}.rate", Part(list(mode_block.output.values()), plant.hours * units.count, "upper", step)
            if mode_block.component("least") is not None and mode_block.component("filled") is None:
                yield f"{key}.rate.low", Part(list(mode_block.least.values()), plant.hours, minutes=step)


def _moved(scenario: Case, site_model: SiteModel) -> KeyedParts:
    """Yield the parts of deliveries and arrivals: orders by their total load, demands in the balance of their store."""
    assert site_model.plant_ports is not None
    plant, block, step = site_model.plant_ports.plant, site_model.model.plant, scenario.horizon.step_min
    orders = [order.name for order, *_ in plant.orders]
    for field, sign, variable, label in (
        ("deliveries", 1.0, "demand_tph", "demand"),
        ("arrivals", -1.0, "arrival_tph", "arrival"),
    ):
        for delivery, key in keyed(field, getattr(scenario, field)):
            if getattr(delivery, "amount_t", None) is not None:
                o = orders.index(delivery.name)
                yield f"{key}.amount_t", Part([block.order_whole[o]], 1.0)
                if delivery.loading_tph is not None:
                    slots = [variable for (order, _), variable in block.loaded.items() if order == o]
                    yield f"{key}.loading_tph", Part(slots, plant.hours, "upper", step, plant.orders[o][1])
                continue
            store, store_block = scenario.store[delivery.store], block.store[delivery.store]
            counted = store.effective_hours(plant.hours)
            rate = scenario.inputs[variable].sel({label: delivery.name}).to_numpy()
            weekly = delivery.rate is None
            name = f"{key}.weekly" if weekly else f"{key}.rate{'.scale' if delivery.rate.value is None else ''}"
            # level − before − counted·(flow − demand) = 0: a higher demand lowers the right-hand side
            slope = -sign * counted * rate
            yield name, Part([store_block.first_stock], slope[:1], minutes=step)
            yield name, Part(list(store_block.stock.values()), slope[1:], minutes=step, first=1)


NOTHING = 1e-6
"""Share of a limit's scale below which slack counts as solver tolerance."""
LARGE = 20_000
"""Number of columns from which the interior point method is faster than the simplex method."""
FAINT = 1e-4
"""Share of the largest multiplier below which others are residues of the interior point method."""
GAP = 0.01
"""Relative gap of the smallest loosening if there are integer decisions."""


@dataclass(frozen=True)
class Conflict:
    """A limit that is part of a conflict, and the times concerned."""

    limit: Limit
    first_min: float | None
    """First and last time concerned [min after the start]; None: not tied to a time."""
    last_min: float | None

    def says(self, scenario: Scenario) -> str:
        """Return the conflict in words."""
        text = self.limit.statement
        if self.first_min is None or self.last_min is None:
            return text
        begin, end = map(scenario.horizon.instant, (self.first_min, self.last_min))
        if clock(begin) == clock(end):
            return Message("{limit}, {time}", limit=text, time=begin)
        return Message("{limit}, {begin} to {end}", limit=text, begin=begin, end=end)


class Elastic:
    """A scenario without a line, with slack on the limits that could be loosened."""

    def __init__(self, scenario: Case, envelope: xr.Dataset, start: xr.Dataset | None, limits: Sequence[Limit]) -> None:
        """Build the hard model and the elastic model.

        Args:
            scenario: scenario without orders of heats.
            envelope: availability and state (table ``ENVELOPE``).
            start: the baseline schedule, for a cap on extra cost.
            limits: limits that could be loosened; those unknown to the model get no slack.
        """
        self.scenario = scenario
        data = sites.read(scenario, envelope)
        aim = aims.of(scenario, envelope, data, start)
        plant = plants.read(scenario, envelope) if scenario.processes else None
        site_model = whole_site.build(data, aim, one_way_slots=set(), plant=plant)
        self._hard = site_model.program
        all_parts = parts(scenario, site_model, aim)
        self.limits = [limit for limit in limits if limit.key in all_parts and not limit.dropped]
        """Limits with slack."""
        by_key: dict[tuple[str, float], list[Part]] = {}
        for limit in self.limits:
            by_key[limit.key, limit.sign] = [part.towards(limit.sign) for part in all_parts[limit.key]]
        self._parts = by_key
        self._model = site_model.model
        self._rows = _rows([by_key[limit.key, limit.sign] for limit in self.limits])
        self._slack = _loosen(site_model.model, self.limits, self._rows)
        self._program = Program(site_model.model)
        self._large = len(self._program.bounds()[0]) > LARGE

    @property
    def whole(self) -> bool:
        """Whether there are integer decisions, which the relaxation ignores."""
        return self._program.whole

    def conflict(self, *, work: float) -> list[Conflict]:
        """Return limits that cannot all hold, all of them necessary; empty if the relaxation is feasible or time is up.

        Conditions that are no limits, such as the balance of a store, are left out.
        """
        members = self._hard.conflict(work=work)
        if members is None:
            return []
        return self._named({id(member): side for member, side in members})

    def proof(self) -> list[Conflict]:
        """Return the limits whose multipliers keep the price above zero, after ``smallest`` of the relaxation.

        Together they cannot hold, but unlike those of ``conflict`` some may be unnecessary. Fast at any size.
        """
        duals = self._program.duals(self._model.loose.row)
        rows = np.flatnonzero(np.abs(duals) > FAINT * np.abs(duals).max(initial=1e-30))
        return self._named({id(self._rows[i][0]): self._rows[i][1] for i in rows.tolist()})

    def _named(self, sides: dict[int, str]) -> list[Conflict]:
        """Return the limits of model members, which are given by identity with their side."""
        conflicts: list[Conflict] = []
        for limit in self.limits:
            if any(conflict.limit.key == limit.key for conflict in conflicts):
                continue
            times = [
                at
                for part in self._parts[limit.key, limit.sign]
                for member, at in part.placed()
                if id(member) in sides and (part.side == "row" or sides[id(member)] in (part.side, "both"))
            ]
            if not times:
                continue
            slots = [at for at in times if at is not None]
            conflicts.append(Conflict(limit, min(slots), max(slots)) if slots else Conflict(limit, None, None))
        return conflicts

    def smallest(self, *, work: float, relax: bool = True) -> dict[str, float] | None:
        """Return the cheapest loosening: new values by key; None if nothing helps, or time is over.

        Args:
            work: maximum work (``scenarios/effort.py``).
            relax: ignore integer decisions; the result may then be too small.
        """
        self._program.restrict((slack, 0.0, most) for slack, most in self._all())
        return self._minimize(self._model.price, work, relax)

    def alone(self, limit: Limit, *, work: float, relax: bool = True) -> float | None:
        """Return the value at which one limit alone is loose enough; None if no value is, or time is over."""
        k = self.limits.index(limit)
        self._program.restrict((slack, 0.0, most if i == k else 0.0) for i, (slack, most) in enumerate(self._all()))
        values = self._minimize(self._slack[k], work, relax)
        return None if values is None else values.get(limit.key, limit.value)

    def _all(self) -> Iterable[tuple[Any, float]]:
        return [(self._slack[k], abs(limit.loosest - limit.value)) for k, limit in enumerate(self.limits)]

    def _minimize(self, variable: Any, work: float, relax: bool) -> dict[str, float] | None:
        self._program.aim(variable)
        interior = relax and self._large
        outcome = self._program.attempt(work=work, relax=relax, gap=GAP, ipm=interior, crossover=not interior)
        if not outcome.has_solution:
            return None
        values = self._program.values(self._slack[k] for k in range(len(self.limits)))
        return {
            limit.key: limit.value + limit.sign * value
            for limit, value in zip(self.limits, values, strict=True)
            if value > NOTHING * limit.scale
        }


Row = tuple[Any, str, list[tuple[int, float]]]
"""A member, its side, and by limit the change of its right-hand side per unit of slack."""


def _rows(parts_of: list[list[Part]]) -> list[Row]:
    terms: dict[tuple[int, str], Row] = {}
    for k, limit_parts in enumerate(parts_of):
        for part in limit_parts:
            for member, slope in zip(part.members, part.slopes(), strict=True):
                if slope:
                    terms.setdefault((id(member), part.side), (member, part.side, []))[2].append((k, slope))
    return list(terms.values())


def _loosen(model: pyo.ConcreteModel, limits: list[Limit], rows: list[Row]) -> Any:
    """Add a slack for each limit in the limit's own unit, and the total price as a variable."""
    model.loose = pyo.Block()
    block = model.loose
    block.LIMIT = pyo.RangeSet(0, len(limits) - 1)
    block.slack = Variable(block.LIMIT, domain=pyo.NonNegativeReals)
    block.ROW = pyo.RangeSet(0, len(rows) - 1)
    block.row = pyo.Constraint(block.ROW, rule=lambda b, i: _row(b.slack, *rows[i]))
    model.price = pyo.Var(domain=pyo.NonNegativeReals)
    weights = [PRICES[limit.kind] / limit.scale for limit in limits]
    block.sum = pyo.Constraint(expr=model.price == sum(w * block.slack[k] for k, w in enumerate(weights)))
    model.goal.deactivate()
    block.goal = pyo.Objective(expr=model.price)
    return block.slack


def _row(slack: Any, member: Any, side: str, weighted: list[tuple[int, float]]) -> Any:
    """Return the row of a member with its right-hand side shifted, and remove the member's own limit."""
    shift = sum(weight * slack[k] for k, weight in weighted)
    if side == "upper":
        top = pyo.value(member.ub)
        member.setub(None)
        return member - shift <= top
    if side == "lower":
        low = pyo.value(member.lb)
        member.setlb(None)
        return member - shift >= low
    low, body, top = pyo.value(member.lower), member.body, pyo.value(member.upper)
    member.deactivate()
    if low is not None and top is not None and low == top:
        return body - shift == low
    return pyo.inequality(-math.inf if low is None else low, body - shift, math.inf if top is None else top)
