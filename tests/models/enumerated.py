"""Small works of processes whose every course can be enumerated: the contract's words once more, without a model.

A course tells a mode (or none) in every step. ``follow`` works out by plain bookkeeping whether a unit may do that and
what it draws and gives; ``cheapest`` goes through all courses of all units, or the rates within a course by a small
linear program where a unit has a range of them.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import linprog

from emberline import models
from emberline.scenarios import Case, Scenario, resolve
from emberline.scenarios.checking.mistakes import between_nouns
from emberline.scenarios.process.record import ChangeOver, Process, StartUp
from emberline.scenarios.process.store import Store

TOL = 1e-7


def works(
    processes: list[dict[str, Any]],
    stores: list[dict[str, Any]],
    *,
    price: list[float] | float = 50.0,
    intensity: list[float] | float = 300.0,
    hours: float | None = None,
    step_min: float = 60.0,
    minimize: str = "cost",
    goal: dict[str, Any] | None = None,
    site: dict[str, Any] | None = None,
    horizon: dict[str, Any] | None = None,
    **remaining: Any,
) -> Case:
    """A works without base load; price and intensity by step, or one for all."""
    length = hours if hours is not None else len(np.atleast_1d(price)) * step_min / 60
    market = {"price_per_mwh": 0.0, "carbon_intensity_kg_per_mwh": 0.0, **remaining.pop("market", {})}
    built = resolve(Scenario.model_validate(
        {
            "name": "works",
            "horizon": horizon or {"start": "2026-01-05", "length_h": length, "step_min": step_min},
            "market": market,
            "site": {"base_load_mw": 0.0, "grid": {"metered_interval_min": step_min}, **(site or {})},
            "processes": processes,
            "stores": stores,
            "goal": {
                "minimize": minimize, "gap": 0.0, "effort": 30.0, "caps": {"extra_cost_share": None},
                **(goal or {}),
            },
            **remaining,
        },
        context={"currency": "EUR"},
    ))  # fmt: skip
    assert not list(between_nouns(built)), list(between_nouns(built))
    inputs, n = built.inputs, built.horizon.n_steps
    return built.with_inputs(
        inputs.assign(
            price_per_mwh=("time", np.broadcast_to(np.asarray(price, float), n).copy(), inputs["price_per_mwh"].attrs),
            carbon_intensity_kg_per_mwh=(
                "time", np.broadcast_to(np.asarray(intensity, float), n).copy(),
                inputs["carbon_intensity_kg_per_mwh"].attrs,
            ),
        )
    )  # fmt: skip


def envelope(scenario: Case) -> xr.Dataset:
    """What the twin would say of a plant without spread: outages by step, levels as they are."""
    horizon = scenario.horizon
    units = [unit for unit, _ in scenario.process_units]
    free = np.ones((len(units), horizon.n_steps))
    edges = np.arange(horizon.n_steps + 1) * horizon.step_min
    for outage in scenario.state.outages:
        begin, end = horizon.minutes(outage.start), horizon.minutes(outage.end)
        free[units.index(outage.unit), (edges[1:] > begin) & (edges[:-1] < end)] = 0.0
    return xr.Dataset(
        {"battery_level_mwh": ((), 0.0), "process_available": (("process", "time"), free)}, coords={"process": units}
    )


def optimum(scenario: Case, **how: Any) -> xr.Dataset:
    """The model's plan at gap 0."""
    data = models.optimize(scenario, envelope(scenario), **how)
    if data.attrs["found"]:
        value, bound = data.attrs["objective"], data.attrs["bound"]
        assert value - bound <= 1e-6 * max(abs(value), 1.0), (data.attrs["status"], value, bound)
    return data


def best(scenario: Case) -> float | None:
    """The proven optimum, stock credited; None where the model says that there is no plan."""
    result = optimum(scenario)
    if not result.attrs["found"]:
        assert result.attrs["status"] == "infeasible", result.attrs["status"]
        return None
    return float(result.attrs["objective"] + result.attrs["constant"])


@dataclass
class Trajectory:
    """What a unit does in each step when it gets a mode for each."""

    commands: tuple[int, ...]
    runs: np.ndarray
    """Mode that it runs in, −1: none."""
    lost_t: np.ndarray
    """Off-spec product [t]."""
    extra_mwh: np.ndarray
    """Start-ups and change-overs."""
    free_up: np.ndarray
    """Whether the rate may be any, come from wherever it was."""
    free_down: np.ndarray


