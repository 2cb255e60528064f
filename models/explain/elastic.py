"""The elastic model of a site or of processes: limits that give way at a price, and the least that has to.

J. W. Chinneck, *Feasibility and Infeasibility in Optimization* (Springer 2008), chapters 6 and 7: slack on every limit
that could be loosened, its weighted sum minimized; the subset that cannot hold is irreducible (the solver's).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyomo.core as pyo
import xarray as xr

from emberline.models.explain.limit import PRICES, Limit
from emberline.models.explain.parts import Part, parts
from emberline.models.formulations import whole_site
from emberline.models.formulations.site import objective as aims
from emberline.models.kernel.arrays import Variable
from emberline.models.kernel.highs import Program
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.scenarios import Case, Scenario
from emberline.scenarios.messages import Message, clock

NOTHING = 1e-6
"""Slack below this, as a share of a limit's scale, is the solver's tolerance."""
LARGE = 20_000
"""Columns from which on the interior point is quicker than the simplex method."""
FAINT = 1e-4
"""Multipliers smaller than this share of the largest are the interior point's."""
GAP = 0.01
"""To which the least is looked for where things are whole."""


@dataclass(frozen=True)
class Conflict:
    """A limit that takes part in what cannot all hold, and when."""

    limit: Limit
    first_min: float | None
    """First and last moment at which it does, minutes after the start; None: it is of no time."""
    last_min: float | None

    def says(self, scenario: Scenario) -> str:
        """In words."""
        text = self.limit.statement
        if self.first_min is None or self.last_min is None:
            return text
        begin, end = map(scenario.horizon.instant, (self.first_min, self.last_min))
        if clock(begin) == clock(end):
            return Message("{limit}, {time}", limit=text, time=begin)
        return Message("{limit}, {begin} to {end}", limit=text, begin=begin, end=end)


class Elastic:
    """A scenario without a line, with slack on what could be loosened."""

    def __init__(self, scenario: Case, envelope: xr.Dataset, start: xr.Dataset | None, limits: Sequence[Limit]) -> None:
        """Build both models, the hard one and the elastic one.

        Args:
            scenario: without orders of heats.
            envelope: availability and state (table ``ENVELOPE``).
            start: the baseline schedule, for a cap on extra cost.
            limits: those that could be loosened; what the model does not know of them is not loosened.
        """
        self.scenario = scenario
        data = sites.read(scenario, envelope)
        aim = aims.of(scenario, envelope, data, start)
        plant = plants.read(scenario, envelope) if scenario.processes else None
        site_model = whole_site.build(data, aim, burning=set(), plant=plant)
        self._hard = site_model.program
        all_parts = parts(scenario, site_model, aim)
        self.limits = [limit for limit in limits if limit.key in all_parts and not limit.dropped]
        """Those that have slack."""
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
        """Whether something is decided in whole numbers, which the relaxation leaves out."""
        return self._program.whole

    def conflict(self, *, work: float) -> list[Conflict]:
        """Limits that cannot all hold, each needed for that; empty where the relaxation has a solution or time is over.

        What is no limit, such as the balance of a store, is left out.
        """
        members = self._hard.conflict(work=work)
        if members is None:
            return []
        return self._named({id(member): side for member, side in members})

    def proof(self) -> list[Conflict]:
        """After ``smallest`` of the relaxation: limits that its multipliers say keep the price above zero.

        Together they cannot hold, but unlike those of ``conflict`` some may not be needed for that. Quick at any size.
        """
        duals = self._program.duals(self._model.loose.row).to_numpy()
        rows = np.flatnonzero(np.abs(duals) > FAINT * np.abs(duals).max(initial=1e-30))
        return self._named({id(self._rows[i][0]): self._rows[i][1] for i in rows.tolist()})

    def _named(self, sides: dict[int, str]) -> list[Conflict]:
        """Limits of members of the model, given by identity with their side."""
        conflicts: list[Conflict] = []
        for limit in self.limits:
            if any(one.limit.key == limit.key for one in conflicts):
                continue
            hit = [
                at
                for part in self._parts[limit.key, limit.sign]
                for member, at in part.placed()
                if id(member) in sides and (part.side == "row" or sides[id(member)] in (part.side, "both"))
            ]
            if not hit:
                continue
            slots = [at for at in hit if at is not None]
            conflicts.append(Conflict(limit, min(slots), max(slots)) if slots else Conflict(limit, None, None))
        return conflicts

    def smallest(self, *, work: float, relax: bool = True) -> dict[str, float] | None:
        """The least that has to be loosened, by price: new values by key; None where nothing helps, or time is over.

        Args:
            work: at most (``scenarios/effort.py``).
            relax: leave out that some things are whole: less may seem enough than is.
        """
        self._program.restrict((slack, 0.0, most) for slack, most in self._all())
        return self._least(self._model.price, work, relax)

    def alone(self, limit: Limit, *, work: float, relax: bool = True) -> float | None:
        """The value at which one limit alone would be loose enough; None where no value is, or time is over."""
        k = self.limits.index(limit)
        self._program.restrict((slack, 0.0, most if i == k else 0.0) for i, (slack, most) in enumerate(self._all()))
        values = self._least(self._slack[k], work, relax)
        return None if values is None else values.get(limit.key, limit.value)

    def _all(self) -> Iterable[tuple[Any, float]]:
        return [(self._slack[k], abs(limit.loosest - limit.value)) for k, limit in enumerate(self.limits)]

    def _least(self, variable: Any, work: float, relax: bool) -> dict[str, float] | None:
        self._program.aim(variable)
        interior = relax and self._large
        search = self._program.search(work=work, relax=relax, gap=GAP, ipm=interior, crossover=not interior)
        outcome = self._program.outcome(search)
        if not outcome.has_solution:
            return None
        values = self._program.values(self._slack[k] for k in range(len(self.limits)))
        return {
            limit.key: limit.value + limit.sign * value
            for limit, value in zip(self.limits, values, strict=True)
            if value > NOTHING * limit.scale
        }


Row = tuple[Any, str, list[tuple[int, float]]]
"""A member, its side, and by limit how far a unit of slack moves its right side."""


def _rows(parts_of: list[list[Part]]) -> list[Row]:
    terms: dict[tuple[int, str], Row] = {}
    for k, limit_parts in enumerate(parts_of):
        for part in limit_parts:
            for member, slope in zip(part.members, part.slopes(), strict=True):
                if slope:
                    terms.setdefault((id(member), part.side), (member, part.side, []))[2].append((k, slope))
    return list(terms.values())


def _loosen(model: pyo.ConcreteModel, limits: list[Limit], rows: list[Row]) -> Any:
    """Give each limit a slack, in the limit's own unit, and the model the price of all of it as variable."""
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
    """A member with its right side moved; its own limit is taken off."""
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
