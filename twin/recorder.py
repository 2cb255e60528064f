"""Dataset of a run from its history: energies, waits, flows and every violation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios.columns import Columns
from emberline.scenarios.datasets import RUN, RecourseKind, ViolationKind, check
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
    """Wait of each heat before an operation, without the transfer; 0 before its first one [min], shape (n,)."""
    before = operations.arrays["before"]
    waited = np.zeros(len(before))
    later = np.flatnonzero(before >= 0)
    waited[later] = start[later] - end[before[later]] - operations.arrays["travel"][later]
    return np.where(waited > TOLERANCE, waited, 0.0)


def reheating(operations: Operations, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Extra energy of each operation of the reheating stage, 0 elsewhere [MWh], shape (n,).

    A heat cools during the time between two stages that exceeds the quickest transfer, whichever units it uses.
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
    """Power drawn by second treatments of heats that were returned to the reheating stage."""
    amounts = [act.amount for act in history.acts if act.kind == RecourseKind.RETURN]
    begin, over = np.array(list(history.returns.values())).T
    return Trace(begin, over, np.array(amounts) / (over - begin) * 60)


@dataclass(frozen=True)
class Work:
    """Operations that took place; arrays have shape (n,)."""

    shop: LineShop
    heat: np.ndarray
    unit: np.ndarray
    start: np.ndarray
    """[min]"""
    end: np.ndarray
    energy_mwh: np.ndarray
    """Electricity without reheating."""
    extra_mwh: np.ndarray
    """Reheating."""
    stops: dict[int, list[tuple[float, float]]]
    """Standstills by the index of the operation: start and duration [min]."""

    def of(self, rows: np.ndarray) -> Work:
        """Selected operations."""
        columns = (self.heat, self.unit, self.start, self.end, self.energy_mwh, self.extra_mwh)
        stops = {i: self.stops[row] for i, row in enumerate(rows.tolist()) if row in self.stops}
        heat, unit, start, end, energy, extra = (column[rows] for column in columns)
        return Work(self.shop, heat, unit, start, end, energy, extra, stops)

    def trace(self, *, with_reheating: bool = True) -> Trace:
        """Power that the operations draw."""
        extra = self.extra_mwh if with_reheating else np.zeros(len(self.unit))
        return operations_trace(self.unit, self.start, self.end, self.energy_mwh, extra, self.shop.profiles, self.stops)

    def by_heat(self, edges: np.ndarray) -> np.ndarray:
        """Electricity of each heat between edges, for the ledger by heat [MWh], shape (n_heats, n_edges - 1)."""
        hours = np.diff(edges) / 60
        by_heat = np.zeros((len(self.shop.names), len(hours)))
        for h in np.unique(self.heat).tolist():
            by_heat[h] = self.of(np.flatnonzero(self.heat == h)).trace().mean(edges) * hours
        return by_heat

    def within(self) -> np.ndarray:
        """Energy that each operation draws within the horizon [MWh], shape (n,)."""
        energy_mwh, length = self.energy_mwh + self.extra_mwh, self.shop.length
        for i in np.flatnonzero((self.start < 0) | (self.end > length)).tolist():
            energy_mwh[i] = self.of(np.array([i])).trace().energy(0.0, length)
        return energy_mwh


def line_flows(work: Work) -> dict[str, np.ndarray]:
    """Mean output of each other carrier by the line in each step, minus its consumption, per hour, shape (n_steps,)."""
    shop, scenario, line = work.shop, work.shop.scenario, work.shop.scenario.line
    if not line.gives and not line.takes:
        return {}
    edges = np.arange(scenario.horizon.n_steps + 1) * scenario.horizon.step_min
    stage = np.array([line.stages.index(line.stage_of[name]) for name in shop.units], dtype=int)[work.unit]
    stage_mw = {
        s: work.of(np.flatnonzero(stage == s)).trace(with_reheating=False).mean(edges)
        for s in {int(s) for weight in line.gives.values() for s in np.flatnonzero(weight)}
    }
    flows = {
        carrier: np.sum([weight[s] * power for s, power in stage_mw.items() if weight[s]], axis=0)
        for carrier, weight in line.gives.items()
    }
    if line.takes:
        units = [shop.units[u] for u in work.unit.tolist()]
        grades = [scenario.heats[h].grade.name for h in work.heat.tolist()]
        for carrier, rate in taking.rates(line, units, grades, work.start, work.end, edges).items():
            flows[carrier] = flows.get(carrier, 0.0) - rate
    return flows


def idling(work: Work) -> Trace:
    """Power drawn by units with energy states while they are idle. Standstills within an operation count as work."""
    pieces: list[tuple[float, float, float]] = []
    for u, states in work.shop.states.items():
        here = work.unit == u
        spans = zip(work.start[here].tolist(), work.end[here].tolist(), strict=True)
        pieces += idle_pieces(states, spans, work.shop.length)
    return Trace.of(pieces)


@dataclass(frozen=True)
class Trajectory:
    """Result of following a list: energy of each operation that took place, flows of the site, and violations."""

    operations: Operations
    grid: SiteGrid
    start: np.ndarray
    """Start of each operation, nan if it never took place [min], shape (n,)."""
    end: np.ndarray
    indices: np.ndarray
    """Indices of the operations that took place, in the order of ``work``."""
    work: Work
    load_mw: np.ndarray
    """Mean power of the line in each cell of the site's grid [MW], shape (n_cells,)."""
    flows: Flows
    violations: list[Violation]
    acts: list[Act]


