"""From a scenario to a schedule: the one door of this room."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from models import aim as aims
from models import quarters, slots, starts, week
from models import site as sites
from models.bound import LONG_HEATS
from models.dispatch import Flows, columns
from models.search import Search
from models.slots import SlotProblem
from models.solve import Progress
from models.starts import Starts
from models.study import Study
from scenarios import Scenario
from scenarios.assets.account import accounts
from scenarios.datasets import SCHEDULE, check, metered
from scenarios.line import phase_power

CONTRADICTION = (
    "No bound is told: what was proven contradicts the plan. This is an error of Emberline; please report it."
)
SETTLE_SHARE = 0.2
"""Share of the time limit that settling what machines really do may take for one plan."""


def optimize(
    scenario: Scenario,
    envelope: xr.Dataset,
    start: xr.Dataset | None = None,
    *,
    others: Sequence[xr.Dataset] = (),
    on_progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    rounding: slots.Rounding | None = None,
    study: Study | None = None,
) -> xr.Dataset:
    """Find the schedule that the scenario's goal asks for, with a proven bound.

    Args:
        scenario: what is asked; its goal sets gap and time limit.
        envelope: what the twin says of durations, energies, availability and state (table ``ENVELOPE``).
        start: the foreman's list (table ``SCHEDULE``): the search begins there, so that a plan is never worse.
        others: more lists to begin from, such as those of a foreman who keeps to a lower peak; those of processes
            need not keep all limits.
        on_progress: told ``incumbent``, ``bound``, ``gap`` and ``seconds``.
        cancel: polled; True ends the search with the best schedule found so far.
        rounding: how minutes become slots.
        study: what earlier searches of the same plant have left, to begin with; it takes what this one leaves.

    Returns:
        A dataset of table ``SCHEDULE``. Attributes: ``found`` (0 or 1), ``status`` (``within gap``, ``best found``,
        ``cancelled``, ``infeasible``, ``no plan within the limit``), ``objective``, ``bound`` and ``gap`` on what can
        be decided, ``constant`` (the part of the goal that no plan can change), ``reason``, and seconds by phase.
        Without a schedule all its values are missing.
    """
    tell: Progress = on_progress or (lambda event: None)
    stop = cancel or (lambda: False)
    if study is not None:
        others = [*others, *study.beginnings(scenario)]
    if scenario.processes:
        from models.processes.optimize import optimize_processes

        found = optimize_processes(scenario, envelope, start, others=others, on_progress=tell, cancel=stop)
    elif not scenario.orders:
        from models.hub import optimize_site

        found = optimize_site(scenario, envelope, start, study=study, on_progress=tell, cancel=stop)
    elif scenario.goal.minimize == "lateness":
        found = _least_late(scenario, envelope, start, tell, stop)
    else:
        found = _heats(scenario, envelope, start, others, tell, stop, rounding, study)
    if study is not None:
        study.keep(scenario, found)
    return found


def _heats(
    scenario: Scenario,
    envelope: xr.Dataset,
    start: xr.Dataset | None,
    others: Sequence[xr.Dataset],
    tell: Progress,
    stop: Callable[[], bool],
    rounding: slots.Rounding | None,
    study: Study | None,
) -> xr.Dataset:
    """The best plan of a line's heats, and of the site with them."""
    problem = slots.from_scenario(scenario, envelope, rounding)
    data = sites.read(scenario, envelope)
    given = starts.from_schedule(problem, start) if start is not None else None
    search = Search(
        problem=problem,
        # machines that are on in part guide the search; what they really do is settled at the end
        data=replace(data, whole=data.hub is None),
        aim=aims.read(scenario, data, baseline_cost(scenario, data, start), direct_kg(scenario, envelope)),
        time_limit=scenario.goal.time_limit_s,
        gap=scenario.goal.gap,
        on_progress=tell,
        cancel=stop,
        coarser=quarters.coarser(scenario, envelope, rounding),
        study=study,
    )
    first = search.offer(given) if given is not None else False
    for other in others:
        more = starts.from_schedule(problem, other)
        if more is not None:
            search.offer(more)
    week.run(search, by_orders=len(problem.heats) > LONG_HEATS)
    if data.hub is not None:
        _settle(search, data, given)
    return as_schedule(
        search, scenario, envelope, improved=search.best is not None and search.best is not given, foreman=first
    )