def follow(process: Process, unit: int, text: tuple[int, ...], h: float, closed: np.ndarray) -> Trajectory | None:
    """What a unit does that gets a mode (−1: to stand) in each step; None where it may not."""
    n, names = len(text), [mode.name for mode in process.all_modes]

    def steps(hours: float) -> int:
        return math.ceil(hours / h - 1e-9)

    state = process.start[unit]
    mode = -1 if state.mode is None else names.index(state.mode)
    run_left = max(steps(process.min_run_h - state.since_h), 0) if mode >= 0 else 0
    rest_left = max(steps(process.min_rest_h - state.since_h), 0) if mode < 0 else 0
    runs, lost, extra = np.full(n, -1), np.zeros(n), np.zeros(n)
    up, down = np.zeros(n, dtype=bool), np.zeros(n, dtype=bool)
    change: StartUp | ChangeOver
    t = 0
    while t < n:
        now = text[t]
        if now >= 0 and closed[t]:
            return None
        if now < 0:
            if mode >= 0:
                if run_left and not closed[t]:
                    return None  # only an outage ends a run before its time
                rest_left, down[t] = steps(process.min_rest_h), True
            mode, rest_left, t = -1, max(rest_left - 1, 0), t + 1
            continue
        if now == mode:
            runs[t], run_left, t = now, max(run_left - 1, 0), t + 1
            continue
        if mode < 0:
            if rest_left and not (process.must_run and process.planned_stop is None):
                return None
            change, span = process.start_up, process.start_up.hours
        else:
            if run_left:
                return None
            over = process.changing(names[mode], names[now])
            change, span = over, over.minutes / 60
        k = steps(span)
        if mode >= 0 and t + k >= n:
            return None  # a change-over that leads to nothing
        if any(text[s] != now or closed[s] for s in range(t, min(t + k, n))):
            return None
        begin = t + k
        up[min(begin, n - 1)] |= begin < n and (mode < 0 or k > 0)
        down[t] |= mode >= 0 and k > 0
        for s in range(t, n):
            if span > 0:
                extra[s] += change.energy_mwh / k if s < begin else 0.0
            elif s == t:
                extra[s] += change.energy_mwh
        pace = process.all_modes[now].rates.low or process.all_modes[now].rates.high
        remaining = change.off_spec_t
        for s in range(begin, n):
            lost[s] = min(remaining, pace * h)
            remaining -= lost[s]
        mode, run_left = now, max(steps(process.min_run_h), 1)
        # the steps of change are over; the run's first step is counted as any other
        t = begin
        if t < n and text[t] != now:
            return None
    return Trajectory(text, runs, lost, extra, up, down)


def allowed(process: Process, text: tuple[int, ...], scenario: Case, closed: np.ndarray) -> bool:
    """Whether a process that must run does, but for outages and its planned stop."""
    if not process.must_run:
        return True
    n, h = len(text), scenario.horizon.step_h
    stands = [t for t in range(n) if text[t] < 0]
    stop = process.planned_stop
    if stop is None:
        return stands == [t for t in range(n) if closed[t]]
    length = math.ceil(stop.hours / h - 1e-9)
    first = 0.0 if stop.earliest is None else scenario.horizon.minutes(stop.earliest) / 60
    last = n * h - stop.hours if stop.latest is None else scenario.horizon.minutes(stop.latest) / 60
    out = {t for t in range(n) if closed[t]}
    begins = [t for t in range(n - length + 1) if first <= t * h + 1e-9 <= last + 2e-9]
    return any(
        {*range(begin, begin + length)} <= {*stands} and {*stands} - {*range(begin, begin + length)} <= out
        for begin in begins
    )


def courses(scenario: Case, process: Process, unit: int) -> list[Trajectory]:
    """All courses that a unit may take."""
    n, h = scenario.horizon.n_steps, scenario.horizon.step_h
    closed = envelope(scenario)["process_available"].sel(process=process.units[unit]).values < 0.5
    rows = []
    for text in itertools.product(range(-1, len(process.all_modes)), repeat=n):
        if allowed(process, text, scenario, closed):
            trajectory = follow(process, unit, text, h, closed)
            if trajectory is not None:
                rows.append(trajectory)
    return rows


