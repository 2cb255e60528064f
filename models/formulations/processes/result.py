"""Operation of processes in a solution: counts disaggregated into units, and their flows in the schedule's format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from emberline.models.formulations.processes.network import ADDED, PlantPorts, levels
from emberline.models.formulations.processes.runs import UnderWay, UnitPorts, kernel
from emberline.models.formulations.processes.stock_value import credited, slack_prices
from emberline.models.formulations.site.assets.ports import Row, slot_values
from emberline.models.formulations.site.dispatch import held_flows
from emberline.models.kernel import arrays
from emberline.models.problem.flows import Flows
from emberline.scenarios import Case, Scenario
from emberline.scenarios.flows.process_flows import coordinates, streams
from emberline.scenarios.process.recipe import GJ_PER_MWH
from emberline.scenarios.process.record import ChangeOver, StartUp

if TYPE_CHECKING:
    from emberline.models.formulations.whole_site import SiteModel

REST = -1


@dataclass(frozen=True)
class Run:
    """A run of a unit in a mode."""

    mode: int
    begin: int
    """Slot in which the mode is first set, with a start-up or change-over if there is one."""
    first: int
    """Slot in which the run begins, which is that of its first product."""
    last: int
    """Slot after the last one of the run."""
    after: StartUp | ChangeOver | UnderWay | None
    """Transition with which it began; None: it was running when the horizon began."""


def counts(variable: Any, n: int) -> list[int]:
    """Return the integer values of a variable by slot."""
    values = variable.values(n) if isinstance(variable, Row) else arrays.values(variable)[-n:]
    return np.rint(np.nan_to_num(values, nan=0.0)).astype(int).tolist()


def runs(ports: UnitPorts, n: int) -> list[list[Run]]:
    """Return the runs of each unit in order of time.

    Units are assigned first in, first out: the longest run in a mode ends first, and the longest rest ends first, so
    that minimum runs and rests that hold for the counts hold for every unit.
    """
    units, block = ports.units, ports.block
    process, modes = units.process, range(len(units.modes))
    names = [mode.name for mode in units.modes]
    on = [counts(block.mode[m].on, n) for m in modes]
    fire = [counts(block.mode[m].fire, n) for m in modes]
    turns = {key: counts(variable, n) for key, variable in ports.turns.items()}
    lag = ports.runs.starting
    by_unit: list[list[Run]] = []
    # for each unit: mode (REST: none), slot in which it is set, slot in which the run or the rest begins, transition
    now: list[tuple[int, int, int, StartUp | ChangeOver | UnderWay | None]] = []
    for state, under_way in zip(ports.runs.states, ports.runs.under_way, strict=True):
        by_unit.append([])
        if under_way is not None and under_way.begins >= 0:
            now.append((under_way.mode, under_way.first, under_way.begins, under_way))
            continue
        # what began before the horizon precedes all its slots, in the order in which it began
        began = REST - round(state.since_h * 3600)
        now.append((REST if state.mode is None else names.index(state.mode), 0, began, under_way))
    before = [sum(unit[0] == m and unit[2] < 0 for unit in now) for m in modes]
    coming = [(under_way.mode, under_way.begins) for under_way in ports.runs.under_way if under_way is not None]

    def leave(i: int, t: int) -> None:
        m, begin, first, after = now[i]
        by_unit[i].append(Run(m, begin, max(first, 0), t, after))

    for t in range(n):
        begins = [(fire[m][t - lag] if t >= lag else 0) + coming.count((m, t)) for m in modes]
        for key, count in turns.items():
            begins[key[1]] += count[t - ports.changing[key]] if t >= ports.changing[key] else 0
        going: list[tuple[int, int]] = []
        for m in modes:
            gone = before[m] + begins[m] - on[m][t]
            here = [i for i, unit in enumerate(now) if unit[0] == m and unit[2] < t]
            going += [(i, m) for i in sorted(here, key=lambda i: now[i][2])[: max(gone, 0)]]
            before[m] = on[m][t]
        changes = [key for key, count in turns.items() for _ in range(count[t])]
        match = _match([m for _, m in going], changes) if going and changes else {}
        for row, (i, m) in enumerate(going):
            leave(i, t)
            if row not in match:
                now[i] = (REST, t, t, None)
                continue
            b = changes[match[row]][1]
            now[i] = (b, t, t + ports.changing[changes[match[row]]], process.changing(names[m], names[b]))
        resting = sorted((i for i, unit in enumerate(now) if unit[0] == REST), key=lambda i: now[i][2])
        for m in modes:
            for _ in range(fire[m][t]):
                now[resting.pop(0)] = (m, t, t + lag, process.start_up)
    for i, unit in enumerate(now):
        if unit[0] != REST:
            leave(i, n)
    return by_unit


def _match(modes: list[int], changes: list[tuple[int, int]]) -> dict[int, int]:
    """Assign changes of mode to the units that leave a mode; a unit without one stops. All units are matched at once,
    so that no unit takes the only change that suits another."""
    # imported here because it takes longer than any other import of a small plan
    from scipy.optimize import linear_sum_assignment

    unfit = [[float(a not in (m, REST) or b == m) for a, b in changes] for m in modes]
    return dict(zip(*linear_sum_assignment(unfit), strict=True))


@dataclass(frozen=True)
class Course:
    """Trajectory of a unit by slot, shape (n,) each."""

    mode: np.ndarray
    """Mode that is set, as text; empty if the unit stands still."""
    rate: np.ndarray
    """Rate [t/h]."""
    lost: np.ndarray
    """Part of the rate that is off-spec product [t/h]."""
    mw: np.ndarray
    streams: dict[tuple[str, str], np.ndarray]
    """Flows per hour by direction and place; consumption is negative."""


def courses(ports: UnitPorts, n: int, h: float) -> list[Course]:
    """Return the trajectory of each unit in the solution."""
    units = ports.units
    rates, burnt = _rates(ports, n, h), _burnt(ports, n, h)
    by_unit: list[Course] = []
    for unit_runs in runs(ports, n):
        mode = np.full(n, "", dtype=object)
        rate, lost, mw = np.zeros(n), np.zeros(n), np.zeros(n)
        flows: dict[tuple[str, str], np.ndarray] = {}

        def add(direction: str, place: str, slots: slice, amount: Any, flows: Any = flows) -> None:
            flows.setdefault((direction, place), np.zeros(n))[slots] += amount

        for run in unit_runs:
            recipe = units.modes[run.mode]
            mode[run.begin : run.last] = recipe.name
            slots = slice(run.first, run.last)
            rate[slots] = rates[run.mode][slots]
            mw[slots] += recipe.power_at(rate[slots])
            if isinstance(run.after, UnderWay):
                going = slice(0, run.last)
                lost[going] += run.after.lost[going] / h
                mw[going] += run.after.mwh[going] / h
                for fuel in recipe.heat.fuels if recipe.heat else ():
                    add("in", fuel.carrier, going, -run.after.heat_mwh[going] * fuel.share / h)
            total = run.after.off_spec_t if isinstance(run.after, StartUp | ChangeOver) else 0.0
            for j in range(run.last - run.first if total else 0):
                off = recipe.off_spec_t(total, j * h, (j + 1) * h) / h
                if not off:
                    break
                lost[run.first + j] = off
            for stream in recipe.inputs:
                add("in", stream.place, slots, -stream.per_t * rate[slots])
            for stream in recipe.outputs:
                add("out", stream.place, slots, stream.per_t * (rate[slots] - lost[slots]))
            for carrier, by_tonne in burnt[run.mode].items():
                add("in", carrier, slots, -by_tonne[slots] * rate[slots])
            if not isinstance(run.after, StartUp | ChangeOver):
                continue
            span = run.after.hours if isinstance(run.after, StartUp) else run.after.minutes / 60
            at = run.begin if span > 0 else run.first
            for amount, direction, place in _beginning(run.after, recipe):
                for j, part in enumerate(kernel(amount, span, h)):
                    if at + j < n and direction:
                        add(direction, place, slice(at + j, at + j + 1), -part / h)
                    elif at + j < n:
                        mw[at + j] += part / h
        by_unit.append(Course(mode.astype(np.str_), rate, lost, mw, flows))
    return by_unit


def _beginning(after: StartUp | ChangeOver, recipe: Any) -> list[tuple[float, str, str]]:
    """Return the draws of a start-up or change-over: amount [MWh], and direction and carrier of a fuel."""
    draws = [(after.energy_mwh, "", "")]
    if isinstance(after, StartUp) and after.heat_gj and recipe.heat:
        draws += [(after.heat_gj / GJ_PER_MWH * fuel.share, "in", fuel.carrier) for fuel in recipe.heat.fuels]
    return draws


def _rates(ports: UnitPorts, n: int, h: float) -> list[np.ndarray]:
    """Return the rate of a unit in each mode [t/h]; units in the same mode share the output evenly."""
    rates = []
    for m, mode in enumerate(ports.units.modes):
        if mode.rates.fixed:
            rates.append(np.full(n, mode.rates.high))
            continue
        part = ports.block.mode[m]
        on = np.array(counts(part.on, n))
        total = np.nan_to_num(arrays.values(part.output), nan=0.0)
        rate = np.divide(total, on * h, out=np.zeros(n), where=on > 0)
        rates.append(np.clip(rate, mode.rates.low, mode.rates.high))
    return rates


def _burnt(ports: UnitPorts, n: int, h: float) -> list[dict[str, np.ndarray]]:
    """Return the heat of each fuel per tonne produced in a mode [MWh/t], shape (n,)."""
    by_mode: list[dict[str, np.ndarray]] = []
    rates = _rates(ports, n, h)
    for m, mode in enumerate(ports.units.modes):
        shares: dict[str, np.ndarray] = {}
        if mode.heat is not None and len(mode.heat.fuels) == 1:
            shares[mode.heat.fuels[0].carrier] = np.full(n, mode.heat.mwh_per_t)
        elif mode.heat is not None:
            part = ports.block.mode[m]
            on = np.array(counts(part.on, n))
            for f, fuel in enumerate(mode.heat.fuels):
                burnt = np.nan_to_num(Row(part.fuel, f).values(n), nan=0.0)
                tonnes = rates[m] * on * h
                shares[fuel.carrier] = np.divide(burnt, tonnes, out=np.zeros(n), where=tonnes > 0)
        by_mode.append(shares)
    return by_mode


def columns(scenario: Case, plant_ports: PlantPorts) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the variables of table ``FLOWS`` that belong to processes and stores, and their coordinates."""
    plant = plant_ports.plant
    n, h = plant.n, plant.hours
    by_unit: dict[str, Course] = {}
    for ports in plant_ports.units:
        by_unit.update(zip(ports.units.names, courses(ports, n, h), strict=True))
    order = [by_unit[unit] for unit, _ in scenario.process_units]
    every = streams(scenario)
    zero = np.zeros(n)
    rates = [by_unit[s.unit].streams.get((s.direction, s.place), zero) for s in every]

    def rows(values: list[np.ndarray]) -> np.ndarray:
        return np.array(values, dtype=float).reshape(len(values), n)

    variables: dict[str, Any] = {
        "process_mode": (("process", "time"), np.array([course.mode for course in order])),
        "process_tph": (("process", "time"), rows([course.rate for course in order])),
        "off_spec_tph": (("process", "time"), rows([course.lost for course in order])),
        "process_mw": (("process", "time"), rows([course.mw for course in order])),
        "stream_rate": (("stream", "time"), rows(rates)),
    }
    coords: dict[str, Any] = {"process": np.array([unit for unit, _ in scenario.process_units], dtype=np.str_)}
    coords |= coordinates(every)
    gives = given_rates(scenario, variables["stream_rate"][1])
    if gives:
        variables["line_rate"] = (("given", "time"), rows(list(gives.values())))
        coords["given"] = np.array(list(gives), dtype=np.str_)
    if scenario.deliveries:
        variables["delivered_t"] = (("delivery", "time"), rows(_delivered(scenario, plant_ports)))
        coords["delivery"] = np.array([delivery.name for delivery in scenario.deliveries], dtype=np.str_)
    if scenario.arrivals:
        variables["arrived_t"] = (("arrival", "time"), scenario.inputs["arrival_tph"].to_numpy() * h)
        coords["arrival"] = np.array([arrival.name for arrival in scenario.arrivals], dtype=np.str_)
    if scenario.stores:
        _stocks(scenario, plant_ports, variables)
        coords["stock"] = np.array([store.name for store in scenario.stores], dtype=np.str_)
    return variables, coords


