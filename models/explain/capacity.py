"""Checks without a solver: hours of a line's units, power from the grid, energy and levels of processes.

A store's level lies between two extremes: maximum inflow with minimum outflow, and the opposite. If these leave the
range of the store, or the upper one is below the required final level, there is no plan.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import xarray as xr

from emberline.models.problem import line_reader
from emberline.models.problem import plant as plants
from emberline.models.problem import site as sites
from emberline.models.problem.line import SlotProblem
from emberline.models.problem.plant import Plant, Units
from emberline.models.problem.site import SiteData
from emberline.scenarios import Case, Scenario
from emberline.scenarios.case.line import Stage
from emberline.scenarios.case.scenario import Heat
from emberline.scenarios.flows.process_flows import per_t
from emberline.scenarios.messages import Message, mark
from emberline.scenarios.process.store import Store

HAIR = 1e-6
"""Share of a store's capacity that counts as rounding."""


def lacking(scenario: Case, envelope: xr.Dataset) -> Iterator[Message]:
    """Yield shortages, one sentence each.

    Args:
        scenario: scenario with processes.
        envelope: availability of units and present levels (table ``ENVELOPE``).
    """
    plant = plants.read(scenario, envelope)
    yield from _daily(scenario, plant)
    for store in scenario.stores:
        yield from _store(scenario, plant, store)


def _daily(scenario: Scenario, plant: Plant) -> Iterator[Message]:
    for process in scenario.processes:
        most, least = np.zeros(plant.n), np.zeros(plant.n)
        for units in plant.units:
            if units.process is process:
                power = [mw for mode in units.modes for _, mw in mode.knots]
                most += units.available * max(power) * plant.hours
                least += _kept_on(plant, units) * min(power) * plant.hours
        started = process.start_up.energy_mwh or any(change.energy_mwh for change in process.change_overs)
        for steps, energy_mwh in plant.days.get(process.name, []):
            day = scenario.horizon.instant(steps[0] * scenario.horizon.step_min).date()
            top, low = most[steps].sum(), least[steps].sum()
            of = {"name": process.name, "day": day, "wanted": energy_mwh}
            if energy_mwh > top * (1 + HAIR) and not started:
                yield Message("{name} can draw {most:.4g} MWh at most on {day}, asked are {wanted:.4g}", most=top, **of)
                break
            if energy_mwh < low * (1 - HAIR):
                yield Message("{name} draws {least:.4g} MWh at least on {day}, asked are {wanted:.4g}", least=low, **of)
                break


def _kept_on(plant: Plant, units: Units) -> np.ndarray:
    """Return the units that must run, by slot."""
    running = units.process.must_run and units.process.name not in plant.stops
    return units.available if running else np.zeros(plant.n)


def _store(scenario: Scenario, plant: Plant, store: Store) -> Iterator[Message]:
    (most_in, least_in), (most_out, least_out) = (_flow(plant, store.name, side) for side in ("out", "in"))
    demand, start_t = plant.demand[store.name], plant.start_t[store.name]
    ordered = np.zeros(plant.n)
    loading = np.zeros(plant.n)
    for order, first, last in plant.orders:
        if order.store == store.name:
            ordered[last - 1] += order.amount_t or 0.0
            loading[first:last] += order.most_tph(plant.hours) * plant.hours
    retention = store.retention(plant.hours)
    high, low, slack = start_t, start_t, HAIR * store.capacity_t
    for t in range(plant.n):
        at = scenario.horizon.instant((t + 1) * scenario.horizon.step_min)
        high += most_in[t] - least_out[t] - demand[t] - ordered[t]
        if not loading.any():
            high = min(high, store.capacity_t)
        low = retention * low + retention * least_in[t] - most_out[t] - demand[t] - loading[t]
        of = {"name": store.name, "time": at}
        if high < -slack:
            yield Message("{name} lacks {tonnes:.4g} t by {time}, whatever is made", tonnes=-high, **of)
            return
        if low > store.capacity_t + slack:
            tonnes = low - store.capacity_t
            yield Message("{name} has no room for {tonnes:.4g} t by {time}, whatever is taken", tonnes=tonnes, **of)
            return
        low = max(low, 0.0)
    if high < store.end_t - slack:
        of = {"name": store.name, "most": high, "wanted": store.end_t, "missing": store.end_t - high}
        yield Message(
            "{name} holds {most:.4g} t at most at the end, wanted are {wanted:.4g}: {missing:.4g} t are missing", **of
        )