def trajectory(
    operations: Operations,
    history: LineHistory,
    energy_factor: np.ndarray,
    grid: SiteGrid,
    setpoints: Setpoints | None,
    disturbed: bool,
) -> Trajectory:
    """Power of the site while it follows a list, and every violation.

    Args:
        operations: operations of the list.
        history: history of the operations.
        energy_factor: energy drawn over nominal energy, shape (n_operations,).
        grid: grid of the site.
        setpoints: set-points of the schedule; None: the site follows its rules.
        disturbed: whether the day differs from the plan.
    """
    shop, arrays = operations.shop, operations.arrays
    start, end = np.array(history.start), np.array(history.end)
    indices = np.flatnonzero(~np.isnan(end))
    stops = history.stops
    if len(indices) < len(end):
        place = {int(i): p for p, i in enumerate(indices)}
        stops = {place[i]: spans for i, spans in stops.items() if i in place}
    energy, extra = arrays["energy"] * energy_factor, reheating(operations, start, end)
    heat, unit = (arrays[name][indices] for name in ("heat", "unit"))
    work = Work(shop, heat, unit, start[indices], end[indices], energy[indices], extra[indices], stops)
    load = work.trace().mean(grid.edges)
    if history.returns:
        load = load + second_treatments(history).mean(grid.edges)
    idle = idling(work).mean(grid.edges) if shop.states else None
    load = load if idle is None else load + idle
    answering = disturbed and shop.scenario.recourse.assets
    acts = list(history.acts)
    flows, violations = balance(
        grid, load, setpoints, line_flows(work), answering=answering, relieving=disturbed, acts=acts
    )
    if answering:
        given_way = [row for row in violations if row.kind == ViolationKind.ASSET]
        acts += [Act(RecourseKind.ASSET, row.unit, row.at_min, row.amount, row.measure, 0.0) for row in given_way]
        violations = [row for row in violations if row.kind != ViolationKind.ASSET]
    if idle is not None:
        flows["idle_mw"] = grid.stepped(idle)
    leeway = shop.scenario.horizon.step_min if disturbed else 0.0
    violations = missed(operations, start, end, leeway, history.new_casts, history.returns) + violations
    return Trajectory(operations, grid, start, end, indices, work, load, flows, violations, acts)


def record(
    ran: Trajectory, attrs: Mapping[str, object], queued: np.ndarray | None = None, by_heat: bool = False
) -> xr.Dataset:
    """The run as a dataset of table ``RUN``.

    Args:
        ran: trajectory of the run.
        attrs: attributes of the run.
        queued: waits before the first operation of a heat, if heats queue there [min], shape (n_operations,).
        by_heat: whether to include the electricity of each heat in each step.
    """
    shop, horizon = ran.operations.shop, ran.operations.shop.scenario.horizon
    variables, of_run = _variables(ran, queued)
    variables.update(site_variables(ran.flows))
    data = ran.grid.dataset(variables)
    if by_heat:
        edges = np.arange(horizon.n_steps + 1) * horizon.step_min
        names = np.array(shop.names, dtype=np.str_)
        data = data.assign_coords(heat=names).assign(heat_mwh=(("heat", "time"), ran.work.by_heat(edges)))
    data.attrs = {**attrs, **of_run, **ran.grid.attrs}
    return check(data, RUN)


def columns(ran: Trajectory, attrs: Mapping[str, object]) -> Columns:
    """The run as plain arrays; arguments as in :func:`record`."""
    variables, of_run = _variables(ran, None)
    return Columns(variables | site_variables(ran.flows, plain=True), {}, {**attrs, **of_run})


def _variables(ran: Trajectory, queued: np.ndarray | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Variables and coordinates of a run, including those of its finished heats."""
    operations, work, indices = ran.operations, ran.work, ran.indices
    shop = operations.shop
    waited = waits(operations, ran.start, ran.end)
    down = np.zeros(len(indices))
    for i, spans in work.stops.items():
        down[i] = sum(stop_min for _, stop_min in spans)
    finished = _finished(operations, ran.end)
    names, stages, units = shop.labels
    of_operations = {
        "op_heat": names[work.heat],
        "op_stage": stages[operations.arrays["stage"][indices]],
        "op_unit": units[work.unit],
        "op_start_min": work.start,
        "op_end_min": work.end,
        "op_waited_min": (waited if queued is None else waited + queued)[indices],
        "op_energy_mwh": work.within(),
        "op_extra_mwh": work.extra_mwh,
        "op_down_min": down,
    }
    order = work.start.argsort(kind="stable")
    variables: dict[str, Any] = {name: ("operation", value[order]) for name, value in of_operations.items()}
    stops = ((units[work.unit[i]], at, stop_min) for i, spans in work.stops.items() for at, stop_min in spans)
    variables |= violation_variables(ran.violations) | stop_variables(stops) | recourse_variables(ran.acts)
    return variables, {
        "tonnes": float(sum(shop.mass_t[h] for h in finished)),
        "heats": len(finished),
        "complete": int(len(finished) == sum(1 for _ in _to_finish(shop))),
    }


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