def given_rates(scenario: Scenario, rates: np.ndarray) -> dict[str, np.ndarray]:
    """Return the hourly flow of processes to each carrier that they use on the site; consumption is negative."""
    by_carrier: dict[str, np.ndarray] = {}
    for stream, rate in zip(streams(scenario), rates, strict=True):
        if not stream.material:
            by_carrier[stream.place] = by_carrier.get(stream.place, 0.0) + rate
    return by_carrier


def _delivered(scenario: Case, plant_ports: PlantPorts) -> list[np.ndarray]:
    """Return the amount of each delivery in each slot [t]."""
    demand: Iterator[np.ndarray] = iter(
        scenario.inputs["demand_tph"].to_numpy() * plant_ports.plant.hours if scenario.demands else []
    )
    loaded = plant_ports.block.loaded
    by_key = dict(zip(loaded.index_set(), np.nan_to_num(arrays.values(loaded), nan=0.0), strict=True))
    orders = {delivery.name: o for o, (delivery, *_) in enumerate(plant_ports.plant.orders)}
    amounts = []
    for delivery in scenario.deliveries:
        if delivery.amount_t is None:
            amounts.append(next(demand))
            continue
        o = orders[delivery.name]
        amounts.append(np.array([max(by_key.get((o, t), 0.0), 0.0) for t in range(plant_ports.plant.n)]))
    return amounts