def _flow(plant: Plant, store: str, side: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest and smallest amount that units give to a store (``out``) or take (``in``) in each slot [t]."""
    most, least = np.zeros(plant.n), np.zeros(plant.n)
    for units in plant.units:
        each = [(per_t(mode, side, store), mode) for mode in units.modes]
        most += units.available * max(per * units.high_tph(mode) for per, mode in each) * plant.hours
        lost = side == "out" and (units.process.start_up.off_spec_t or len(units.modes) > 1)
        if not lost and len(units.modes) == 1:
            least += _kept_on(plant, units) * min(per * mode.rates.low for per, mode in each) * plant.hours
    return most, least


TOLERANCE_MWH = 1e-6


def unfed(problem: SlotProblem, data: SiteData) -> list[tuple[int, int, float, float]]:
    """Return the operations that the grid cannot supply at any start: heat, stage, peak and available power [MW].

    Both are means over the metered interval with the largest shortage, for the start with the smallest shortage. Sites
    with assets are left out because their supply is not known beforehand.
    """
    if data.hub is not None or not np.isfinite(data.limit_mwh()):
        return []
    battery = 0.0 if data.battery is None else data.battery.most_out * data.hours
    per = problem.cells_per_slot
    supply = np.repeat((data.pv + battery - data.base) / per, per)
    together = round(data.meter_min / data.cell_min)
    room = supply.reshape(-1, together).sum(axis=1) + data.limit_mwh()
    shortages, kinds = [], set()
    for h, heat in enumerate(problem.heats):
        for i, operation in enumerate(heat.operations):
            if operation.started_min is not None or (heat.kind, operation.stage) in kinds:
                continue
            kinds.add((heat.kind, operation.stage))
            remaining = sum(min(later.minutes.values(), default=0.0) for later in heat.operations[i:])
            latest = min(operation.last, math.floor(problem.n_slots - remaining / problem.step_min + 1e-9))
            worst: tuple[float, float, float] | None = None
            for cells in operation.cells.values():
                for t in range(max(operation.first, 0), latest + 1):
                    short = _short(cells, t * per, room, together)
                    worst = short if worst is None or short < worst else worst
            if worst is not None and worst[0] > TOLERANCE_MWH:
                hours = data.meter_min / 60
                shortages.append((h, operation.stage, worst[1] / hours, worst[2] / hours))
    return shortages


UNFED = mark(
    "a heat such as {heat} at {stage} draws {drawn:.1f} MW in a metered interval, and at best {there:.1f} MW are left "
    "for it"
)
"""Text for an operation that the grid cannot supply."""


def unfed_lines(scenario: Case, envelope: xr.Dataset) -> list[Message]:
    """Return the texts for operations that the grid cannot supply."""
    if not scenario.orders:
        return []
    problem = line_reader.from_scenario(scenario, envelope)
    names = [stage.name for stage in scenario.line.stages]
    return [
        Message(UNFED, heat=problem.heats[h].name, stage=names[stage], drawn=peak_mw, there=there)
        for h, stage, peak_mw, there in unfed(problem, sites.read(scenario, envelope))
    ]


def _short(cells: np.ndarray, first: int, room: np.ndarray, together: int) -> tuple[float, float, float]:
    """Return the largest shortage of an operation in a metered interval, its draw and the available energy [MWh]."""
    last = min(first + len(cells), len(room) * together)
    begin = first // together
    load = np.zeros((-(-last // together) - begin) * together)
    load[first - begin * together : last - begin * together] = cells[: last - first]
    draw_mwh = load.reshape(-1, together).sum(axis=1)
    there = room[begin : begin + len(draw_mwh)]
    i = int(np.argmax(draw_mwh - there))
    return float(draw_mwh[i] - there[i]), float(draw_mwh[i]), float(there[i])


MIN_MINUTES = 0.5
"""Smallest shortage that is more than rounding [min]."""
SHORT = {
    (True, True): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: {count} heats take {needed:.1f} h, {setup:.1f} h of "
        "it set-up, there are {there:.1f} h"
    ),
    (True, False): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: {count} heats take {needed:.1f} h, there are "
        "{there:.1f} h"
    ),
    (False, True): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: heat {heat} takes {needed:.1f} h, {setup:.1f} h of "
        "it set-up, there are {there:.1f} h"
    ),
    (False, False): mark(
        "{stage} needs {more:.1f} h more of {units} before {end}: heat {heat} takes {needed:.1f} h, there are "
        "{there:.1f} h"
    ),
}
"""Texts for the missing hours of a stage: for several heats or one, with set-ups or without."""
AS_PLANNED = mark(
    "with the durations that are planned with, which are longer than the nominal ones, {line} (a lower "
    "planning_quantile plans with shorter ones)"
)


def missing(scenario: Case, envelope: xr.Dataset) -> list[str]:
    """Return shortages, one sentence each; empty if these checks find none.

    Args:
        scenario: scenario to check.
        envelope: planning durations and availability (table ``ENVELOPE``).
    """
    if scenario.processes:
        return list(lacking(scenario, envelope))
    return [*unfed_lines(scenario, envelope), *hours(scenario, envelope)] if scenario.orders else []


def hours(scenario: Scenario, envelope: xr.Dataset) -> list[str]:
    """Return the hours that a line lacks, independent of its steps; the arguments are those of ``missing``."""
    if not scenario.orders:
        return []
    nominal, planned = (envelope[name].to_numpy() for name in ("duration_min", "planned_min"))
    count = _Count(scenario, envelope, nominal)
    lines: list[str] = [*count.late_orders(), *count.stages()]
    if lines or not (planned > nominal).any():
        return lines
    count = _Count(scenario, envelope, planned)
    return [Message(AS_PLANNED, line=line) for line in (*count.late_orders(), *count.stages())]


class _Count:
    def __init__(self, scenario: Scenario, envelope: xr.Dataset, minutes: np.ndarray) -> None:
        self.scenario, self.line = scenario, scenario.line
        self.units = [unit.name for unit in self.line.units]
        self.planned = minutes
        self.available = envelope["available"].to_numpy()
        self.under_way = np.isfinite(envelope["started_min"].to_numpy()).any(axis=1)
        self.heats = [(h, heat) for h, heat in enumerate(scenario.heats) if not self.under_way[h]]
        self.dues = sorted({heat.due_min for _, heat in self.heats})

    def minutes(self, h: int, stage: Stage) -> float:
        """Return the shortest planned time of a heat at a stage [min]."""
        durations = [self.planned[h, self.units.index(unit.name)] for unit in stage.units]
        return float(np.nanmin(durations)) if np.isfinite(durations).any() else 0.0

    def before(self, h: int, heat: Heat, stage: Stage) -> float:
        """Return the minimum time from the start of the route to the start of a stage [min]."""
        route = self.line.route(heat.grade)
        total = 0.0
        for here in route:
            if here is stage:
                break
            total += self.minutes(h, here) + min(lag.least for lag in self.line.lags(here, heat.grade))
        return total

    def after(self, h: int, heat: Heat, stage: Stage) -> float:
        """Return the minimum time from the end of a stage to the end of the route [min]."""
        route = self.line.route(heat.grade)
        whole = self.before(h, heat, route[-1]) + self.minutes(h, route[-1])
        return whole - self.before(h, heat, stage) - self.minutes(h, stage)

    def late_orders(self) -> Iterator[Message]:
        """Yield the orders that would be late even alone on an empty line."""
        stage = self.line.campaign_stage
        if stage is None:
            return
        for order in self.scenario.orders:
            heats = [(h, heat) for h, heat in self.heats if heat.order == order.name]
            if not heats or len(heats) < sum(heat.order == order.name for heat in self.scenario.heats):
                continue
            if len({self.line.route(heat.grade)[0].name for _, heat in heats}) > 1:
                continue
            first = self.line.route(heats[0][1].grade)[0]
            if first is stage:
                continue
            furnaces = len(first.units)
            times = [self.minutes(h, first) for h, _ in heats]
            onward = min(self.before(h, heat, stage) - time for (h, heat), time in zip(heats, times, strict=True))
            offset, start = 0.0, -np.inf
            for k, (h, _) in enumerate(heats):
                # one of the first heats to be cast leaves the first stage no earlier than this
                molten = max(sum(times[: k + 1]) / furnaces, math.ceil((k + 1) / furnaces) * min(times[: k + 1]))
                start = max(start, heats[0][1].release_min + molten + onward - offset)
                offset += self.minutes(h, stage)
            cast = start + offset
            due = min(heat.due_min for _, heat in heats)
            if cast > due + MIN_MINUTES:
                end, due_at = map(self.scenario.horizon.instant, (cast, due))
                yield Message(
                    "order {order} takes {hours:.1f} h from the start of its first heat by itself: it cannot end "
                    "before {end} and is due {due}", order=order.name, hours=cast / 60, end=end, due=due_at,
                )  # fmt: skip

    def stages(self) -> Iterator[Message]:
        """Yield the stages whose units lack hours for the heats that are due by a time."""
        for stage in self.line.stages:
            messages = [text for due in self.dues if (text := self._short(stage, due)) is not None]
            yield from messages[:1]

    def _short(self, stage: Stage, due: float) -> Message | None:
        operations = [
            (h, heat)
            for h, heat in self.heats
            if heat.due_min <= due and stage in self.line.route(heat.grade) and self.minutes(h, stage)
        ]
        if not operations:
            return None
        begin = min(heat.release_min + self.before(h, heat, stage) for h, heat in operations)
        end = due - min(self.after(h, heat, stage) for h, heat in operations)
        rows = [self.units.index(unit.name) for unit in stage.units]
        step = self.scenario.horizon.step_min
        edges = np.arange(self.available.shape[1] + 1) * step
        inside = np.clip(np.diff(np.clip(edges, begin, max(end, begin))), 0.0, None)
        there = float((self.available[rows] * inside).sum())
        parts = {heat.order for _, heat in operations} if stage.campaign else {heat.name for _, heat in operations}
        setups = 0.0
        work_min = sum(self.minutes(h, stage) for h, _ in operations)
        if work_min <= there + MIN_MINUTES:
            # units may be set up while they are unavailable
            setups = max(len(parts) - len(rows), 0) * min(unit.setup_min for unit in stage.units)
            work_min, there = work_min + setups, float(inside.sum()) * len(rows)
        if work_min <= there + MIN_MINUTES:
            return None
        heats: dict[str, Any] = {"count": len(operations)} if len(operations) > 1 else {"heat": operations[0][1].name}
        params = heats | {
            "stage": stage.name, "more": (work_min - there) / 60, "units": tuple(unit.name for unit in stage.units),
            "end": self.scenario.horizon.instant(end), "needed": work_min / 60,
            "setup": setups / 60, "there": there / 60,
        }  # fmt: skip
        return Message(SHORT[len(operations) > 1, setups > 0], **params)
