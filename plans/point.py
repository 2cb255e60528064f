"""One point of a Pareto front: a plan under a cap, proven in the twin, with its bound and its shadow price.

Where heats are planned, a search under a cap has a hard time to find a good beginning. So the plan comes first that
minimizes cost with a carbon price on top, as steep as the chord between the neighbours (Aneja and Nair 1979,
Management Science 25; Cohon 1978): it lies on the front's hull, and what is proven of it bounds the cost under every
cap (Lagrangian bound). Only where that leaves a gap is there a search under the cap itself.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import xarray as xr

from plans.figures import Figures, figures
from plans.front import SAME, Point
from plans.plan import Plan
from scenarios import Scenario

if TYPE_CHECKING:
    from models.study import Study

CARBON, COST = "carbon", "cost_with_carbon_price"
"""Cost is what the bill comes to, the carbon price of the market's scheme included."""
BETTER_FIRST = ("within gap", "best found", "cancelled")


@dataclass(frozen=True)
class Ground:
    """What all points have in common: the scenario without its cap on extra cost, and the foreman's day."""

    scenario: Scenario
    envelope: xr.Dataset
    foreman: xr.Dataset
    """His list."""
    baseline: xr.Dataset
    baseline_figures: Figures
    ruled: bool
    """Whether the list keeps every limit."""


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


def prepare(scenario: Scenario) -> Ground:
    """The twin's part, once for all points."""
    import twin

    caps = scenario.goal.caps.model_copy(update={"extra_cost_share": None})
    free = scenario.model_copy(update={"goal": scenario.goal.model_copy(update={"caps": caps})})
    envelope = twin.envelope(free)
    dispatched = twin.dispatch(free, envelope)
    baseline = twin.replay(free, dispatched).assign_attrs(policy="foreman")
    sums = figures(free, baseline, float(baseline.attrs["tonnes"]))
    return Ground(free, envelope, dispatched, baseline, sums, bool(dispatched.attrs["complete"]))


def end(stop: Callable[[], bool], ground: Ground, number: int, first: str) -> Solved:
    """A lexicographic optimum: the first goal, then the other one where the first is no worse.

    Args:
        stop: polled; True ends the searches with the best found so far.
        ground: what all points have in common.
        number: of the point.
        first: ``CARBON`` or ``COST``.
    """
    began = time.perf_counter()
    plan = _plan(ground, _asked(ground, first), ground.foreman if ground.ruled else None, stop)
    if not plan.acceptable:
        return Solved(Point(number, plan, seconds=time.perf_counter() - began))
    kept = _known(plan)
    carbon_kg, cost = (kept.carbon_kg, None) if first == CARBON else (None, kept.cost)
    second = _capped(ground, _asked(ground, COST if first == CARBON else CARBON, carbon_kg, cost), kept, stop)
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
    asked = _asked(ground, COST, cap_kg)
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
    plan = _proven(_empty(ground, _asked(ground, COST, cap_kg), status), schedule)
    assert plan.schedule_figures is not None
    objective = _decidable(plan)
    bound = None if cost_bound is None else objective - (plan.schedule_figures.cost - cost_bound)
    return _judged(dataclasses.replace(plan, objective=objective, bound=bound))


def _asked(ground: Ground, minimize: str, carbon_kg: float | None = None, cost: float | None = None) -> Scenario:
    """The scenario with a goal and caps beside its own."""
    goal = ground.scenario.goal
    lower = {"carbon_kg": _lower(goal.caps.carbon_kg, carbon_kg), "cost": _lower(goal.caps.cost, cost)}
    caps = goal.caps.model_copy(update=lower)
    return ground.scenario.model_copy(update={"goal": goal.model_copy(update={"minimize": minimize, "caps": caps})})


def _plan(ground: Ground, asked: Scenario, start: xr.Dataset | None, stop: Callable[[], bool]) -> Plan:
    """A searched plan."""
    import models

    found = models.optimize(asked, ground.envelope, start, cancel=stop, study=_study(ground))
    attrs = found.attrs
    numbers = {name: _number(attrs[name]) for name in ("objective", "bound", "gap")}
    plan = _empty(ground, asked, str(attrs["status"]), "" if attrs["found"] else str(attrs["reason"]))
    plan = dataclasses.replace(plan, **numbers)  # type: ignore[arg-type]
    return _proven(plan, found) if attrs["found"] else plan


_KEPT = threading.local()
"""What the searches of a thread leave for the next point."""


def _study(ground: Ground) -> Study | None:
    """For a site alone, whose points differ in bounds only; heats begin with the neighbours' plans instead.

    Every point begins with the cheapest plan, so that it does not matter which of them this process searches.
    """
    import models
    from models.study import Study

    if ground.scenario.orders or ground.scenario.processes:
        return None
    if getattr(_KEPT, "ground", None) is not ground:
        _KEPT.ground, _KEPT.study = ground, Study(steady=True)
        models.optimize(_asked(ground, COST), ground.envelope, study=_KEPT.study)
    study: Study = _KEPT.study
    return study