def worth(scenario: Case, store: Store) -> tuple[float, float]:
    """What a tonne too much at the end is worth [EUR/t], and how many count [t]: made by the cheapest mode that gives
    it at the cheapest hour, up to an hour of it."""
    if not scenario.goal.credit_stock:
        return 0.0, 0.0
    cheapest_hour = max(float(scenario.inputs["price_per_mwh"].min()), 0.0)
    rows = [
        (
            min(float(mode.power_at(rate)) / rate for rate in (mode.rates.low, mode.rates.high) if rate),
            mode,
            stream.per_t,
        )
        for process in scenario.processes
        for mode in process.all_modes
        for stream in mode.outputs
        if stream.store == store.name
    ]
    if not rows:
        return 0.0, 0.0
    hours = max(scenario.horizon.step_h, 1.0)
    value = cheapest_hour * min(mwh / per_t for mwh, _, per_t in rows)
    return value, max(mode.rates.high * per_t for _, mode, per_t in rows) * hours


def moved(scenario: Case, process: Process, trajectory: Trajectory, store: str) -> np.ndarray:
    """What a course of fixed rates gives to a store in each step [t], negative: takes."""
    h, net = scenario.horizon.step_h, np.zeros(scenario.horizon.n_steps)
    for m, mode in enumerate(process.all_modes):
        on = trajectory.runs == m
        for stream in mode.inputs:
            net -= (stream.store == store) * stream.per_t * mode.rates.high * h * on
        for stream in mode.outputs:
            net += (stream.store == store) * stream.per_t * (mode.rates.high * h * on - trajectory.lost_t * on)
    return net


def net_demand(scenario: Case, store: str) -> np.ndarray:
    """What demands take from a store, less what arrives [t]."""
    h, net = scenario.horizon.step_h, np.zeros(scenario.horizon.n_steps)
    for i, demand in enumerate(scenario.demands):
        net += (demand.store == store) * scenario.inputs["demand_tph"].values[i] * h
    for i, arrival in enumerate(scenario.arrivals):
        net -= (arrival.store == store) * scenario.inputs["arrival_tph"].values[i] * h
    return net


def cheapest(scenario: Case) -> float | None:
    """The least cost, stock credited, of all courses of all units of one or two processes; None: there is none."""
    units = [(process, unit) for process in scenario.processes for unit in range(process.count)]
    every = [courses(scenario, process, unit) for process, unit in units]
    if any(not item for item in every):
        return None
    if any(not mode.rates.fixed for process, _ in units for mode in process.all_modes):
        (process, _), (item,) = units[0], every
        least = sorted(((_least(scenario, process, trajectory), i) for i, trajectory in enumerate(item)))
        best: float | None = None
        for bound, i in least:
            if best is not None and bound >= best:
                break
            result = rated(scenario, process, item[i])
            best = result if best is None or (result is not None and result < best) else best
        return best
    return _by_pairs(scenario, units, every)


def _by_pairs(scenario: Case, units: list[tuple[Process, int]], every: list[list[Trajectory]]) -> float | None:
    h, price = scenario.horizon.step_h, scenario.inputs["price_per_mwh"].values
    shape = tuple(len(item) for item in every)

    def spread(values: list[np.ndarray], axis: int) -> np.ndarray:
        table = np.array(values)
        return table.reshape(*(len(table) if i == axis else 1 for i in range(len(shape))), *table.shape[1:])

    cost: Any = 0.0
    for axis, ((process, _), item) in enumerate(zip(units, every, strict=True)):
        power = [float(mode.power_at(mode.rates.high)) for mode in process.all_modes] + [0.0]
        cost = cost + spread([np.array(price @ (c.extra_mwh + h * np.take(power, c.runs))) for c in item], axis)
    good = np.ones(shape, dtype=bool)
    for store in scenario.stores:
        net: Any = -net_demand(scenario, store.name)
        for axis, ((process, _), item) in enumerate(zip(units, every, strict=True)):
            net = net + spread([moved(scenario, process, c, store.name) for c in item], axis)
        orders = [d for d in scenario.deliveries if d.amount_t is not None and d.store == store.name]
        if orders:
            level, fits = _loaded(scenario, store, net, orders[0])
            good = good & fits
        else:
            stored = (1 - store.loss_per_h) ** h
            counts = (1 - stored) / -math.log(1 - store.loss_per_h) / h if store.loss_per_h else 1.0
            level = np.full(net.shape[:-1], store.start_t)
            for t in range(net.shape[-1]):
                level = level * stored + counts * net[..., t]
                good = good & (level >= -TOL) & (level <= store.capacity_t + TOL)
        value, most = worth(scenario, store)
        good = good & (level >= store.end_t - TOL)
        cost = cost - value * np.minimum(level - store.end_t, most)
    return float(cost[good].min()) if good.any() else None