def _settle(search: Search, data: sites.SiteData, given: Starts | None) -> None:
    """Give the best plan, and the foreman's list if it turns out to be better, what the site can really do."""
    began = time.perf_counter()
    found, search.best, search.best_flows = search.best, None, None
    search.data = data
    limit = max(search.left, SETTLE_SHARE * search.time_limit)
    for plan in (found, given) if found is not given else (given,):
        if plan is None:
            continue
        flows = search.settled(plan, limit)
        if flows is None or flows.over_mwh > 0 or not search.aim.keeps_caps(flows):
            continue
        if search.best_flows is None or search.aim.rank(flows) < search.aim.rank(search.best_flows):
            search.best, search.best_flows = plan, flows
    search.clock("settle", began)
    search.tell()


def seconds(schedule: xr.Dataset) -> dict[str, float]:
    """Seconds by phase of the search that made a schedule."""
    return {
        name.removeprefix("seconds "): float(value)
        for name, value in schedule.attrs.items()
        if name.startswith("seconds ")
    }


def direct_kg(scenario: Scenario, envelope: xr.Dataset) -> float:
    """Scope 1 within the horizon [kg CO2e], the same for every plan; of what has started, what is left."""
    started = envelope["started_min"].to_numpy()
    minutes = envelope["duration_min"].to_numpy()
    units = [unit.name for unit in scenario.line.units]
    total = 0.0
    for h, heat in enumerate(scenario.heats):
        for stage in scenario.line.route(heat.grade):
            s = scenario.line.stages.index(stage)
            left = 1.0
            if np.isfinite(started[h, s]):
                whole = float(minutes[h, units.index(str(envelope["started_unit"].to_numpy()[h, s]))])
                left = min(max((started[h, s] + whole) / whole, 0.0), 1.0)
            elif np.isfinite(started[h, s:]).any():
                left = 0.0  # it has left this stage
            total += left * heat.grade.mass_t * sum(e.kg_per_t for e in stage.emissions if not e.biogenic)
    return total


def baseline_cost(scenario: Scenario, data: sites.SiteData, start: xr.Dataset | None) -> float | None:
    """What the foreman pays, the carbon price on the line's direct emissions left out; None: not known."""
    if start is None:
        return None
    taken, given = (start[name].to_numpy() * data.hours for name in ("import_mw", "export_mw"))
    paid = float(taken @ data.full_price - given @ data.export_price)
    if data.purchase is not None:
        paid += data.purchase.cost(taken, start["meter_mw"].to_numpy() * data.meter_min / 60)
    if data.hub is None:
        return paid
    if "asset_rate" not in start:
        return None
    price = scenario.market.carbon_price
    for account in accounts(scenario, start):
        sums = account.totals
        paid += sums["cost"] + (price.on_direct * sums["scope1_kg"] + price.on_grid * sums["scope2_kg"]) / 1000
    return paid


def _status(search: Search) -> tuple[str, str]:
    gap = search.told_gap
    if search.best is None:
        if search.infeasible:
            return "infeasible", "no schedule keeps all limits: the relaxation of the line has no solution"
        if search.cancel():
            return "cancelled", "cancelled before a schedule was found"
        return "no plan within the limit", f"no schedule was found in {time.perf_counter() - search.began:.0f} s"
    if gap is not None and gap <= search.gap + 1e-9:
        return "within gap", ""
    return ("cancelled" if search.cancel() else "best found"), ""


def as_schedule(
    search: Search, scenario: Scenario, envelope: xr.Dataset, *, improved: bool = True, foreman: bool = False
) -> xr.Dataset:
    """What a search came to, a dataset of table ``SCHEDULE``.

    Args:
        search: when it is over.
        scenario: what was asked.
        envelope: durations and state.
        improved: whether the search found better than what it was given.
        foreman: whether it was given the foreman's list.
    """
    status, reason = _status(search)
    if search.best is not None and search.bound is not None and above(search.bound, search.value):
        search.bound, status = None, "best found"
        reason = CONTRADICTION
    if search.best is not None and foreman and not improved:
        reason = "No better order of heats than the foreman's was found."
    data = (
        empty(scenario)
        if search.best is None or search.best_flows is None
        else _filled(search, scenario, envelope, search.best)
    )
    data.attrs.update(
        found=int(search.best is not None),
        status=status,
        reason=reason,
        objective=_number(search.value),
        bound=_number(search.bound),
        gap=_number(search.told_gap),
        constant=search.aim.constant,
        goal=scenario.goal.minimize,
        policy="schedule",
        complete=int(search.best is not None),
        unplaced="",
        **{f"seconds {name}": value for name, value in search.seconds.items()},
        **{"seconds search": time.perf_counter() - search.began},
    )
    return check(data, SCHEDULE)