def _capped(ground: Ground, asked: Scenario, start: Known, stop: Callable[[], bool]) -> Plan:
    """A searched plan under a cap that ``start`` keeps; the start itself where nothing better is found."""
    plan = _plan(ground, asked, start.schedule, stop)
    name = "carbon_kg" if asked.goal.minimize == CARBON else "cost"
    own = None if plan.schedule_figures is None else float(getattr(plan.schedule_figures, name))
    if own is not None and own <= getattr(start, name) + SAME * abs(own):
        return plan
    bound = plan.bound
    kept = _proven(_empty(ground, asked, "best found"), start.schedule)
    return _judged(dataclasses.replace(kept, objective=_decidable(kept), bound=bound))


def _taken(ground: Ground, asked: Scenario, start: Known, supports: Iterable[Support], cap_kg: float) -> Plan:
    """A known plan as the plan under a cap."""
    kept = _proven(_empty(ground, asked, "best found"), start.schedule)
    return _tightened(dataclasses.replace(kept, objective=_decidable(kept)), supports, cap_kg)


def _tightened(plan: Plan, supports: Iterable[Support], cap_kg: float) -> Plan:
    """The plan of least cost with the best bound that is known under its cap."""
    if plan.schedule_figures is None or plan.objective is None:
        return plan
    constant = plan.schedule_figures.cost - plan.objective
    bounds = [support.at(cap_kg) - constant for support in supports]
    bounds += [] if plan.bound is None else [plan.bound]
    return _judged(dataclasses.replace(plan, bound=max(bounds))) if bounds else plan


def _judged(plan: Plan) -> Plan:
    """The plan with the gap that its bound leaves."""
    if plan.objective is None or plan.bound is None:
        return plan
    bound = min(plan.bound, plan.objective)
    gap = (plan.objective - bound) / max(abs(plan.objective), 1e-9)
    status = "within gap" if gap <= plan.scenario.goal.gap + 1e-9 else plan.status
    return dataclasses.replace(plan, bound=bound, gap=gap, status=status)


def _leaning(
    ground: Ground, low: Point, high: Point, start: xr.Dataset, stop: Callable[[], bool]
) -> tuple[Known, Support | None] | None:
    """The plan of least cost with a carbon price as steep as the chord of two points, and the line below the front."""
    span = high.figures.carbon_kg - low.figures.carbon_kg
    rise = low.figures.cost - high.figures.cost
    if span <= 0 or rise <= 0:
        return None
    asked = _asked(ground, COST)
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
    plan = _plan(ground, leaning, start, stop)
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


def _empty(ground: Ground, asked: Scenario, status: str, reason: str = "") -> Plan:
    return Plan(
        scenario=asked,
        envelope=ground.envelope,
        baseline=ground.baseline,
        baseline_figures=ground.baseline_figures,
        baseline_complete=ground.ruled,
        status=status,
        objective=None,
        bound=None,
        gap=None,
        reason=reason,
    )


def _proven(plan: Plan, schedule: xr.Dataset) -> Plan:
    """The plan with a schedule that the twin has followed without disturbance."""
    import twin

    asked = plan.scenario
    replay = twin.replay(asked, schedule)
    return dataclasses.replace(
        plan,
        schedule=schedule,
        schedule_figures=figures(asked, schedule, asked.tonnes),
        replay=replay,
        replay_figures=figures(asked, replay, float(replay.attrs["tonnes"])),
    )


def _priced(point: Point) -> Point:
    """The point with the shadow price of its cap."""
    from models.pricing import abatement_price

    plan = point.plan
    if plan.schedule is None or plan.schedule_figures is None:
        return point
    price = abatement_price(plan.scenario, plan.envelope, plan.schedule, plan.schedule_figures.carbon_kg)
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


def _decidable(plan: Plan) -> float:
    """Objective of a plan that was not searched for: its goal, less what no plan can change."""
    from models import aim as aims
    from models import site as sites
    from models.baseline import direct_kg

    assert plan.schedule_figures is not None
    asked, sums = plan.scenario, plan.schedule_figures
    direct = direct_kg(asked, plan.envelope)
    data = sites.read(asked, plan.envelope)
    constant = aims.read(asked, data, None, direct).constant
    if asked.goal.minimize == CARBON:
        return sums.carbon_kg - direct - constant
    return sums.cost - data.sunk_cost - asked.market.carbon_price.on_direct * direct / 1000 - constant


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


def _lower(*caps: float | None) -> float | None:
    known = [cap for cap in caps if cap is not None]
    return min(known) if known else None


def _number(value: Any) -> float | None:
    return None if value is None or value != value else float(value)
