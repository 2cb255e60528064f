"""One point of a Pareto front: a plan under a cap, proven in the twin, with its bound and its shadow price.

Where heats are planned, a search under a cap has a hard time to find a good beginning. So the plan comes first that
minimizes cost with a carbon price on top, as steep as the chord between the neighbours (Aneja and Nair 1979,
Management Science 25; Cohon 1978): it lies on the front's hull, and what is proven of it bounds the cost under every
cap (Lagrangian bound). Only where that leaves a gap is there a search under the cap itself.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import xarray as xr

from emberline.plans.accounts.figures import figures
from emberline.plans.pareto.front import SAME, Point
from emberline.plans.pareto.setting import CARBON, COST, Ground, ask, decidable, empty, judge, prove, search
from emberline.plans.plan.plan import Plan
from emberline.scenarios import Scenario

BETTER_FIRST = ("within gap", "best found", "cancelled")


@dataclass(frozen=True)
class Known:
    """A schedule with its figures."""

    schedule: xr.Dataset
    carbon_kg: float
    cost: float


@dataclass(frozen=True)
class Support:
    """A line below the whole front: no plan that emits ``carbon_kg`` at most costs less than it says."""

    intercept: float
    per_kg: float

    def at(self, carbon_kg: float) -> float:
        """Least cost of any plan under a cap."""
        return self.intercept - self.per_kg * carbon_kg


@dataclass(frozen=True)
class Solved:
    """A point, and what its neighbours may use."""

    point: Point
    known: tuple[Known, ...] = ()
    supports: tuple[Support, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is an acceptable plan."""
        return self.point.plan.acceptable


def end(stop: Callable[[], bool], ground: Ground, number: int, first: str) -> Solved:
    """A lexicographic optimum: the first goal, then the other one where the first is no worse.

    Args:
        stop: polled; True ends the searches with the best found so far.
        ground: what all points have in common.
        number: of the point.
        first: ``CARBON`` or ``COST``.
    """
    began = time.perf_counter()
    plan = search(ground, ask(ground, first), ground.dispatched if ground.ruled else None, stop)
    if not plan.acceptable:
        return Solved(Point(number, plan, seconds=time.perf_counter() - began))
    kept = _known(plan)
    carbon_kg, cost = (kept.carbon_kg, None) if first == CARBON else (None, kept.cost)
    second = _capped(ground, ask(ground, COST if first == CARBON else CARBON, carbon_kg, cost), kept, stop)
    best = second if second.acceptable else plan
    cleanest, cheapest = (plan, second) if first == CARBON else (second, plan)
    gaps = [gap for gap in (plan.gap, second.gap) if gap is not None]
    bound = _bound(cheapest, "cost")
    point = Point(
        number=number,
        plan=dataclasses.replace(best, status=max(plan.status, second.status, key=_rank)),
        carbon_cap_kg=carbon_kg,
        cost_bound=bound,
        carbon_bound_kg=_bound(cleanest, "carbon_kg"),
        gap=max(gaps) if len(gaps) == 2 else None,
        seconds=time.perf_counter() - began,
    )
    supports = (Support(bound, 0.0),) if first == COST and bound is not None else ()
    return Solved(_priced(point), (_known(best), kept), supports)


def between(stop: Callable[[], bool], ground: Ground, number: int, cap_kg: float, low: Solved, high: Solved) -> Solved:
    """Least cost under a cap on carbon.

    Args:
        stop: polled; True ends the searches with the best found so far.
        ground: what all points have in common.
        number: of the point.
        cap_kg: the cap [kg CO2e].
        low: a cleaner point.
        high: a dirtier and cheaper one.
    """
    began = time.perf_counter()
    asked = ask(ground, COST, cap_kg)
    wanted = asked.goal.gap
    known, supports = _distinct((*low.known, *high.known)), {*low.supports, *high.supports}
    start = _cheapest(known, cap_kg)
    plan = _taken(ground, asked, start, supports, cap_kg)
    if asked.orders and _short(plan, wanted) and not stop():
        leaning = _leaning(ground, low.point, high.point, start.schedule, stop)
        if leaning is not None:
            more, support = leaning
            known = _distinct((*known, more))
            supports |= {support} if support else set()
            start = _cheapest(known, cap_kg)
            plan = _taken(ground, asked, start, supports, cap_kg)
    if _short(plan, wanted) and not stop():
        searched = _capped(ground, asked, start, stop)
        plan = _tightened(searched, supports, cap_kg)
    if plan.acceptable:
        known = _distinct((*known, _known(plan)))
    point = Point(number, plan, carbon_cap_kg=cap_kg, cost_bound=_bound(plan, "cost"), gap=plan.gap)
    point = _priced(replace(point, seconds=time.perf_counter() - began))
    return Solved(point, known, tuple(sorted(supports, key=lambda support: support.per_kg)))


def kept(ground: Ground, schedule: xr.Dataset, cap_kg: float | None, cost_bound: float | None, status: str) -> Plan:
    """The plan of a point from what a front keeps of it.

    Args:
        ground: what all points have in common.
        schedule: of the point.
        cap_kg: the cap on carbon under which its cost was minimized [kg CO2e]; None: the cheap end.
        cost_bound: no plan under the cap costs less; None: not proven.
        status: of the search.
    """
    plan = prove(empty(ground, ask(ground, COST, cap_kg), status), schedule)
    assert plan.schedule_figures is not None
    objective = decidable(plan)
    bound = None if cost_bound is None else objective - (plan.schedule_figures.cost - cost_bound)
    return judge(dataclasses.replace(plan, objective=objective, bound=bound))