def above(bound: float, value: float | None) -> bool:
    """Whether a bound lies above a plan by more than the solver's tolerance."""
    return value is not None and bound > value + 1e-6 * max(abs(value), abs(bound), 1.0)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _coordinates(scenario: Scenario) -> dict[str, Any]:
    times = scenario.horizon.times
    return {
        "heat": np.array([heat.name for heat in scenario.heats], dtype=str),
        "stage": np.array([stage.name for stage in scenario.line.stages], dtype=str),
        "time": times,
        "meter": metered(times, scenario.horizon.step_min, scenario.site.grid.metered_interval_min),
    }


def empty(scenario: Scenario) -> xr.Dataset:
    """A schedule without a plan: all its values are missing."""
    coordinates = _coordinates(scenario)
    size = {name: len(values) for name, values in coordinates.items()}
    columns: dict[str, Any] = {}
    for name, variable in SCHEDULE.items():
        if variable.optional:
            continue
        shape = tuple(size[dim] for dim in variable.dims)
        # netCDF keeps no empty array of objects as text
        kind: Any = object if math.prod(shape) else "U1"
        columns[name] = (variable.dims, np.full(shape, "", dtype=kind) if variable.text else np.full(shape, np.nan))
    return xr.Dataset(columns, coords=coordinates)


def _filled(search: Search, scenario: Scenario, envelope: xr.Dataset, best: Starts) -> xr.Dataset:
    problem = search.problem
    data = empty(scenario)
    planned, started = envelope["planned_min"].to_numpy(), envelope["started_min"].to_numpy()
    begin, end, unit = np.full(started.shape, np.nan), np.full(started.shape, np.nan), data["unit"].to_numpy()
    extra = np.zeros(started.shape)

    def put(h: int, stage: int, u: int, minute: float) -> None:
        unit[h, stage], begin[h, stage], end[h, stage] = problem.units[u], minute, minute + planned[h, u]

    for h, stage in zip(*np.nonzero(np.isfinite(started)), strict=True):
        name = str(envelope["started_unit"].to_numpy()[h, stage])
        put(int(h), int(stage), problem.units.index(name), float(started[h, stage]))
    reheated = starts.extra_mwh(problem, best)
    for h, heat in enumerate(problem.heats):
        for i, operation in enumerate(heat.operations):
            put(h, operation.stage, best.unit[h][i], best.minute(problem, h, i))
            if i == heat.reheat:
                extra[h, operation.stage] = reheated.get(h, 0.0)
    for c, cast in enumerate(problem.casts):
        u = best.cast_unit[c]
        for position, h in enumerate(cast.heats):
            put(h, len(problem.stage_units) - 1, u, best.cast_minute(problem, c) + float(cast.offsets[u][position]))
    flows = search.best_flows
    assert flows is not None
    data = data.assign(
        start_min=(("heat", "stage"), begin),
        end_min=(("heat", "stage"), end),
        unit=(("heat", "stage"), unit),
        extra_mwh=(("heat", "stage"), extra),
    )
    data = data.assign(columns(scenario, search.data, flows, problem.on_slots(search.cells(best))))
    data = data.assign(starts.idle_column(problem, best))
    given = starts.line_gives(problem, best)
    if flows.hub is None or not given:
        return data
    rates = np.array(list(given.values())) / search.data.hours
    return data.assign_coords(given=np.array(list(given), dtype=str)).assign(line_rate=(("given", "time"), rates))


