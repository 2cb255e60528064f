"""Proofs that a scenario has no plan: an operation that the grid cannot supply, or an infeasible relaxation."""

from __future__ import annotations

import xarray as xr

from emberline.models.bounds import exact_times
from emberline.models.explain.capacity import unfed
from emberline.models.formulations import whole_site
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.dispatch import Dispatcher
from emberline.models.problem import assignment, line_reader
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.models.search.incumbent import Search
from emberline.scenarios import Case

JUDGING_S = 5.0
"""Work for the site's flows under one schedule of heats."""


def impossible(scenario: Case, envelope: xr.Dataset, start: xr.Dataset | None, *, work: float) -> bool:
    """Return whether it is proven that no plan on slots keeps all limits; False if nothing is proven.

    Args:
        scenario: scenario to check.
        envelope: durations, energies, availability and state (table ``ENVELOPE``).
        start: baseline schedule to which a cap on extra cost refers; None: no such cap.
        work: maximum work (``scenarios/effort.py``).
    """
    data = sites.read(scenario, envelope)
    aim = aims.of(scenario, envelope, data, start)
    if not scenario.orders:
        plant = plants.read(scenario, envelope) if scenario.processes else None
        site_model = whole_site.build(data, aim, one_way_slots=set(), plant=plant)
        return site_model.program.run(work=work, relax=True).status == "infeasible"
    problem = line_reader.from_scenario(scenario, envelope)
    if any(True for _ in unfed(problem, data)):
        return True
    return exact_times.unsolvable(problem, data, aim, relax=False, work=work)


def impossible_at_all(scenario: Case, envelope: xr.Dataset, start: xr.Dataset | None, *, work: float) -> bool:
    """Return whether an ``impossible`` scenario has no plan with any start times; the arguments are the same."""
    if not scenario.orders:
        return True
    aim = aims.of(scenario, envelope, sites.read(scenario, envelope), start)
    return exact_times.impossible(scenario, envelope, aim, work=work)


def baseline_holds(scenario: Case, envelope: xr.Dataset, start: xr.Dataset) -> bool:
    """Return whether the baseline schedule is feasible as evaluated by the search; False if this takes too long.

    Args:
        scenario: scenario to check.
        envelope: as for ``impossible``.
        start: the baseline schedule.
    """
    data = sites.read(scenario, envelope)
    if not scenario.orders or data.hub is not None:
        return False
    return holds(scenario, envelope, start, start, work=JUDGING_S)


def holds(scenario: Case, envelope: xr.Dataset, schedule: xr.Dataset, start: xr.Dataset | None, *, work: float) -> bool:
    """Return whether a schedule of heats keeps all limits of a scenario, as evaluated by the search.

    Args:
        scenario: scenario to check.
        envelope: as for ``impossible``.
        schedule: schedule of the same heats.
        start: baseline schedule to which a cap on extra cost refers; None: no such cap.
        work: work for the use of the site under it.
    """
    problem, data = line_reader.from_scenario(scenario, envelope, like=schedule), sites.read(scenario, envelope)
    starts = assignment.from_schedule(problem, schedule)
    if starts is None:
        return False
    aim = aims.of(scenario, envelope, data, start)
    search = Search(problem=problem, data=data, aim=aim, limit=work, gap=1.0, dispatching=Dispatcher)
    search.offer(starts)
    return search.best is not None