def _stocks(scenario: Scenario, plant_ports: PlantPorts, variables: dict[str, Any]) -> None:
    """Add the flows of every store from those of units and deliveries, and the resulting level."""
    plant = plant_ports.plant
    n, h = plant.n, plant.hours
    place = {store.name: i for i, store in enumerate(scenario.stores)}
    into, out, level = (np.zeros((len(place), n)) for _ in range(3))
    for stream, rate in zip(streams(scenario), variables["stream_rate"][1], strict=True):
        if stream.material:
            (into if stream.direction == "out" else out)[place[stream.place]] += np.abs(rate) * h
    for name, items, table in (("delivered_t", scenario.deliveries, out), ("arrived_t", scenario.arrivals, into)):
        for item, amount in zip(items, variables[name][1] if items else (), strict=True):
            table[place[item.store]] += amount
    for table, slack in zip((into, out), plant_ports.slacks, strict=False):
        for name, i in place.items():
            table[i] += np.nan_to_num(Row(slack, name).values(n))
    for i, store in enumerate(scenario.stores):
        now, retention, counted = plant.start_t[store.name], store.retention(h), store.effective_hours(h) / h
        for t in range(n):
            now = now * retention + (into[i, t] - out[i, t]) * counted
            level[i, t] = now
    starts = np.array([plant.start_t[store.name] for store in scenario.stores])
    lost = np.column_stack([starts, level[:, :-1]]) + into - out - level
    for name, table in (("stock_t", level), ("stock_in_t", into), ("stock_out_t", out), ("stock_lost_t", lost)):
        variables[name] = (("stock", "time"), table)


def credited_flows(site_model: SiteModel) -> Flows:
    """Return the flows of the solution in the variables, with process emissions and the credit for extra stock."""
    ports = site_model.plant_ports
    assert ports is not None
    plant = ports.plant
    electricity = slot_values(ports.electricity, plant.n)
    cells = site_model.data.cells_per_slot
    flows = held_flows(site_model.model.site, site_model.data, site_model.ports, np.repeat(electricity, cells) / cells)
    added = {
        name: sum(float(term.values(plant.n).sum()) for unit in ports.units for term in unit.added.get(name, ()))
        for name in ADDED
    }
    stock = credited(plant, site_model.coarse, {name: float(level[-1]) for name, level in levels(ports).items()})
    slack_t = sum(float(np.nan_to_num(arrays.values(slack)).sum()) for slack in ports.slacks)
    if slack_t:
        stock = {name: stock[name] - price * slack_t for name, price in slack_prices(plant, site_model.coarse).items()}
    return replace(
        flows,
        totals={name: total + plant.counted(name, added) - stock[name] for name, total in flows.totals.items()},
    )