def _least_late(
    scenario: Scenario,
    envelope: xr.Dataset,
    start: xr.Dataset | None,
    tell: Progress,
    stop: Callable[[], bool],
) -> xr.Dataset:
    from models.lateness import minimize_lateness
    from models.lateness_shop import shop

    goal = scenario.goal
    found = minimize_lateness(
        scenario, envelope, start=start, time_limit=goal.time_limit_s, gap=goal.gap, on_progress=tell, cancel=stop
    )
    data = empty(scenario)
    site = sites.read(scenario, envelope)
    problem = slots.from_scenario(scenario, envelope)
    ok = bool(found.found)
    reason = "" if ok else "no schedule keeps the waits and casts"
    if ok:
        missing = np.isnan(found.start_min)
        unit = np.where(missing, "", np.asarray(found.unit, dtype=object))
        extra = _reheated(problem, found)
        data = data.assign(
            start_min=(("heat", "stage"), found.start_min),
            end_min=(("heat", "stage"), found.end_min),
            unit=(("heat", "stage"), unit.astype(object)),
            extra_mwh=(("heat", "stage"), extra),
        )
        cells = _load(scenario, problem, found, extra)
        idle = starts.idle_cells(problem, _works(problem, found, envelope)) if problem.states else None
        if idle is not None:
            cells += idle
        net = problem.on_slots(cells) + site.base
        pv = np.minimum(site.pv, net)
        flows = Flows(
            imported=net - pv, exported=np.zeros_like(net), pv=pv, charge=np.zeros_like(net),
            discharge=np.zeros_like(net), level=np.full(len(net), site.level_mwh),
            meter_mw=_meter(site, cells, pv), carbon=0.0, cost=0.0, full_cost=0.0,
        )  # fmt: skip
        data = data.assign(columns(scenario, site, flows, problem.on_slots(cells)))
        if idle is not None:
            data = data.assign(idle_mw=("time", problem.on_slots(idle) / site.hours))
    late, gap, status = found.objective if ok else math.nan, found.gap, found.status
    if start is not None and ok and flows.meter_mw.max() > (site.import_limit_mw or math.inf) + 1e-6:
        # the search knows no import limit, the list keeps it
        data = start[[name for name in SCHEDULE if name in start]].copy()
        last = np.nanmax(start["end_min"].to_numpy(), axis=1)
        late = float(np.maximum(last - np.array(shop(scenario, envelope).due), 0.0).sum())
        gap = 0.0 if late <= found.bound + 1e-6 else (late - found.bound) / late
        status = "within gap" if gap <= goal.gap else "best found"
        reason = "The foreman's list: what the search found draws more than the import limit."
    data.attrs = {
        "found": int(ok), "status": status, "reason": reason, "objective": late, "bound": found.bound, "gap": gap,
        "constant": 0.0, "goal": "lateness", "policy": "schedule", "complete": int(ok), "unplaced": "",
    }  # fmt: skip
    return check(data, SCHEDULE)


def _meter(site: sites.SiteData, cells: np.ndarray, pv: np.ndarray) -> np.ndarray:
    per = site.cells_per_slot
    net = cells + np.repeat(site.base - pv, per) / per
    return np.asarray(net.reshape(-1, round(site.meter_min / site.cell_min)).sum(axis=1) * 60 / site.meter_min)


def _reheated(problem: SlotProblem, found: Any) -> np.ndarray:
    """Reheating of a schedule whose starts need not lie on slots [MWh], shape (n_heats, n_stages)."""
    extra = np.zeros(found.start_min.shape)
    for h, heat in enumerate(problem.heats):
        if heat.reheat is None or heat.operations[heat.reheat].started_min is not None:
            continue
        at = [operation.stage for operation in heat.operations[: heat.reheat + 1]]
        start, end = found.start_min[h, at], found.end_min[h, at]
        waited = np.maximum(start[1:] - end[:-1] - np.array(heat.quickest[: heat.reheat]), 0.0)
        extra[h, at[-1]] = problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * waited.sum()
    return extra


def _works(problem: SlotProblem, found: Any, envelope: xr.Dataset) -> dict[int, list[tuple[float, float]]]:
    """Start and end of each work by unit [min], without disturbance, of starts that need not lie on slots."""
    nominal = envelope["duration_min"].to_numpy()
    done: dict[int, list[tuple[float, float]]] = {}
    for h, s in zip(*np.nonzero(np.isfinite(found.start_min)), strict=True):
        u, begin = problem.units.index(str(found.unit[h, s])), float(found.start_min[h, s])
        done.setdefault(u, []).append((begin, begin + float(nominal[h, u])))
    for cast in problem.casts:
        # a caster keeps the pace of the plan until its last heat
        for h in cast.heats[:-1]:
            u, begin = problem.units.index(str(found.unit[h, -1])), float(found.start_min[h, -1])
            done[u].append((begin, float(found.end_min[h, -1])))
    return done


def _load(scenario: Scenario, problem: SlotProblem, found: Any, extra: np.ndarray) -> np.ndarray:
    """Energy by cell of a schedule whose starts need not lie on slots [MWh]."""
    cells = np.zeros(problem.n_cells)
    edges = np.arange(problem.n_cells + 1) * problem.cell_min
    units = {unit.name: unit for unit in scenario.line.units}
    for h, heat in enumerate(scenario.heats):
        for s in range(len(scenario.line.stages)):
            begin, name = found.start_min[h, s], str(found.unit[h, s])
            if not np.isfinite(begin) or not name:
                continue
            minutes = float(found.end_min[h, s]) - begin
            ends, power = phase_power(units[name], scenario.line.energy_mwh(heat.grade, name) + extra[h, s], minutes)
            for first, last, mw in zip([0.0, *ends[:-1]], ends, power, strict=True):
                cells += np.diff(np.clip(edges, begin + first, begin + last)) / 60 * mw
    return cells