def _loaded(scenario: Case, store: Store, net: np.ndarray, order: Any) -> tuple[np.ndarray, np.ndarray]:
    """Last level with an order loaded, and whether it can be: how much may have left by each step is an interval."""
    h = scenario.horizon.step_h
    first, last = order.span(scenario.horizon)
    low = high = np.zeros(net.shape[:-1])
    level, fits = np.full(net.shape[:-1], store.start_t), np.ones(net.shape[:-1], dtype=bool)
    for t in range(net.shape[-1]):
        level = level + net[..., t]
        step = order.most_tph(h) * h if first <= t < last else 0.0
        low, high = (
            np.maximum(low, level - store.capacity_t),
            np.minimum(np.minimum(high + step, level), order.amount_t),
        )
        fits &= low <= high + TOL
    return level - order.amount_t, fits & (high >= order.amount_t - TOL)


def _least(scenario: Case, process: Process, trajectory: Trajectory) -> float:
    """What a course costs at the least, stores and ramps left aside."""
    h, price = scenario.horizon.step_h, scenario.inputs["price_per_mwh"].values
    total = float(price @ trajectory.extra_mwh) - sum(
        value * most for value, most in (worth(scenario, s) for s in scenario.stores)
    )
    for m, mode in enumerate(process.all_modes):
        on = price[trajectory.runs == m] * h
        total += sum(
            min(on_t * float(mode.power_at(rate)) for rate in (mode.rates.low, mode.rates.high)) for on_t in on
        )
    return total


def rated(scenario: Case, process: Process, trajectory: Trajectory) -> float | None:
    """The least cost of the rates within a course of one unit, by a linear program; power linear in the rate."""
    n, h = scenario.horizon.n_steps, scenario.horizon.step_h
    price, modes = scenario.inputs["price_per_mwh"].values, process.all_modes
    on = trajectory.runs >= 0
    mode = [modes[m] if m >= 0 else None for m in trajectory.runs]
    stores = list(scenario.stores)
    values = [worth(scenario, store) for store in stores]
    # columns: rate in each step, then tonnes credited in each store
    goal = [0.0] * n + [-value for value, _ in values]
    fixed = float(price @ trajectory.extra_mwh)
    for t, item in enumerate(mode):
        if item is not None:
            goal[t] = price[t] * h * (item.kwh_per_t or 0.0) / 1000
            fixed += price[t] * h * (item.power_mw or 0.0)
    bounds = [(item.rates.low, item.rates.high) if item else (0.0, 0.0) for item in mode]
    bounds += [(-1e9, most) for _, most in values]
    rows, tops = [], []
    for i, store in enumerate(stores):
        row, constant = np.zeros(n + len(stores)), store.start_t
        need = net_demand(scenario, store.name)
        for t, item in enumerate(mode):
            if item is not None:
                give = sum(s.per_t for s in item.outputs if s.store == store.name)
                take = sum(s.per_t for s in item.inputs if s.store == store.name)
                row[t] = (give - take) * h
                constant -= give * trajectory.lost_t[t]
            constant -= need[t]
            rows += [-row.copy(), row.copy()]
            tops += [constant, store.capacity_t - constant]
        ends = -row.copy()
        ends[n + i] = 1.0
        rows += [-row.copy(), ends]
        tops += [constant - store.end_t, constant - store.end_t]
    state, most = process.start[0], (process.ramp_tph_per_h or 0.0) * h
    for t in range(n if process.ramp_tph_per_h is not None else 0):
        before = t - 1
        if not on[t] or (t and not on[before]) or (not t and (state.mode is None or state.rate_tph is None)):
            continue
        row, at = np.zeros(n + len(stores)), 0.0
        row[t] = 1.0
        if t:
            row[before] = -1.0
        else:
            at = state.rate_tph or 0.0
        if not trajectory.free_up[t]:
            rows += [row]
            tops += [most + at]
        if not trajectory.free_down[t]:
            rows += [-row]
            tops += [most - at]
    result = linprog(goal, A_ub=np.array(rows), b_ub=np.array(tops) + 1e-9, bounds=bounds)
    return float(result.fun + fixed) if result.status == 0 else None


