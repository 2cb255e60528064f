"""Planning of a line's heats by one of several strategies, all of which start from the baseline and prove a bound.

The bound is raised in a separate thread during the search for plans.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Protocol

import xarray as xr

from emberline.models.bounds import column_generation as casts
from emberline.models.bounds import exact_times as exactly
from emberline.models.bounds import joint_prices as joint
from emberline.models.bounds.branch_and_bound import Bound
from emberline.models.bounds.joint_prices import most_cells
from emberline.models.explain.capacity import hours
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.heuristics.line import coarse_grid, ruin_and_recreate
from emberline.models.heuristics.line.aggregate_first import first_plan
from emberline.models.kernel import deadline
from emberline.models.kernel.progress import Progress
from emberline.models.problem import assignment, line_reader
from emberline.models.problem import site as sites
from emberline.models.problem.assignment import Starts
from emberline.models.problem.flows import SETTLE_SHARE
from emberline.models.problem.line import Rounding
from emberline.models.problem.line_reader import with_floors
from emberline.models.problem.site import SiteData
from emberline.models.search.incumbent import Search
from emberline.models.search.schedule import as_schedule
from emberline.models.search.tuning import FEW_HEATS, LINE, LINE_AND_SITE
from emberline.models.search.warm_start import Study
from emberline.models.strategies import corridors, due_date_groups, exact_named, whole_horizon
from emberline.scenarios import Case, effort


class Rising(Protocol):
    """Bound that is raised until the search is over."""

    over: bool
    """Set by the search when the bound is no longer needed."""
    failure: BaseException | None
    """Exception that ended it."""

    def run(self) -> None:
        """Raise the search's bound."""


class InTurn:
    """Bounds that are raised one after the other in the same thread, each built when it is its turn."""

    _over = effort.shared(False)

    def __init__(self, search: Search, parts: Sequence[Callable[[], Rising]]) -> None:
        """Store the builders of the bounds, at least one, and build the first."""
        self._search, self._rest = search, list(parts)
        self.parts: list[Rising] = []
        """Bounds that have been built so far."""
        self._next()

    def _next(self) -> None:
        with self._search.timed("build"):
            self.parts.append(self._rest.pop(0)())
        self.parts[-1].over = self._over

    @property
    def over(self) -> bool:
        """Set by the search when the bound is no longer needed."""
        return self._over

    @over.setter
    def over(self, value: bool) -> None:
        self._over = self.parts[-1].over = value

    @property
    def failure(self) -> BaseException | None:
        """Exception that ended the last of the bounds."""
        return self.parts[-1].failure

    def run(self) -> None:
        """Raise the search's bound until it is over."""
        self.parts[-1].run()
        while self._rest and not self._over and self.failure is None:
            self._next()
            self.parts[-1].run()


def bound_of(search: Search) -> InTurn:
    """Return the bound of a search: by prices if they apply, then by branching on the pooled relaxation."""
    problem, data = search.problem, search.data
    long = len(problem.heats) > LINE.long_heats
    fine = long or problem.n_slots > LINE.long_slots
    with search.timed("build"):
        quick = casts.of(search) if fine else None
    if quick is not None:
        return InTurn(search, [lambda: quick] if long else [lambda: quick, lambda: Bound(search)])
    # the pooled relaxation represents a binding import limit best, as long as its root is solved in time
    if joint.useful(search) and (long or not data.plain):
        return InTurn(search, [lambda: joint.JointBound(search), lambda: Bound(search)])
    return InTurn(search, [lambda: Bound(search)])


@contextmanager
def rising(search: Search) -> Iterator[threading.Thread]:
    """Raise the bound in a thread during the search for plans inside; it ends with the search."""
    if not search.proving:
        yield threading.Thread()
        return
    bound = bound_of(search)
    with effort.in_parallel(bound.run, "bound") as thread:
        try:
            yield thread
        finally:
            bound.over = True
    if bound.failure is not None:
        raise bound.failure


@dataclass(frozen=True)
class Strategy:
    """A search strategy."""

    suits: Callable[[Search], bool]
    """Whether the strategy can plan a line and site."""
    run: Callable[[Search], None]
    """Function that searches until the gap or the limit is reached and stores plans and bounds in the search."""
    opens: bool = False
    """Whether it takes only a share of the time, and another strategy continues if a gap remains."""


def by_name(search: Search) -> None:
    """Plan all heats by name; a few heats first get a quick plan near the relaxation of pooled ones."""
    if exact_named.few(search.problem) and search.best is not None:
        with search.part(FEW_HEATS.quick_share):
            first_plan(search, FEW_HEATS.quick_rounding)
    if not search.over():
        exact_named.run(search)


def by_groups(search: Search) -> None:
    """Plan groups of casts one after the other, with earlier decisions fixed."""
    with rising(search):
        if ruin_and_recreate.useful_under_site(search):
            ruin_and_recreate.run_under_site(search, LINE_AND_SITE.share * search.remaining)
        due_date_groups.run(search, _part)
        whole_horizon.go_on(search)


def by_counts(search: Search) -> None:
    """Plan by counts by unit, then by named heats."""
    corridors.plans(search, _begin, whole_horizon.exact_fits(search))
    whole_horizon.go_on(search)


