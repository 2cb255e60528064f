"""Point of a Pareto front: a plan under a cap, validated in the twin, with its bound and its shadow price.

With heats, a search under a cap lacks a good starting point. Therefore, cost is first minimized with a carbon price
equal to the slope of the chord between the neighbours (Aneja and Nair 1979, Management Science 25; Cohon 1978). That
plan lies on the convex hull of the front, and its bound limits the cost under every cap (Lagrangian bound). A search
under the cap itself follows only if a gap remains.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import xarray as xr

from emberline.planning.accounts.site_stores import ending_no_lower
from emberline.planning.accounts.sums import figures
from emberline.planning.engine.progress import Progress
from emberline.planning.plan.baseline import Baseline
from emberline.planning.plan.pipeline import Search, follow
from emberline.planning.plan.proof import proven
from emberline.planning.plan.record import Plan
from emberline.planning.planner import PLAIN, make_plan
from emberline.scenarios import Case
from emberline.scenarios.messages import mark
from emberline.scenarios.records.base import Problem, ScenarioError
from emberline.scenarios.records.goal import OtherSignal
from emberline.studies.pareto.front import CARBON, COST, SAME, Axis, Front, Point

if TYPE_CHECKING:
    from emberline.models import Study


@dataclass(frozen=True)
class Ground:
    """Baseline shared by all points, and the metric that is traded off against cost."""

    baseline: Baseline
    axis: Axis


def prepare(scenario: Case, metric: str) -> Ground:
    """Simulate the baseline without caps relative to it, except an explicit cap on the other signal."""
    other = scenario.goal.caps.other_signal or OtherSignal.OFF
    caps = scenario.goal.caps.model_copy(update={"extra_cost_share": None, "other_signal": other})
    # bounds for a goal with stock credit do not apply to the figures
    return Ground(Baseline.of(scenario.with_goal(caps=caps, credit_stock=False)), Axis(metric))


def ask(ground: Ground, minimize: str, cap: float | None = None, cost: float | None = None) -> Case:
    """Return the scenario with a goal, and caps on the metric and on cost in addition to its own."""
    scenario = ground.baseline.scenario
    caps, name = scenario.goal.caps, ground.axis.row.cap
    lower = {name: _lower(getattr(caps, name), cap), "cost": _lower(caps.cost, cost)}
    return scenario.with_goal(minimize=minimize, caps=caps.model_copy(update=lower))


def search(ground: Ground, scenario: Case, start: xr.Dataset | None, stop: Callable[[], bool]) -> Plan:
    """Search for an undisturbed plan."""
    how = Search(start=start, study=_study(ground), lists=False)
    return make_plan(scenario, PLAIN, baseline=ground.baseline, search=how, replications=0, cancel=stop)


_MEMORY = threading.local()
"""Warm-start data that the searches of a thread leave for its next point."""


def _study(ground: Ground) -> Study | None:
    """Return the warm-start data of a site without producers, where points differ only in bounds; None with heats.

    Every point starts from the cheapest plan, so that the result does not depend on which points this process searches.
    """
    from emberline import models
    from emberline.models import Study

    baseline = ground.baseline
    if baseline.scenario.producers:
        return None
    if getattr(_MEMORY, "ground", None) is not ground:
        _MEMORY.ground, _MEMORY.study = ground, Study(steady=True)
        cheapest = ending_no_lower(ask(ground, COST), baseline.run)
        models.optimize(cheapest, baseline.envelope, study=_MEMORY.study)
    study: Study = _MEMORY.study
    return study


def _followed(ground: Ground, scenario: Case, start: Candidate) -> Plan:
    """Return the undisturbed plan of a known schedule."""
    plan = follow(scenario, start.schedule, baseline=ground.baseline, replications=0)
    return replace(plan, status="best found", reason="")


def _lower(*caps: float | None) -> float | None:
    limits = [cap for cap in caps if cap is not None]
    return min(limits) if limits else None


BETTER_FIRST = ("within gap", "best found", "cancelled")


@dataclass(frozen=True)
class Candidate:
    """Schedule with its figures."""

    schedule: xr.Dataset
    amount: float
    """Value of the metric that is traded off against cost."""
    cost: float


@dataclass(frozen=True)
class Support:
    """Linear lower bound on the front: the minimum cost of any plan as a function of the cap on the metric."""

    intercept: float
    slope: float

    def at(self, cap: float) -> float:
        """Return the lower bound on cost under a cap."""
        return self.intercept - self.slope * cap


@dataclass(frozen=True)
class Solved:
    """Solved point, with data for its neighbours."""

    point: Point
    candidates: tuple[Candidate, ...] = ()
    supports: tuple[Support, ...] = ()

    @property
    def usable(self) -> bool:
        """Whether there is an acceptable plan."""
        return self.point.plan.acceptable


def end(stop: Callable[[], bool], ground: Ground, number: int, first: str) -> Solved:
    """Find a lexicographic optimum: the first goal, then the other goal among optima of the first.

    Args:
        stop: polled; True ends the searches with the best plan so far.
        ground: data shared by all points.
        number: number of the point.
        first: the metric, or ``COST``.
    """
    began = time.perf_counter()
    plan = search(ground, ask(ground, first), ground.baseline.start, stop)
    if not plan.acceptable:
        return Solved(Point(number, plan, seconds=time.perf_counter() - began))
    start, other = _candidate(ground, plan), COST if first != COST else ground.axis.metric
    cap, cost = (start.amount, None) if first != COST else (None, start.cost)
    second = _capped(ground, ask(ground, other, cap, cost), start, stop)
    best = second if second.acceptable else plan
    least, cheapest = (plan, second) if first != COST else (second, plan)
    gaps = [gap for gap in (plan.gap, second.gap) if gap is not None]
    bound = _bound(cheapest, "cost")
    point = Point(
        number=number,
        plan=replace(best, status=max(plan.status, second.status, key=_rank)),
        cap=cap,
        cost_bound=bound,
        bound=_bound(least, ground.axis.figure),
        gap=max(gaps) if len(gaps) == 2 else None,
        seconds=time.perf_counter() - began,
    )
    supports = (Support(bound, 0.0),) if first == COST and bound is not None else ()
    return Solved(_priced(ground, point), (_candidate(ground, best), start), supports)


def between(stop: Callable[[], bool], ground: Ground, number: int, cap: float, low: Solved, high: Solved) -> Solved:
    """Minimize cost under a cap on the metric.

    Args:
        stop: polled; True ends the searches with the best plan so far.
        ground: data shared by all points.
        number: number of the point.
        cap: cap in the unit of the figure.
        low: point with a lower metric.
        high: cheaper point with a higher metric.
    """
    began = time.perf_counter()
    scenario = ask(ground, COST, cap)
    gap = scenario.goal.gap
    candidates, supports = _distinct((*low.candidates, *high.candidates)), {*low.supports, *high.supports}
    start = _cheapest(candidates, cap)
    plan = _tightened(_followed(ground, scenario, start), supports, cap)
    in_steps = all(producer.by_step for producer in scenario.producers)
    if not in_steps and _short(plan, gap) and not stop():
        leaning = _leaning(ground, low.point, high.point, start.schedule, stop)
        if leaning is not None:
            more, support = leaning
            candidates = _distinct((*candidates, more))
            supports |= {support} if support else set()
            start = _cheapest(candidates, cap)
            plan = _tightened(_followed(ground, scenario, start), supports, cap)
    if _short(plan, gap) and not stop():
        searched = _capped(ground, scenario, start, stop)
        plan = _tightened(searched, supports, cap)
    if plan.acceptable:
        candidates = _distinct((*candidates, _candidate(ground, plan)))
    point = Point(number, plan, cap=cap, cost_bound=_bound(plan, "cost"), gap=plan.gap)
    point = _priced(ground, replace(point, seconds=time.perf_counter() - began))
    return Solved(point, candidates, tuple(sorted(supports, key=lambda support: support.slope)))


def _capped(ground: Ground, scenario: Case, start: Candidate, stop: Callable[[], bool]) -> Plan:
    """Search for a plan under a cap that ``start`` keeps; return ``start`` if no better plan is found."""
    plan = search(ground, scenario, start.schedule, stop)
    if plan.schedule is not None:
        better, name = _candidate(ground, plan), "cost" if scenario.goal.minimize == COST else "amount"
        if getattr(better, name) <= getattr(start, name) + SAME * abs(getattr(better, name)):
            return plan
    return proven(_followed(ground, scenario, start), plan.bound)


def _tightened(plan: Plan, supports: Iterable[Support], cap: float) -> Plan:
    """Return a least-cost plan with the best bound known under its cap."""
    if plan.schedule_figures is None or plan.objective is None:
        return plan
    constant = plan.schedule_figures.cost - plan.objective
    bounds = [support.at(cap) - constant for support in supports]
    bounds += [] if plan.bound is None else [plan.bound]
    return proven(plan, max(bounds)) if bounds else plan


def _leaning(
    ground: Ground, low: Point, high: Point, start: xr.Dataset, stop: Callable[[], bool]
) -> tuple[Candidate, Support | None] | None:
    """Minimize cost with a carbon price equal to the slope between two points; return the plan and its lower bound.

    None for other metrics, which have no price.
    """
    if ground.axis.metric != CARBON:
        return None
    span = high.figures.carbon_kg - low.figures.carbon_kg
    rise = low.figures.cost - high.figures.cost
    if span <= 0 or rise <= 0:
        return None
    scenario = ask(ground, COST)
    market, inputs = scenario.market, scenario.inputs
    carbon_price = market.carbon_price
    per_t = carbon_price.on_grid + 1000 * rise / span
    price = carbon_price.model_copy(update={"per_t": per_t, "covers": "all", "scheme": None, "free_share": 0.0})
    leaning = scenario.model_copy(update={"market": market.model_copy(update={"carbon_price": price})})
    exact = not scenario.site.assets
    if scenario.goal.signal == "marginal":
        # the carbon price applies to the average intensity, so the goal's signal replaces it
        name = "carbon_intensity_kg_per_mwh"
        marginal = inputs[f"marginal_{name}"].assign_attrs(inputs[name].attrs)
        leaning = leaning.with_inputs(inputs.assign({name: marginal}))
        exact &= carbon_price.on_grid == 0
    plan = search(ground, leaning, start, stop)
    if plan.schedule is None or plan.schedule_figures is None:
        return None
    sums = figures(scenario, plan.schedule)
    more = Candidate(plan.schedule, sums.carbon_kg, sums.cost)
    least = _bound(plan, "cost")
    if not exact or least is None:
        return more, None
    # the proven bound includes grid and direct emissions at the new price
    steeper = (per_t - carbon_price.on_grid) / 1000
    direct = sums.direct_kg * ((per_t - carbon_price.on_direct) / 1000 - steeper)
    return more, Support(least - direct, steeper)


def _priced(ground: Ground, point: Point) -> Point:
    """Return the point with the shadow price of its cap."""
    from emberline.models import explain

    plan = point.plan
    if plan.schedule is None or plan.schedule_figures is None:
        return point
    if plan.scenario.by_step:
        return replace(point, dual_reason=mark("runs of processes have no shadow price; read the difference instead"))
    amount = ground.axis.of(plan.schedule_figures)
    price = explain.abatement_price(plan.scenario, plan.envelope, plan.schedule, amount, ground.axis.metric)
    return replace(point, dual=price.per_unit, dual_reason=price.reason)


def _candidate(ground: Ground, plan: Plan) -> Candidate:
    assert plan.schedule is not None
    assert plan.schedule_figures is not None
    return Candidate(plan.schedule, ground.axis.of(plan.schedule_figures), plan.schedule_figures.cost)


def _distinct(candidates: Iterable[Candidate]) -> tuple[Candidate, ...]:
    by_figures: dict[tuple[float, float], Candidate] = {}
    for candidate in candidates:
        by_figures.setdefault((candidate.amount, candidate.cost), candidate)
    return tuple(by_figures.values())


def _cheapest(candidates: Iterable[Candidate], cap: float) -> Candidate:
    """Return the cheapest candidate that keeps a cap; the neighbour with the lower metric always does."""
    return min(
        (candidate for candidate in candidates if candidate.amount <= cap * (1 + SAME)),
        key=lambda candidate: (candidate.cost, candidate.amount),
    )


def _short(plan: Plan, gap: float) -> bool:
    """Return whether a plan is not proven within the gap."""
    return plan.gap is None or plan.gap > gap + 1e-9


def _bound(plan: Plan, name: str) -> float | None:
    """Proven lower bound of a plan's goal as a figure, including the part that no plan can change."""
    if plan.bound is None or plan.objective is None or plan.schedule_figures is None:
        return None
    return float(getattr(plan.schedule_figures, name)) - (plan.objective - plan.bound)