def random_works(seed: int, size: tuple[int, int, int] | None = None) -> dict[str, Any]:
    """Arguments of ``works`` for a random small one.

    Args:
        seed: of the random numbers.
        size: units, modes and steps; None: such that all courses can be enumerated.
    """
    rng = np.random.default_rng(seed)

    def pick(*values: Any) -> Any:
        return values[int(rng.integers(len(values)))]

    h = pick(1.0, 1.0, 0.5)
    count, m, n = size or pick((1, 1, 9), (1, 2, 7), (1, 2, 8), (2, 1, 8), (2, 2, 6))
    price = np.round(rng.normal(pick(30, 60), 35, n), 2)
    if price.min() > 0 or rng.random() < 0.5:
        price = np.maximum(price, 1.0)
    ranged = count == 1 and rng.random() < 0.35
    run_h = float(pick(0, h, 2 * h, 2.3 * h))
    rates = [pick(20.0, 30.0, 45.0) for _ in range(m)]
    rates = [{"low": rate / 2, "high": rate} if ranged else rate for rate in rates]
    least = min(rate["low"] if ranged else rate for rate in rates)
    most_lost = least * run_h

    def lost() -> float:
        return float(round(pick(0.0, 0.3, 0.9) * most_lost, 3))

    names = [f"grade {i}" for i in range(m)]
    raw = pick(False, True)
    stores = []
    for name in names:
        capacity = float(pick(60, 120, 400))
        level = round(capacity * float(rng.uniform(0.1, 0.7)), 1)
        stores.append({"name": name, "capacity_t": capacity, "level_t": level, "loss_per_h": pick(0, 0, 0.05)})
        if pick(True, False):
            stores[-1]["end_level_t"] = round(level * float(rng.uniform(0, 1.3)), 1) if level * 1.3 < capacity else 0.0
    if raw:
        stores.append(
            {"name": "raw", "capacity_t": 200.0, "level_t": float(pick(60, 120)), "end_level_t": 0.0, "loss_per_h": 0}
        )
    modes = []
    for i, name in enumerate(names):
        mode: dict[str, Any] = {"name": name, "rate": rates[i], "outputs": [{"store": name, "per_t": pick(1.0, 0.8)}]}
        mode["power_mw"], mode["kwh_per_t"] = pick(0.0, 1.0, 2.5), pick(20.0, 45.0)
        if raw:
            mode["inputs"] = [{"store": "raw", "per_t": pick(0.6, 0.9)}]
        modes.append(mode)
    change = {"minutes": pick(0, 15, 60 * h, 80 * h), "energy_mwh": pick(0.0, 0.7), "off_spec_t": lost()}
    if change["minutes"] == 0:
        change.pop("minutes")
    if m > 1 and pick(True, False):
        pair = {"start": names[1], "end": names[0], "minutes": pick(0, 30, 90) * h or 1, "energy_mwh": pick(0.0, 1.5)}
        change["between"] = [{**pair, "off_spec_t": lost()}]
    must = pick(False, False, True)
    state = []
    for _ in range(count if pick(True, False) or must else 0):
        table: dict[str, Any] = {"since_h": float(pick(0, h, 1.5 * h, 50))}
        if must or pick(True, False):
            table["mode"] = pick(*names)
            if ranged:
                table["rate_tph"] = rates[names.index(table["mode"])]["low"] * pick(1.0, 1.5)
        state.append(table)
    process: dict[str, Any] = {
        "name": "mill", "count": count, "modes": modes, "change_over": change, "min_run_h": run_h,
        "min_rest_h": float(pick(0, h, 2 * h)), "must_run": must, "state": state,
        "start_up": {"hours": float(pick(0, 0, 0.7 * h, 1.5 * h)), "energy_mwh": pick(0.0, 0.8), "off_spec_t": lost()},
    }  # fmt: skip
    if m == 1:
        process.pop("change_over")
    if ranged and pick(True, True, False):
        process["ramp_tph_per_h"] = float(pick(4.0, 10.0))
    if must and count == 1 and pick(True, False):
        process["planned_stop"] = {"hours": float(pick(1, 2)) * h}
        if pick(True, False):
            process["planned_stop"] |= {"earliest": f"{2 * h} h", "latest": f"{4 * h} h"}
        process["min_rest_h"] = 0.0
    deliveries: list[dict[str, Any]] = []
    if pick(True, True, False):
        deliveries.append({"name": "trucks", "store": names[0], "rate": float(pick(3, 8, 14))})
    if pick(True, False):
        target = next(s for s in stores if s["name"] == names[-1])
        target["loss_per_h"] = 0
        order = {"name": "ship", "store": names[-1], "amount_t": float(pick(10, 35)), "release": f"{h} h"}
        deliveries.append(order | pick({}, {"due": f"{(n - 2) * h} h"}, {"loading_tph": 12.0 / h}))
    if ranged:
        for store in stores:
            store["loss_per_h"] = 0
        deliveries = [d for d in deliveries if "amount_t" not in d]
    arrivals = [{"name": "train", "store": "raw", "rate": 5.0}] if raw and pick(True, False) else []
    outage = "planned_stop" not in process and pick(True, False, False)
    unit = "mill" if count == 1 else "mill 1"
    away = {"outages": [{"unit": unit, "start": f"{2 * h} h", "end": f"{pick(2.5, 4) * h} h"}]} if outage else {}
    return {
        "processes": [process], "stores": stores, "price": price.tolist(), "step_min": 60 * h, "deliveries": deliveries,
        "arrivals": arrivals, "state": away, "goal": {"credit_stock": pick(True, True, False)},
    }  # fmt: skip