def as_a_whole(search: Search) -> None:
    """Disaggregate pooled plans into heats while the bound rises, and continue from the best one."""
    with rising(search):
        if ruin_and_recreate.useful_under_site(search) and ruin_and_recreate.pays_peaks(search):
            # peaks couple all hours, so that no small step lowers them
            ruin_and_recreate.run_under_site(search, LINE_AND_SITE.peak_share * search.remaining)
        with search.part(whole_horizon.share(search, whole_horizon.exact_fits(search))):
            whole_horizon.plans(search)
        whole_horizon.go_on(search)
    search.report()


def _begin(search: Search) -> None:
    with rising(search):
        whole_horizon.plans(search)


def _part(search: Search) -> None:
    """Plan by counts by unit if they are exact, otherwise by disaggregation of pooled plans into heats."""
    if corridors.useful(search):
        corridors.plans(search, _begin)
    else:
        whole_horizon.plans(search)


STRATEGIES = {
    "heats by name": Strategy(exact_named.suits, by_name, opens=True),
    "groups of casts": Strategy(due_date_groups.suits, by_groups),
    "counts by unit": Strategy(corridors.useful, by_counts),
    "pooled counts": Strategy(lambda search: True, as_a_whole),
}
"""Strategies by name; the first that applies is used."""


def heats(
    scenario: Case,
    envelope: xr.Dataset,
    start: xr.Dataset | None,
    others: Sequence[xr.Dataset],
    progress: Progress,
    stop: Callable[[], bool],
    rounding: Rounding | None,
    study: Study | None,
    strategy: str | None = None,
) -> xr.Dataset:
    """Return the best plan of a line's heats and of the site with them; the arguments are those of ``optimize``.

    Raises:
        ValueError: the strategy does not exist or does not apply.
    """
    problem = with_floors(line_reader.from_scenario(scenario, envelope, rounding))
    data = replace(sites.read(scenario, envelope), line_mwh=problem.on_steps(most_cells(problem)))
    baseline = assignment.from_schedule(problem, start) if start is not None else None
    search = Search(
        problem=problem,
        # machines that are partly on guide the search; their actual use is computed at the end
        data=replace(data, whole=data.hub is None),
        aim=aims.of(scenario, envelope, data, start),
        limit=scenario.goal.budget,
        gap=scenario.goal.gap,
        on_progress=progress,
        cancel=stop,
        dispatching=Dispatcher,
        coarser=coarse_grid.coarser(scenario, envelope, rounding),
        study=study,
        bound=study.bound(scenario) if study is not None else None,
    )
    first = search.offer(baseline) if baseline is not None else False
    # simple rules often give the same plan, and a site may take seconds to evaluate it
    for more in dict.fromkeys(assignment.from_schedule(problem, other) for other in others):
        if more is not None and more != baseline:
            search.offer(more)
    search.infeasible = search.best is None and problem.too_coarse
    name = pursue(search, strategy)
    if data.hub is not None:
        _settle(search, data, baseline)
    better = search.best is not None and search.best is not baseline
    # published cases have their own rule of rounding
    exact = search.infeasible and (rounding is not None or _at_all(search, scenario, envelope))
    schedule = as_schedule(search, scenario, envelope, improved=better, baseline=first, exact=exact)
    return schedule.assign_attrs(strategy=name)


def _at_all(search: Search, scenario: Case, envelope: xr.Dataset) -> bool:
    """Return whether a line without a plan on slots has none at any start times."""
    remaining = min(max(search.remaining, LINE.exact_least), LINE.exact_work)
    return bool(hours(scenario, envelope)) or exactly.impossible(
        scenario, envelope, search.aim, work=remaining, cancel=search.cancel
    )


def pursue(search: Search, strategy: str | None = None) -> str:
    """Search by the given strategy, or by the first that applies, and return its name.

    If named heats leave a gap, the next strategy that applies continues from there.

    Raises:
        ValueError: the strategy does not exist or does not apply.
    """
    suiting = [name for name, strategy in STRATEGIES.items() if strategy.suits(search)]
    name = strategy or suiting.pop(0)
    if name not in STRATEGIES:
        raise ValueError(f"there is no strategy {name!r}; choose from {', '.join(STRATEGIES)}")
    if strategy is not None and name not in suiting:
        raise ValueError(f"the strategy {name!r} does not suit this line and site")
    if search.infeasible:
        return name
    with suppress(deadline.TimeIsOverError), deadline.writing(lambda: search.total_remaining < -deadline.LATE_S):
        STRATEGIES[name].run(search)
        if STRATEGIES[name].opens and strategy is None and not search.over():
            name = suiting[0]
            STRATEGIES[name].run(search)
    return name


def _settle(search: Search, data: SiteData, baseline: Starts | None) -> None:
    """Compute the actual use of the site for the best plan, and for the baseline schedule, which may then be better."""
    best, search.best, search.best_flows = search.best, None, None
    search.data = data
    limit = max(search.remaining, SETTLE_SHARE * search.limit)
    tries = [(plan, limit) for plan in ((best, baseline) if best is not baseline else (baseline,)) if plan is not None]
    # a short limit leaves no time for the site: the baseline schedule, which it can supply, then gets a longer one
    tries += (
        [(baseline, LINE_AND_SITE.settle_work)] if baseline is not None and limit < LINE_AND_SITE.settle_work else []
    )
    with search.timed("settle"):
        for plan, seconds in tries:
            if seconds > limit and search.best is not None:
                break
            flows = search.settled(plan, seconds)
            if flows is None or flows.over_mwh > 0 or not search.keeps_caps(plan, flows):
                continue
            if search.best_flows is None or search.aim.rank(flows) < search.aim.rank(search.best_flows):
                search.best, search.best_flows = plan, flows
    search.report()
