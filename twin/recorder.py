"""From what happened to the dataset of a run: energies, waits, flows and every limit that was missed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios.columns import Columns
from emberline.scenarios.datasets import RUN, RecourseKind, ViolationKind, check, metered
from emberline.scenarios.energy_states.record import idle_pieces
from emberline.scenarios.line import taking
from emberline.scenarios.line.tables import LineShop
from emberline.twin.line.line import TOLERANCE, LineHistory
from emberline.twin.line.missed import last_end, missed
from emberline.twin.line.operations import Operations
from emberline.twin.power import Trace, operations_trace
from emberline.twin.run_variables import Act, Violation, recourse_variables, stop_variables, violation_variables
from emberline.twin.site.site import Flows, Setpoints, SiteGrid, balance
from emberline.twin.site.site import variables as site_variables


def waits(operations: Operations, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Minutes that each heat waited before an operation, transfer left out; 0 before its first one, shape (n,)."""
    before = operations.arrays["before"]
    waited = np.zeros(len(before))
    later = np.flatnonzero(before >= 0)
    waited[later] = start[later] - end[before[later]] - operations.arrays["travel"][later]
    return np.where(waited > TOLERANCE, waited, 0.0)


def reheating(operations: Operations, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Extra energy of each operation of the reheating stage [MWh], 0 elsewhere, shape (n,).

    A heat cools between two stages beyond the quickest transfer, whichever way it takes.
    """
    shop, arrays = operations.shop, operations.arrays
    cooled = np.zeros(len(start))
    if shop.reheating < 0:
        return cooled
    before, stage = arrays["before"], arrays["stage"]
    later = np.flatnonzero((before >= 0) & (stage <= shop.reheating))
    quickest = np.array(shop.quickest)[stage[before[later]], stage[later]]
    cooled[later] = start[later] - end[before[later]] - quickest
    until = np.where(cooled > TOLERANCE, cooled, 0.0)
    total = np.bincount(arrays["heat"], weights=until, minlength=len(shop.names))
    return np.where(arrays["stage"] == shop.reheating, total[arrays["heat"]] * arrays["reheat"], 0.0)


def second_treatments(history: LineHistory) -> Trace:
    """Draw of heats that went back to the reheating stage."""
    amounts = [act.amount for act in history.acts if act.kind == RecourseKind.RETURN]
    begin, over = np.array(list(history.returns.values())).T
    return Trace(begin, over, np.array(amounts) / (over - begin) * 60)


def line_gives(
    shop: LineShop,
    unit: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    energy_mwh: np.ndarray,
    stops: dict[int, list[tuple[float, float]]],
) -> dict[str, np.ndarray]:
    """Output of other carriers by the line per hour, mean over each step, shape (n_steps,) each.

    Arguments as for ``operations_trace``, reheating left out.
    """
    horizon, line = shop.scenario.horizon, shop.scenario.line
    if not line.gives:
        return {}
    edges = np.arange(horizon.n_steps + 1) * horizon.step_min
    stage = np.array([line.stages.index(line.stage_of[name]) for name in shop.units], dtype=int)[unit]
    stage_mw: dict[int, np.ndarray] = {}
    for s in {int(s) for weight in line.gives.values() for s in np.flatnonzero(weight)}:
        rows = np.flatnonzero(stage == s)
        halts = {i: stops[row] for i, row in enumerate(rows.tolist()) if row in stops}
        none = np.zeros(len(rows))
        trace = operations_trace(unit[rows], start[rows], end[rows], energy_mwh[rows], none, shop.profiles, halts)
        stage_mw[s] = trace.mean(edges)
    return {
        carrier: np.sum([weight[s] * power for s, power in stage_mw.items() if weight[s]], axis=0)
        for carrier, weight in line.gives.items()
    }


def line_flows(
    operations: Operations,
    rows: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    energy_mwh: np.ndarray,
    stops: dict[int, list[tuple[float, float]]],
) -> dict[str, np.ndarray]:
    """Output of other carriers by the line per hour, less what its heats take, shape (n_steps,) each.

    Args:
        operations: the operations.
        rows: those that took place.
        start: of them [min].
        end: of them [min].
        energy_mwh: of them, reheating left out.
        stops: standstills by place among them.
    """
    shop, unit, heat = operations.shop, operations.arrays["unit"][rows], operations.arrays["heat"][rows]
    flows = line_gives(shop, unit, start, end, energy_mwh, stops)
    scenario = shop.scenario
    if scenario.line.takes:
        horizon = scenario.horizon
        edges = np.arange(horizon.n_steps + 1) * horizon.step_min
        units = [shop.units[u] for u in unit.tolist()]
        grades = [scenario.heats[h].grade.name for h in heat.tolist()]
        for carrier, rate in taking.rates(scenario.line, units, grades, start, end, edges).items():
            flows[carrier] = flows.get(carrier, 0.0) - rate
    return flows


def idling(shop: LineShop, unit: np.ndarray, start: np.ndarray, end: np.ndarray) -> Trace:
    """Draw of units with energy states outside work; a standstill within an operation counts as work.

    Arguments as for ``operations_trace``.
    """
    pieces: list[tuple[float, float, float]] = []
    for u, states in shop.states.items():
        here = unit == u
        pieces += idle_pieces(states, zip(start[here].tolist(), end[here].tolist(), strict=True), shop.length)
    return Trace(*np.array(pieces, dtype=float).reshape(-1, 3).T)


@dataclass(frozen=True)
class Course:
    """A followed list worked out: what each operation that took place drew, the site's flows, and what was missed."""

    start: np.ndarray
    """Start of each operation [min], nan where it never took place, shape (n,)."""
    end: np.ndarray
    indices: np.ndarray
    """Operations that took place; what follows is theirs, shape (n_done,) each."""
    unit: np.ndarray
    first: np.ndarray
    """Start [min]."""
    last: np.ndarray
    """End [min]."""
    nominal: np.ndarray
    """Electricity without reheating [MWh]."""
    extra: np.ndarray
    """Reheating [MWh]."""
    stops: dict[int, list[tuple[float, float]]]
    load_mw: np.ndarray
    """Mean power of the line in each cell of the site's grid, shape (n_cells,)."""
    flows: Flows
    violations: list[Violation]
    acts: list[Act]


def course(
    operations: Operations,
    history: LineHistory,
    energy_factor: np.ndarray,
    grid: SiteGrid,
    setpoints: Setpoints | None,
    disturbed: bool,
) -> Course:
    """Draw of the site under a followed list, and every limit that is missed; arguments as of :func:`record`."""
    shop, arrays = operations.shop, operations.arrays
    start, end = np.array(history.start), np.array(history.end)
    extra = reheating(operations, start, end)
    indices = np.flatnonzero(~np.isnan(end))
    nominal = arrays["energy"] * energy_factor
    stops = history.stops
    if len(indices) < len(end):
        place = {int(i): p for p, i in enumerate(indices)}
        stops = {place[i]: halts for i, halts in stops.items() if i in place}
    unit, first, last = arrays["unit"][indices], start[indices], end[indices]
    trace = operations_trace(unit, first, last, nominal[indices], extra[indices], shop.profiles, stops)
    line = trace.mean(grid.edges)
    if history.returns:
        line = line + second_treatments(history).mean(grid.edges)
    line_rates = line_flows(operations, indices, first, last, nominal[indices], stops)
    idle = idling(shop, unit, first, last).mean(grid.edges) if shop.states else None
    load = line if idle is None else line + idle
    answering = disturbed and shop.scenario.recourse.assets
    acts = list(history.acts)
    flows, violations = balance(grid, load, setpoints, line_rates, answering=answering, relieving=disturbed, acts=acts)
    if answering:
        given_way = [row for row in violations if row.kind == ViolationKind.ASSET]
        acts += [Act(RecourseKind.ASSET, row.unit, row.at_min, row.amount, row.measure, 0.0) for row in given_way]
        violations = [row for row in violations if row.kind != ViolationKind.ASSET]
    if idle is not None:
        flows["idle_mw"] = grid.stepped(idle)
    leeway = shop.scenario.horizon.step_min if disturbed else 0.0
    violations = missed(operations, start, end, leeway, history.new_casts, history.returns) + violations
    return Course(
        start, end, indices, unit, first, last, nominal[indices], extra[indices], stops, load, flows, violations, acts
    )


def record(
    operations: Operations,
    history: LineHistory,
    energy_factor: np.ndarray,
    grid: SiteGrid,
    setpoints: Setpoints | None,
    attrs: Mapping[str, object],
    queued: np.ndarray | None = None,
    by_heat: bool = False,
) -> xr.Dataset:
    """The run as a dataset of table ``RUN``.

    Args:
        operations: the operations.
        history: what happened to them.
        energy_factor: energy drawn by the nominal one, shape (n_operations,).
        grid: the site.
        setpoints: the schedule's; None: the site follows its rules.
        attrs: what the run says of itself.
        queued: waits before the first operation of a heat, where heats queue there [min], shape (n_operations,).
        by_heat: whether to tell the electricity of each heat in each step.
    """
    shop, arrays = operations.shop, operations.arrays
    ran = course(operations, history, energy_factor, grid, setpoints, bool(attrs["disturbed"]))
    variables, of_run = _variables(operations, ran, queued)
    variables.update(site_variables(ran.flows))
    times, step = shop.scenario.horizon.times, shop.scenario.horizon.step_min
    data = xr.Dataset(variables, coords={"time": times, "meter": metered(times, step, grid.meter_min)})
    if by_heat:
        drawing = (ran.unit, ran.first, ran.last, ran.nominal, ran.extra)
        edges = np.arange(len(times) + 1) * step
        of_heats = _by_heat(shop, arrays["heat"][ran.indices], drawing, edges, ran.stops)
        names = np.array(shop.names, dtype=np.str_)
        data = data.assign_coords(heat=names).assign(heat_mwh=(("heat", "time"), of_heats))
    data.attrs = {
        **attrs,
        **of_run,
        "metered_interval_min": float(grid.meter_min),
        "start": shop.scenario.horizon.start_utc.isoformat(),
    }
    return check(data, RUN)


def columns(
    operations: Operations,
    history: LineHistory,
    energy_factor: np.ndarray,
    grid: SiteGrid,
    setpoints: Setpoints | None,
    attrs: Mapping[str, object],
) -> Columns:
    """The run as plain arrays; arguments as of :func:`record`."""
    ran = course(operations, history, energy_factor, grid, setpoints, bool(attrs["disturbed"]))
    variables, of_run = _variables(operations, ran, None)
    return Columns(variables | site_variables(ran.flows, plain=True), {}, {**attrs, **of_run})


def _variables(operations: Operations, ran: Course, queued: np.ndarray | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables of a run, and what it says of the heats that are finished."""
    shop, arrays = operations.shop, operations.arrays
    indices, unit, first, last, stops = ran.indices, ran.unit, ran.first, ran.last, ran.stops
    waited = waits(operations, ran.start, ran.end)
    energy_mwh = _within(shop, unit, first, last, ran.nominal, ran.extra, stops)
    down = np.zeros(len(indices))
    for i, halts in stops.items():
        down[i] = sum(halt for _, halt in halts)
    finished = _finished(operations, ran.end)
    names, stages, units = shop.labels
    ends = first.argsort(kind="stable")
    of_operations = {
        "op_heat": names[arrays["heat"][indices]],
        "op_stage": stages[arrays["stage"][indices]],
        "op_unit": units[unit],
        "op_start_min": first,
        "op_end_min": last,
        "op_waited_min": (waited if queued is None else waited + queued)[indices],
        "op_energy_mwh": energy_mwh,
        "op_extra_mwh": ran.extra,
        "op_down_min": down,
    }
    variables: dict[str, Any] = {name: ("operation", value[ends]) for name, value in of_operations.items()}
    variables.update(violation_variables(ran.violations))
    variables.update(stop_variables((units[unit[i]], at, halt) for i, halts in stops.items() for at, halt in halts))
    variables.update(recourse_variables(ran.acts))
    return variables, {
        "tonnes": float(sum(shop.mass_t[h] for h in finished)),
        "heats": len(finished),
        "complete": int(len(finished) == sum(1 for _ in _to_finish(shop))),
    }


def _by_heat(
    shop: LineShop,
    heat: np.ndarray,
    drawing: tuple[np.ndarray, ...],
    edges: np.ndarray,
    stops: dict[int, list[tuple[float, float]]],
) -> np.ndarray:
    """Electricity of each heat between the edges [MWh], shape (n_heats, n_edges - 1); for the ledger by heat."""
    hours = np.diff(edges) / 60
    by_heat = np.zeros((len(shop.names), len(hours)))
    for h in np.unique(heat).tolist():
        rows = np.flatnonzero(heat == h)
        unit, start, end, energy, extra = (column[rows] for column in drawing)
        halts = {i: stops[row] for i, row in enumerate(rows.tolist()) if row in stops}
        by_heat[h] = operations_trace(unit, start, end, energy, extra, shop.profiles, halts).mean(edges) * hours
    return by_heat


def _to_finish(shop: LineShop) -> list[int]:
    """Heats that are not finished before the horizon begins."""
    heats = []
    for h, route in enumerate(shop.route):
        start = shop.started.get((h, route[-1]))
        if start is None or start[0] + shop.duration[h][start[1]] > 0:
            heats.append(h)
    return heats


def _finished(operations: Operations, end: np.ndarray) -> list[int]:
    last = last_end(operations, end)
    return [h for h in _to_finish(operations.shop) if last[h] <= operations.shop.length + TOLERANCE]


def _within(
    shop: LineShop,
    unit: np.ndarray,
    start: np.ndarray,
    end: np.ndarray,
    energy: np.ndarray,
    extra: np.ndarray,
    stops: dict[int, list[tuple[float, float]]],
) -> np.ndarray:
    """Energy that each operation draws within the horizon [MWh], shape (n,)."""
    energy_mwh = energy + extra
    for i in np.flatnonzero((start < 0) | (end > shop.length)).tolist():
        halts = {0: stops[i]} if i in stops else {}
        one = slice(i, i + 1)
        trace: Trace = operations_trace(unit[one], start[one], end[one], energy[one], extra[one], shop.profiles, halts)
        energy_mwh[i] = trace.energy(0.0, shop.length)
    return energy_mwh
