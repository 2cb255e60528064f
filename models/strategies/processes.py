"""Planning of a scenario with processes: search, second goal, and the dataset of the plan."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import xarray as xr

from emberline.models.bounds.unavoidable_emissions import unavoidable_kg
from emberline.models.formulations.processes.result import columns as process_columns
from emberline.models.formulations.processes.result import credited_flows
from emberline.models.formulations.processes.stock_value import credited
from emberline.models.formulations.site import objective as aims
from emberline.models.formulations.site.assets.ports import Row, slot_values
from emberline.models.formulations.site.dispatch import columns
from emberline.models.formulations.whole_site import SiteModel
from emberline.models.heuristics.processes.relax_and_fix import Search
from emberline.models.kernel import deadline
from emberline.models.kernel.progress import Progress
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.models.problem.site import SiteData
from emberline.models.search.schedule import empty, outcome, recorded
from emberline.scenarios import Case, effort
from emberline.scenarios.goal_metrics import goal_metric
from emberline.scenarios.messages import Message

SMALL_T = 1e-3
"""Amount of material that counts as zero [t]."""
TIE = 1e-9
"""Share by which the first goal may rise while the second is minimized, which is the solver's tolerance."""


def optimize_processes(
    scenario: Case,
    envelope: xr.Dataset,
    start: xr.Dataset | None,
    others: Sequence[xr.Dataset],
    report: Progress,
    stop: Callable[[], bool],
) -> xr.Dataset:
    """Return the best plan of a scenario with processes; arguments and result as of ``emberline.models.optimize``.

    Objective, bound and gap leave out the process emissions that no plan can avoid (``constant``), and credit extra
    stock at the end with the minimum cost of producing it (``credit``).
    """
    search = _search(scenario, envelope, start, scenario.goal.budget, stop)
    search.on_progress = report
    with suppress(deadline.TimeIsOverError), deadline.writing(lambda: search.remaining < -deadline.LATE_S):
        search.run(start, others)
    if search.best is None:
        return _schedule(scenario, search, None)
    search.site_model.program.load_values(search.best.values)
    with search.timed("second goal"):
        _second(search, search.site_model)
    return _schedule(scenario, search, search.site_model)


def replan_processes(
    scenario: Case,
    envelope: xr.Dataset,
    start: xr.Dataset,
    *,
    work: float = 0.0,
    baseline: xr.Dataset | None = None,
    cancel: Callable[[], bool] | None = None,
) -> xr.Dataset:
    """Replan from the present state: repair the schedule that is being followed, then improve it.

    If deliveries, levels or capacities can no longer be kept, the violations are minimized; ``unplaced`` then names the
    stores that lack or spill something, and the objective prices this above all savings.

    Args:
        scenario: scenario in its present state (``twin.state.later``).
        envelope: envelope of the scenario.
        start: schedule that is being followed, over the scenario's horizon.
        work: work for better switches; 0: keep those of the schedule as far as possible and optimize rates and site.
        baseline: schedule to which a cap on extra cost refers; None: the cap does not apply.
        cancel: polled; True ends the search with the best schedule so far.
    """
    search = _search(scenario, envelope, baseline, work, cancel)
    search.repair(start)
    if search.best is None:
        return _schedule(scenario, search, None)
    search.site_model.program.load_values(search.best.values)
    schedule = _schedule(scenario, search, search.site_model)
    ports = search.site_model.plant_ports
    lacking = [
        store.name for store in ports.plant.stores
        if any(slot_values(Row(slack, store.name), ports.plant.n).sum() > SMALL_T for slack in ports.slacks)
    ]  # fmt: skip
    return schedule.assign_attrs(complete=int(not lacking), unplaced=", ".join(lacking))


def _search(
    scenario: Case, envelope: xr.Dataset, baseline: xr.Dataset | None, work: float, cancel: Callable[[], bool] | None
) -> Search:
    """Return a search that has not begun; its constant includes all that no plan of the processes can change."""
    data, plant = sites.read(scenario, envelope), plants.read(scenario, envelope)
    aim = aims.of(scenario, envelope, data, baseline)
    unavoidable = plant.counted(aim.first, {"scope1": unavoidable_kg(plant)})
    return Search(
        scenario=scenario, envelope=envelope, data=data, aim=replace(aim, constant=aim.constant + unavoidable),
        limit=work, gap=scenario.goal.gap, cancel=cancel or (lambda: False),
        figures=credited_flows,
    )  # fmt: skip


def _second(search: Search, site_model: SiteModel) -> None:
    """Minimize the second goal over plans with the same switches that are as good by the first."""
    aim, best = search.aim, search.best
    assert best is not None
    program, grid, total = site_model.program, search.model, site_model.model.total
    grid.fix(best.values, grid.whole)
    value = best.value + aim.constant
    program.restrict([(total[aim.first], -math.inf, value + TIE * max(abs(value), 1.0))])
    program.aim(total[aim.second])
    spent = effort.now() - search.began
    work, value = max(search.remaining, 0.1 * spent + 1.0), math.inf
    if program.attempt(work=work, gap=search.gap, cancel=search.cancel).has_solution:
        search.offer(program.solution())
        (value,) = program.values([total[aim.second]])
    # where electricity is worth nothing, a power curve may be filled in any order: the right one draws least
    program.restrict([(total[aim.second], -math.inf, value + TIE * max(abs(value), 1.0))])
    program.aim(site_model.model.draw)
    if program.attempt(work=max(search.remaining, 0.1 * spent + 1.0), gap=search.gap).has_solution:
        search.offer(program.solution(), anyway=True)
    assert search.best is not None
    program.load_values(search.best.values)


def _schedule(scenario: Case, search: Search, site_model: SiteModel | None) -> xr.Dataset:
    data = empty(scenario)
    best, credit = search.best, 0.0
    infeasible = Message("no plan keeps all limits: deliveries, stores, rates, runs, carriers and caps")
    status, reason = outcome(search, ("infeasible", infeasible))
    if status in ("best found", "cancelled") and search.baseline and not reason:
        reason = Message("No better switches than the baseline's were found.")
    if best is not None and site_model is not None and site_model.plant_ports is not None:
        variables, coordinates = process_columns(scenario, site_model.plant_ports)
        electricity = slot_values(site_model.plant_ports.electricity, site_model.plant_ports.plant.n)
        data = (
            data.assign(columns(scenario, site_model.data, best.flows, electricity))
            .assign_coords(coordinates)
            .assign(variables)
        )
        credit = credited(site_model.plant_ports.plant, site_model.coarse, _ends(data))[search.aim.first]
    return recorded(search, data, scenario, status, reason, credit=credit)


def unchangeable(scenario: Case, envelope: xr.Dataset, data: SiteData, schedule: xr.Dataset) -> tuple[float, float]:
    """Return, by the goal, what no plan of the processes can change, and the credit for a schedule's final stock."""
    plant, metric = plants.read(scenario, envelope), goal_metric(scenario).name
    constant = plant.counted(metric, {"scope1": unavoidable_kg(plant)})
    return constant, credited(plant, data, _ends(schedule))[metric]


def _ends(data: xr.Dataset) -> Mapping[str, float]:
    if "stock" not in data.coords:
        return {}
    return dict(zip(data["stock"].values.tolist(), data["stock_t"].to_numpy()[:, -1].tolist(), strict=True))