def features(scenario: Case) -> set[str]:
    """What a random works has, by name."""
    (part,), h = scenario.processes, scenario.horizon.step_h
    modes, rates = part.all_modes, [mode.rates for mode in part.all_modes]
    table = {
        "two units": part.count > 1, "range": not rates[0].fixed, "half-hours": h < 1,
        "raw material": any(mode.inputs for mode in modes), "arrival": bool(scenario.arrivals),
        "must run": part.must_run, "planned stop": part.planned_stop is not None,
        "ramp": part.ramp_tph_per_h is not None,
        "negative price": bool(scenario.inputs["price_per_mwh"].min() < 0), "outage": bool(scenario.state.outages),
        "start-up energy": part.start_up.energy_mwh > 0, "start-up off-spec": part.start_up.off_spec_t > 0,
        "least run": part.min_run_h > h, "least rest": part.min_rest_h > h,
        "since": any(unit.since_h < 2 for unit in part.state),
        "runs at the start": any(unit.mode for unit in part.state) and not part.must_run,
        "order": any(d.amount_t is not None for d in scenario.deliveries), "demand": bool(scenario.demands),
        "loss": any(store.loss_per_h for store in scenario.stores),
        "stock not credited": not scenario.goal.credit_stock,
        f"start-up of {math.ceil(part.start_up.hours / h - 1e-9)} steps": True,
    }  # fmt: skip
    if len(modes) > 1:
        change = part.change_over
        table |= {
            f"change-over of {math.ceil(change.minutes / 60 / h - 1e-9)} steps": True, "by pairs": not part.uniform,
            "alike": part.uniform, "change-over energy": change.energy_mwh > 0,
            "change-over off-spec": change.off_spec_t > 0,
        }  # fmt: skip
    return {name for name, has in table.items() if has}


def assert_followed(scenario: Case, plan: xr.Dataset) -> None:
    """Each unit of a plan may do what is planned for it, and rate, off-spec product and power are what comes of it."""
    h = scenario.horizon.step_h
    free = envelope(scenario)["process_available"]
    for process in scenario.processes:
        names = ["", *(mode.name for mode in process.all_modes)]
        for i, unit in enumerate(process.units):
            part = plan.sel(process=unit)
            text = tuple(names.index(mode) - 1 for mode in part["process_mode"].values.tolist())
            assert allowed(process, text, scenario, free.sel(process=unit).values < 0.5)
            trajectory = follow(process, i, text, h, free.sel(process=unit).values < 0.5)
            assert trajectory is not None, (unit, text)
            rate, mw = part["process_tph"].values, trajectory.extra_mwh / h
            for m, mode in enumerate(process.all_modes):
                on = trajectory.runs == m
                assert (rate[on] >= mode.rates.low - TOL).all()
                assert (rate[on] <= mode.rates.high + TOL).all()
                mw = mw + np.where(on, mode.power_at(rate), 0.0)
            assert (rate[trajectory.runs < 0] == 0).all()
            np.testing.assert_allclose(part["off_spec_tph"].values * h, trajectory.lost_t, atol=TOL)
            np.testing.assert_allclose(part["process_mw"].values, mw, atol=TOL)
            ramp = process.ramp_tph_per_h
            for t in range(1, len(text) if ramp is not None else 0):
                both = trajectory.runs[t] >= 0 and trajectory.runs[t - 1] >= 0
                rise = rate[t] - rate[t - 1]
                assert not both or trajectory.free_up[t] or rise <= (ramp or 0.0) * h + 1e-6
                assert not both or trajectory.free_down[t] or -rise <= (ramp or 0.0) * h + 1e-6
    np.testing.assert_allclose(plan["line_mw"].values, plan["process_mw"].sum("process").values, atol=1e-5)