def _rank(status: str) -> int:
    return BETTER_FIRST.index(status) if status in BETTER_FIRST else len(BETTER_FIRST)


def run_of(front: str, point: int) -> str:
    """Id of the run in which a point's plan is stored; it depends only on front and point."""
    return uuid.uuid5(uuid.UUID(front), str(point)).hex


def front_plan(front: Front, point: int, *, on_progress: Progress | None = None) -> Plan:
    """Make the plan of a point, with undisturbed and disturbed replays.

    Args:
        front: front with the schedules of its points.
        point: number of the point.
        on_progress: called with ``phase``, and after each disturbed replay with ``done`` and ``of``.

    Raises:
        ScenarioError: the front has no such point.
    """
    if point not in front.schedules:
        text = f"the front has no point {point}; points are {', '.join(map(str, front.schedules))}"
        raise ScenarioError([Problem(front.scenario.name, "", text)])
    row = front.data.sel(point=point)
    cap, cost_bound = (_number(row[name].item()) for name in (front.axis.cap, "cost_bound"))
    ground = prepare(front.scenario, front.metric)
    plan = follow(ask(ground, COST, cap), front.schedules[point], baseline=ground.baseline, on_progress=on_progress)
    plan = replace(plan, status=str(row["status"].item()), reason="")
    assert plan.schedule_figures is not None
    assert plan.objective is not None
    bound = None if cost_bound is None else plan.objective - (plan.schedule_figures.cost - cost_bound)
    seconds = plan.seconds | {"optimize": float(row["seconds"].item())}
    return replace(proven(plan, bound), seconds=seconds)


def _number(value: float) -> float | None:
    return None if value != value else float(value)
