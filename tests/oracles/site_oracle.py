"""A site with its processes, or another plant, as one program, from the docs' words alone, and its proven optimum."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from clock import Clock, spans, steps
from milp import Optimum, Program, Sum, between_knots, total
from process_oracle import Plant, add_plant

BIG_MWH = 1e4


def optimum(
    raw: dict[str, Any], seconds: float = 60.0, add: Callable[[Program, Clock, dict[str, Any]], Plant] = add_plant
) -> Optimum:
    """The least of the goal over all plans of a scenario.

    Args:
        raw: the scenario as a mapping, with ``series`` by step (``price``, ``intensity``, ``base`` …) next to its keys.
        seconds: time limit.
        add: writes the plant into a program.
    """
    clock, program = Clock(raw), Program()
    plant = add(program, clock, raw)
    site = _Site(program, clock, raw, plant)
    program.goal = site.worth(raw["goal"]["minimize"])
    for goal, top in raw["goal"].get("tops", {}).items():
        program.at_most(site.worth(goal), top)
    return program.solve(seconds)


def overlaps(clock: Clock, i: int) -> Iterator[tuple[int, float]]:
    """Steps that a metered interval meets, and the share of each that lies in it."""
    for t in range(clock.n):
        begin = max(i * clock.meter_min, t * clock.step_min)
        end = min((i + 1) * clock.meter_min, (t + 1) * clock.step_min)
        if end > begin:
            yield t, (end - begin) / clock.step_min


class _Site:
    """Balances, the grid, and what everything costs and emits."""

    def __init__(self, program: Program, clock: Clock, raw: dict[str, Any], plant: Plant) -> None:
        self.program, self.clock, self.raw, self.plant = program, clock, raw, plant
        n, site, series = clock.n, raw["site"], raw["series"]
        self.balance = {"electricity": [Sum() for _ in range(n)]}
        for carrier in site.get("carriers", []):
            self.balance[carrier["name"]] = [Sum() for _ in range(n)]
        self.money, self.fossil, self.bought = Sum(), Sum().add(plant.emitted), Sum()
        for t in range(n):
            self.balance["electricity"][t].add(plant.electricity[t], -1.0)
        for name, rows in plant.gives.items():
            for t in range(n):
                self.balance[name][t].add(rows[t])
        for t, mw in enumerate(series.get("base", [0.0] * n)):
            self.balance["electricity"][t].add(-mw * clock.h)
        self.pv = [program.column(0, mw * clock.h) for mw in series.get("pv", [0.0] * n)]
        for row, used in zip(self.balance["electricity"], self.pv, strict=False):
            row.add(used)
        if site.get("battery"):
            self._battery(site["battery"])
        for asset in site.get("assets", []):
            getattr(self, f"_{asset['kind']}")(asset)
        self.imports, self.exports = program.columns(n), program.columns(n)
        self._one_way(self.imports, self.exports, (plant.most, plant.most))
        for t in range(n):
            self.balance["electricity"][t].add(self.imports[t]).add(self.exports[t], -1.0)
        for carrier in site.get("carriers", []):
            if carrier.get("waste") or carrier.get("dump"):
                for row in self.balance[carrier["name"]]:
                    row.add(program.column(), -1.0)
        for rows in self.balance.values():
            for row in rows:
                program.equal(row, 0.0)
        self._grid(site.get("grid", {}))

    def _grid(self, grid: dict[str, Any]) -> None:
        clock, program, uneven = self.clock, self.program, self.plant.uneven
        meter_h = clock.meter_min / 60
        # but for an uneven plant an import is even within a step, so that a meter finer than a step reads its mean
        self.metered: list[Sum] = []
        parts: dict[int, list[Sum]] = {}
        for i in range(round(clock.n * clock.step_min / clock.meter_min)):
            net = Sum() if uneven is None else uneven[i].times(1.0)
            for t, share in overlaps(clock, i):
                net.add(self.imports[t], share).add(self.exports[t], -share)
                if uneven is not None and clock.meter_min < clock.step_min:
                    used = program.column(0, self.raw["series"]["pv"][t] * clock.h * share)
                    parts.setdefault(t, []).append(used)
                    net.add(self.pv[t], share).add(used, -1.0)
            self.metered.append(net)
        for t, used_in in parts.items():
            program.equal(total(used_in), self.pv[t])
        limit = grid.get("import_limit_mw")
        for net in self.metered:
            program.at_most(net.times(-1.0), grid.get("export_limit_mw", 0.0) * meter_h)
            if limit is not None:
                program.at_most(net, limit * meter_h)

    def worth(self, goal: str) -> Sum:
        """What a goal counts."""
        series, market = self.raw["series"], self.raw["market"]
        price, intensity = series["price"], series["intensity"]
        export = series.get("export", [0.0] * self.clock.n)
        carbon = Sum().add(self.fossil).add(self.bought)
        grid = total([item.times(kg) for item, kg in zip(self.imports, intensity, strict=True)])
        if goal == "carbon":
            return carbon.add(grid)
        cost = Sum().add(self.money)
        for t in range(self.clock.n):
            cost.add(self.imports[t], price[t]).add(self.exports[t], -export[t])
        cost.add(self._tariff(market.get("tariff", {})))
        if goal == "cost":
            return cost
        scheme = market.get("carbon_price", {})
        per_kg = scheme.get("per_t", 0.0) * (1 - scheme.get("free_share", 0.0)) / 1000
        cost.add(self.fossil, per_kg)
        if scheme.get("covers") == "all":
            cost.add(grid, per_kg).add(self.bought, per_kg)
        return cost

    def _tariff(self, tariff: dict[str, Any]) -> Sum:
        clock, program, cost = self.clock, self.program, Sum()
        meter_h = clock.meter_min / 60
        if not tariff:
            return cost
        # no rate is below 0: no import is taken for more than it is
        imported = program.columns(len(self.metered))
        for part, net in zip(imported, self.metered, strict=True):
            program.at_most(net, part)
        at = [i * clock.meter_min for i in range(len(self.metered))]
        for charge in tariff.get("energy", []):
            for rate in charge["rates"]:
                for i, minute in enumerate(at):
                    if clock.within(minute, spans(rate.get("hours"))):
                        cost.add(imported[i], rate["per_mwh"])
        for levy in tariff.get("levies", []):
            for part in imported:
                cost.add(part, levy["per_mwh"])
        before = self.raw.get("state", {}).get("peak_so_far_mw", 0.0)
        for charge in tariff.get("demand", []):
            (rate,) = charge["rates"]
            daily = charge.get("assessed") == "daily"
            peaks = {clock.local(minute).date() if daily else None: program.column(before) for minute in at}
            for i, minute in enumerate(at):
                if clock.within(minute, spans(rate.get("hours"))):
                    peak = peaks[clock.local(minute).date() if daily else None]
                    program.at_most(imported[i].times(1 / meter_h), peak)
            for peak in peaks.values():
                cost.add(peak, rate["per_mw"]).add(-before * rate["per_mw"])
        return cost

    # assets

    def _levels(
        self, capacity: float, start: float, end: float, band: tuple[float, float], loss: float, net: list[Sum]
    ) -> list[Sum]:
        h = self.clock.h
        stored = (1 - loss) ** h
        counts = (1 - stored) / (-math.log(1 - loss) * h) if loss else 1.0
        level, before = Sum(constant=start), []
        for t in range(self.clock.n):
            before.append(level)
            now = self.program.column(band[0], min(band[1], capacity))
            self.program.equal(now, level.times(stored).add(net[t], counts))
            level = now
        self.program.at_most(Sum(constant=end), level)
        return before

    def _one_way(self, into: list[Sum], out: list[Sum], most: tuple[float, float]) -> None:
        for a, b in zip(into, out, strict=True):
            way = self.program.column(0, 1, whole=True)
            self.program.at_most(a, way.times(most[0]))
            self.program.at_most(b, Sum(constant=most[1]).add(way, -most[1]))

    def _battery(self, battery: dict[str, Any]) -> None:
        n, h, size = self.clock.n, self.clock.h, battery["energy_mwh"]
        most = battery["power_mw"] * h
        charge, discharge = self.program.columns(n, 0, most), self.program.columns(n, 0, most)
        self._one_way(charge, discharge, (most, most))
        net = []
        for t in range(n):
            self.balance["electricity"][t].add(charge[t], -1.0).add(discharge[t])
            stored = charge[t].times(battery.get("charge_efficiency", 0.95))
            net.append(stored.add(discharge[t], -1 / battery.get("discharge_efficiency", 0.95)))
        start = battery.get("level_share", 0.5) * size
        end = start if battery.get("end_level_share") is None else battery["end_level_share"] * size
        self._levels(size, start, end, (0.0, size), battery.get("self_loss_per_h", 0.0), net)

    def _latent_heat_store(self, store: dict[str, Any]) -> None:
        """A store whose rates in a step are those of its curve at the level at which the step begins."""
        program, size, h = self.program, store["capacity"], self.clock.h
        into, out, levels = self._storage(store)
        for amount, level, field in (
            (amount, level, field)
            for amounts, field in ((into, "in_rate"), (out, "out_rate"))
            for amount, level in zip(amounts, levels, strict=True)
        ):
            weights = between_knots(program, len(store["limits"]), Sum(constant=1.0))
            knots = list(zip(weights, store["limits"], strict=True))
            program.equal(total([w.times(point["level_share"] * size) for w, point in knots]), level)
            program.at_most(amount, total([w.times(point[field] * h) for w, point in knots]))

    def _storage(self, store: dict[str, Any]) -> tuple[list[Sum], list[Sum], list[Sum]]:
        """What is put in and out in each step, and the level at which it begins."""
        n, h, size = self.clock.n, self.clock.h, store["capacity"]
        most = tuple(BIG_MWH if store.get(key) is None else store[key] * h for key in ("in_rate", "out_rate"))
        into, out = self.program.columns(n, 0, most[0]), self.program.columns(n, 0, most[1])
        if not store.get("both_ways"):
            self._one_way(into, out, (most[0], most[1]))
        net = []
        for t in range(n):
            self.balance[store["carrier"]][t].add(into[t], -1.0).add(out[t])
            stored = into[t].times(store.get("in_efficiency", 1.0))
            net.append(stored.add(out[t], -1 / store.get("out_efficiency", 1.0)))
            self.money.add(out[t], store.get("wear_cost_per_unit", 0.0))
        start = store.get("level_share", 0.5) * size
        end = start if store.get("end_level_share") is None else store["end_level_share"] * size
        band = (store.get("lowest_share", 0.0) * size, store.get("highest_share", 1.0) * size)
        return into, out, self._levels(size, start, end, band, store.get("self_loss_per_h", 0.0), net)

    def _supply(self, supply: dict[str, Any]) -> None:
        limit, h = supply.get("rate_limit"), self.clock.h
        parts = self.program.columns(self.clock.n, 0, math.inf if limit is None else limit * h)
        for t, part in enumerate(parts):
            self.balance[supply["carrier"]][t].add(part)
            self.money.add(part, supply.get("price_per_unit", 0.0))
            scope = self.bought if supply.get("scope", 1) == 2 else self.fossil
            scope.add(part, supply.get("fossil_kg_per_unit", 0.0))
        if supply.get("horizon_limit") is not None:
            self.program.at_most(total(parts), supply["horizon_limit"])

    def _sale(self, sale: dict[str, Any]) -> None:
        limit, h = sale.get("rate_limit"), self.clock.h
        for t, part in enumerate(self.program.columns(self.clock.n, 0, math.inf if limit is None else limit * h)):
            self.balance[sale["carrier"]][t].add(part, -1.0)
            self.money.add(part, -sale.get("price_per_unit", 0.0))

    def _load(self, load: dict[str, Any]) -> None:
        rates = self.raw["series"].get(f"{load['name']}.rate", [load["rate"]] * self.clock.n)
        for t in range(self.clock.n):
            self.balance[load["carrier"]][t].add(-rates[t] * self.clock.h)

    def _flexible_load(self, load: dict[str, Any]) -> None:
        most = load["rate_limit"] * self.clock.h
        parts = self.program.columns(self.clock.n, 0, most)
        for t, part in enumerate(parts):
            self.balance[load.get("carrier", "electricity")][t].add(part, -1.0)
        for days, share in self.clock.days():
            self.program.equal(total([parts[t] for t in days]), share * load["per_day"])

    def _turbine(self, turbine: dict[str, Any]) -> None:
        """Electricity from a carrier, at any load."""
        for t, part in enumerate(self.program.columns(self.clock.n, 0, turbine["electric_mw"] * self.clock.h)):
            self.balance["electricity"][t].add(part)
            self.balance[turbine["input"]][t].add(part, -1 / turbine["mwh_per_unit"])

    def _converter(self, machine: dict[str, Any]) -> None:
        program, n, h = self.program, self.clock.n, self.clock.h
        size = machine["capacity"] * h
        least = machine.get("min_load", 0.0)
        keys = ("min_load", "min_up_h", "min_down_h", "start_cost", "stop_cost", "running_cost_per_h", "start_fuel")
        switched = any(machine.get(key) for key in keys)
        on = program.columns(n, 0, 1, whole=True) if switched else [Sum(constant=1.0) for _ in range(n)]
        start, stop = program.columns(n, 0, 1, whole=True), program.columns(n, 0, 1, whole=True)
        state = machine.get("state")
        was = float(bool(state and state["on"]))
        main = program.columns(n, 0, size)
        for t in range(n):
            program.at_most(main[t], on[t].times(size))
            program.at_most(on[t].times(least * size), main[t])
            if switched:
                before = on[t - 1] if t else Sum(constant=was)
                program.equal(on[t].times(1.0).add(before, -1.0), start[t].times(1.0).add(stop[t], -1.0))
                program.at_most(start[t].times(1.0).add(stop[t]), 1.0)
                self.money.add(start[t], machine.get("start_cost", 0.0)).add(stop[t], machine.get("stop_cost", 0.0))
                self.money.add(on[t], machine.get("running_cost_per_h", 0.0) * h)
                if machine.get("start_fuel"):
                    fuel = machine["start_fuel"]
                    self.balance[fuel["carrier"]][t].add(start[t], -fuel["amount"])
            self.money.add(main[t], machine.get("cost_per_unit", 0.0))
            self.fossil.add(main[t], machine.get("fossil_kg_per_unit", 0.0))
            self.balance[machine["carrier"]][t].add(main[t], 1.0 if machine.get("main", "output") == "output" else -1.0)
        if switched:
            self._least_times(machine, on, start, stop, was)
        self._ramps(machine, main, on, start, stop, size, switched)
        self._streams(machine, main, on, size, least)

    def _least_times(
        self, machine: dict[str, Any], on: list[Sum], start: list[Sum], stop: list[Sum], was: float
    ) -> None:
        program, n, h = self.program, self.clock.n, self.clock.h
        up, down = steps(machine.get("min_up_h", 0.0), h), steps(machine.get("min_down_h", 0.0), h)
        for t in range(n):
            # said of each start and each step after it, one by one
            for later in range(t, min(t + up, n)):
                program.at_most(start[t], on[later])
            for later in range(t, min(t + down, n)):
                program.at_most(on[later], Sum(constant=1.0).add(stop[t], -1.0))
        state = machine.get("state")
        if state is not None:
            least = machine.get("min_up_h" if was else "min_down_h", 0.0)
            for t in range(min(steps(max(least - state.get("since_h", 10_000.0), 0.0), h), n)):
                program.equal(on[t], was)

    def _ramps(
        self, machine: dict[str, Any], main: list[Sum], on: list[Sum], start: list[Sum], stop: list[Sum], size: float,
        switched: bool,
    ) -> None:  # fmt: skip
        program, h = self.program, self.clock.h
        least, state = machine.get("min_load", 0.0), machine.get("state")
        for key, sign in (("ramp_up_per_h", 1.0), ("ramp_down_per_h", -1.0)):
            ramp = machine.get(key)
            if ramp is None:
                continue
            at_once = max(least + ramp * h / 2, least)
            jump = min(1.0, at_once)
            for t in range(self.clock.n):
                change = main[t].times(sign)
                events = start[t] if sign > 0 else stop[t]
                if t:
                    change.add(main[t - 1], -sign)
                    steady = on[t - 1] if sign > 0 else on[t]
                    room = steady.times(ramp * h * size)
                    if switched:
                        room.add(events, jump * size)
                    program.at_most(change, room)
                    continue
                if state is None and not switched:
                    continue
                load = 0.0
                if state is not None and state["on"]:
                    load = least if state.get("load") is None else state["load"]
                change.add(-sign * load * size)
                steady = Sum(constant=float(bool(state and state["on"])) if sign > 0 else 0.0) if switched else Sum()
                if switched and sign < 0:
                    steady = on[0]
                room = steady.times(ramp * h / 2 * size) if switched else Sum(constant=ramp * h / 2 * size)
                if switched:
                    room.add(events, jump * size)
                program.at_most(change, room)

    def _streams(self, machine: dict[str, Any], main: list[Sum], on: list[Sum], size: float, least: float) -> None:
        program = self.program
        for side, sign in (("inputs", -1.0), ("outputs", 1.0)):
            for stream in machine.get(side, []):
                points = stream.get("by_load")
                for t in range(self.clock.n):
                    row = self.balance[stream["carrier"]][t]
                    if not points:
                        row.add(main[t], sign * stream["per_unit"])
                        continue
                    shape = [(0.0, 0.0), *((p["load"], p["load"] * p["per_unit"]) for p in points)]
                    knots = sorted({least, *(load for load, _ in shape if load > least), 1.0})
                    weights = between_knots(program, len(knots), on[t])
                    program.equal(total([w.times(k * size) for w, k in zip(weights, knots, strict=True)]), main[t])
                    for w, knot in zip(weights, knots, strict=True):
                        row.add(w, sign * size * _between(shape, knot))


def _between(shape: list[tuple[float, float]], load: float) -> float:
    for (a, low), (b, high) in pairwise(shape):
        if a - 1e-12 <= load <= b + 1e-12:
            return low + (high - low) * (load - a) / (b - a)
    raise ValueError(load)