def _capped(ground: Ground, asked: Scenario, start: Known, stop: Callable[[], bool]) -> Plan:
    """A searched plan under a cap that ``start`` keeps; the start itself where nothing better is found."""
    plan = search(ground, asked, start.schedule, stop)
    name = "carbon_kg" if asked.goal.minimize == CARBON else "cost"
    own = None if plan.schedule_figures is None else float(getattr(plan.schedule_figures, name))
    if own is not None and own <= getattr(start, name) + SAME * abs(own):
        return plan
    bound = plan.bound
    kept = prove(empty(ground, asked, "best found"), start.schedule)
    return judge(dataclasses.replace(kept, objective=decidable(kept), bound=bound))


def _taken(ground: Ground, asked: Scenario, start: Known, supports: Iterable[Support], cap_kg: float) -> Plan:
    """A known plan as the plan under a cap."""
    kept = prove(empty(ground, asked, "best found"), start.schedule)
    return _tightened(dataclasses.replace(kept, objective=decidable(kept)), supports, cap_kg)


def _tightened(plan: Plan, supports: Iterable[Support], cap_kg: float) -> Plan:
    """The plan of least cost with the best bound that is known under its cap."""
    if plan.schedule_figures is None or plan.objective is None:
        return plan
    constant = plan.schedule_figures.cost - plan.objective
    bounds = [support.at(cap_kg) - constant for support in supports]
    bounds += [] if plan.bound is None else [plan.bound]
    return judge(dataclasses.replace(plan, bound=max(bounds))) if bounds else plan


def _leaning(
    ground: Ground, low: Point, high: Point, start: xr.Dataset, stop: Callable[[], bool]
) -> tuple[Known, Support | None] | None:
    """The plan of least cost with a carbon price as steep as the chord of two points, and the line below the front."""
    span = high.figures.carbon_kg - low.figures.carbon_kg
    rise = low.figures.cost - high.figures.cost
    if span <= 0 or rise <= 0:
        return None
    asked = ask(ground, COST)
    market, inputs = asked.market, asked.inputs
    own = market.carbon_price
    per_t = own.on_grid + 1000 * rise / span
    price = own.model_copy(update={"per_t": per_t, "covers": "all", "scheme": None, "free_share": 0.0})
    leaning = asked.model_copy(update={"market": market.model_copy(update={"carbon_price": price})})
    exact = not asked.site.assets
    if asked.goal.signal == "marginal":
        # a carbon price counts average intensity; here it shall count what the goal counts
        name = "carbon_intensity_kg_per_mwh"
        marginal = inputs[f"marginal_{name}"].assign_attrs(inputs[name].attrs)
        leaning = leaning.with_inputs(inputs.assign({name: marginal}))
        exact &= own.on_grid == 0
    plan = search(ground, leaning, start, stop)
    if plan.schedule is None or plan.schedule_figures is None:
        return None
    sums = figures(asked, plan.schedule, asked.tonnes)
    more = Known(plan.schedule, sums.carbon_kg, sums.cost)
    least = _bound(plan, "cost")
    if not exact or least is None:
        return more, None
    # what is proven counts grid and direct emissions at the new price
    steeper = (per_t - own.on_grid) / 1000
    direct = sums.direct_kg * ((per_t - own.on_direct) / 1000 - steeper)
    return more, Support(least - direct, steeper)


def _priced(point: Point) -> Point:
    """The point with the shadow price of its cap."""
    from emberline.models import explain

    plan = point.plan
    if plan.schedule is None or plan.schedule_figures is None:
        return point
    price = explain.abatement_price(plan.scenario, plan.envelope, plan.schedule, plan.schedule_figures.carbon_kg)
    return replace(point, dual_per_t=price.per_t, dual_reason=price.reason)


def _known(plan: Plan) -> Known:
    assert plan.schedule is not None
    assert plan.schedule_figures is not None
    return Known(plan.schedule, plan.schedule_figures.carbon_kg, plan.schedule_figures.cost)


def _distinct(known: Iterable[Known]) -> tuple[Known, ...]:
    found: dict[tuple[float, float], Known] = {}
    for one in known:
        found.setdefault((one.carbon_kg, one.cost), one)
    return tuple(found.values())


def _cheapest(known: Iterable[Known], cap_kg: float) -> Known:
    """The cheapest one that keeps a cap; the cleaner neighbour always does."""
    return min(
        (one for one in known if one.carbon_kg <= cap_kg * (1 + SAME)), key=lambda one: (one.cost, one.carbon_kg)
    )


def _short(plan: Plan, wanted: float) -> bool:
    """Whether a plan is not proven within the gap."""
    return plan.gap is None or plan.gap > wanted + 1e-9


def _bound(plan: Plan, name: str) -> float | None:
    """What is proven of a plan's goal, as its figure: with what no plan can change."""
    if plan.bound is None or plan.objective is None or plan.schedule_figures is None:
        return None
    return float(getattr(plan.schedule_figures, name)) - (plan.objective - plan.bound)


def _rank(status: str) -> int:
    return BETTER_FIRST.index(status) if status in BETTER_FIRST else len(BETTER_FIRST)
