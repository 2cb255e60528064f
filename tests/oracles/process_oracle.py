"""Processes as paths of single units: every run that a unit may make is a column, written from the docs' words alone.

A path leads from the state at the start to the end of the horizon, from edge to edge: a rest of at least the least
rest, a run with the start-up or change-over before it. Nothing is counted and nothing is summed over time, as the
model does it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

from clock import Clock, spans, steps
from milp import Program, Sum, between_knots, total

GJ_PER_MWH = 3.6
LONG_H = 10_000.0
RECIPE = ("rate", "power_mw", "kwh_per_t", "power_by_rate", "inputs", "outputs", "heat", "emissions")


def modes_of(process: dict[str, Any]) -> list[dict[str, Any]]:
    """Modes with what they take from the process, and their rates as a range."""
    table = {key: process[key] for key in RECIPE if key in process}
    rows = []
    for mode in process.get("modes") or [{"name": process["name"]}]:
        whole = {**table, **mode}
        rate = whole["rate"]
        low, high = (rate["low"], rate["high"]) if isinstance(rate, dict) else (rate, rate)
        rows.append({**whole, "low": float(low), "high": float(high)})
    return rows


def power_at(mode: dict[str, Any], rate: float) -> float:
    """Power at a rate [MW]."""
    points = mode.get("power_by_rate")
    if not points:
        return float(mode.get("power_mw", 0.0) + mode.get("kwh_per_t", 0.0) / 1000 * rate)
    for a, b in pairwise(points):
        if a["rate_tph"] - 1e-9 <= rate <= b["rate_tph"] + 1e-9:
            share = (rate - a["rate_tph"]) / (b["rate_tph"] - a["rate_tph"])
            return float(a["power_mw"] + share * (b["power_mw"] - a["power_mw"]))
    raise ValueError(rate)


@dataclass
class Unit:
    """What a unit does in the program: sums by step, and by mode where they have two."""

    on: list[list[Sum]]
    rate: list[list[Sum]]
    """[t/h]"""
    lost: list[list[Sum]]
    """Off-spec product [t]."""
    electricity: list[Sum]
    """Electricity [MWh]."""
    kindled: dict[str, list[Sum]] = field(default_factory=dict)
    """Start-up heat by carrier [MWh]."""
    burnt: dict[str, list[Sum]] = field(default_factory=dict)
    """Heat of running by carrier [MWh]."""

    @property
    def all_electricity(self) -> Sum:
        """Over the horizon."""
        return total(self.electricity)


class Paths:
    """All that one unit may do, as columns of a program."""

    def __init__(
        self, program: Program, clock: Clock, process: dict[str, Any], state: dict[str, Any], closed: list[bool]
    ) -> None:
        self.program, self.clock, self.process, self.closed = program, clock, process, closed
        self.n, self.h, self.modes = clock.n, clock.h, modes_of(process)
        names = [mode["name"] for mode in self.modes]
        n, m = self.n, len(self.modes)

        def table() -> list[list[Sum]]:
            return [[Sum() for _ in range(n)] for _ in range(m)]

        self.on, self.lost = table(), table()
        self.rest, self.electricity, self.beginnings, self.ended = ([Sum() for _ in range(n)] for _ in range(4))
        self.kindled: dict[str, list[Sum]] = {}
        self._out: dict[Any, list[Sum]] = {}
        self._in: dict[Any, list[Sum]] = {}
        must, stop = process.get("must_run", False), process.get("planned_stop")
        self.least_run = max(steps(process.get("min_run_h", 0.0), self.h), 1)
        self.least_rest = 1 if must and stop is None else max(steps(process.get("min_rest_h", 0.0), self.h), 1)
        since = state.get("since_h", LONG_H)
        mode = state.get("mode")
        if mode is None:
            largest = max(steps(max(process.get("min_rest_h", 0.0) - since, 0.0), self.h), 0)
            self._rests("source", 0, largest)
        else:
            largest = max(steps(max(process.get("min_run_h", 0.0) - since, 0.0), self.h), 0)
            self._run("source", names.index(mode), 0, 0, None, largest)
        for t in range(n):
            self._beginnings(t)
            for a in range(m):
                self._rests(("end", t, a), t, self.least_rest)
                self._changes(t, a)
        for node in {*self._out, *self._in} - {"sink"}:
            entering = Sum(constant=1.0) if node == "source" else total(self._in.get(node, []))
            program.equal(total(self._out.get(node, [])), entering)
        if must:
            self._stay(stop)

    def _arc(self, tail: Any, head: Any) -> Sum:
        arc = self.program.column(0, 1, whole=True)
        self._out.setdefault(tail, []).append(arc)
        self._in.setdefault(head, []).append(arc)
        return arc

    def _rests(self, tail: Any, t: int, least: int) -> None:
        for until in range(t + least, self.n):
            self._resting(self._arc(tail, ("ready", until)), t, until)
        self._resting(self._arc(tail, "sink"), t, self.n)

    def _resting(self, arc: Sum, first: int, last: int) -> None:
        for t in range(first, last):
            self.rest[t].add(arc)

    def _open(self, first: int, last: int) -> bool:
        return not any(self.closed[first : min(last, self.n)])

    def _beginnings(self, t: int) -> None:
        start = self.process.get("start_up", {})
        k = steps(start.get("hours", 0.0), self.h)
        for m in range(len(self.modes)):
            if not self._open(t, t + max(k, 1)):
                continue
            if t + k >= self.n:
                self._begin(self._arc(("ready", t), "sink"), m, t, k, start, heated=True)
            else:
                self._run(("ready", t), m, t, k, start, 0, heated=True)

    def _changes(self, t: int, a: int) -> None:
        change = self.process.get("change_over", {})
        for b in range(len(self.modes)):
            pair = next(
                (
                    p
                    for p in change.get("between", [])
                    if (p["start"], p["end"]) == (self.modes[a]["name"], self.modes[b]["name"])
                ),
                change,
            )
            k = steps(pair.get("minutes", 0.0) / 60, self.h)
            if a != b and t + k < self.n and self._open(t, t + max(k, 1)):
                self._run(("end", t, a), b, t, k, pair, 0, changed=True)

    def _run(
        self, tail: Any, m: int, t: int, k: int, what: dict[str, Any] | None, rest: int, *,
        heated: bool = False, changed: bool = False,
    ) -> None:  # fmt: skip
        """Runs of a mode that begin ``k`` steps after ``t``, one for each end; None: it ran before the horizon."""
        first = t + k
        least = rest if what is None else self.least_run
        pace = self.modes[m]["low"] or self.modes[m]["high"]
        for end in range(first if what is None else first + 1, self.n + 1):
            if not self._open(first, end):
                break
            if end < self.n and end - first < least and not self.closed[end]:
                continue
            arc = self._arc(tail, "sink" if end == self.n else ("end", end, m))
            for slot in range(first, end):
                self.on[m][slot].add(arc)
            if end < self.n:
                self.ended[end].add(arc)
            if what is None:
                continue
            self._begin(arc, m, t, k, what, heated=heated)
            if not changed or k:
                self.beginnings[first].add(arc)
            else:
                # without a pause the ramp goes on
                self.ended[t].add(arc, -1.0)
            lost = what.get("off_spec_t", 0.0)
            for slot in range(first, end):
                self.lost[m][slot].add(arc, min(lost, pace * self.h))
                lost = max(lost - pace * self.h, 0.0)

    def _begin(self, arc: Sum, m: int, t: int, k: int, what: dict[str, Any], *, heated: bool) -> None:
        heat = what.get("heat_gj", 0.0) / GJ_PER_MWH if heated else 0.0
        for slot in range(t, min(t + max(k, 1), self.n)):
            self.electricity[slot].add(arc, what.get("energy_mwh", 0.0) / max(k, 1))
            for fuel in self.modes[m]["heat"]["fuels"] if heat else ():
                rows = self.kindled.setdefault(fuel["carrier"], [Sum() for _ in range(self.n)])
                rows[slot].add(arc, heat * fuel["share"] / max(k, 1))

    def _stay(self, stop: dict[str, Any] | None) -> None:
        standing = [Sum() for _ in range(self.n)]
        if stop is not None:
            length = steps(stop["hours"], self.h)
            first = 0.0 if stop.get("earliest") is None else float(stop["earliest"].split()[0])
            last = self.n * self.h - stop["hours"]
            if stop.get("latest") is not None:
                last = float(stop["latest"].split()[0])
            ways = []
            for t in range(self.n - length + 1):
                if first <= t * self.h + 1e-9 and t * self.h <= last + 1e-9:
                    ways.append(self.program.column(0, 1, whole=True))
                    for slot in range(t, t + length):
                        standing[slot].add(ways[-1])
            self.program.equal(total(ways), 1.0)
        for t in range(self.n):
            self.program.at_most(standing[t], self.rest[t])
            self.program.at_most(self.rest[t], standing[t].times(1.0).add(float(self.closed[t])))

    def unit(self, state: dict[str, Any]) -> Unit:
        """Rates, power and heat on top of the paths."""
        program, n = self.program, self.n
        rate = [program.columns(n) for _ in self.modes]
        rows = [part.times(1.0) for part in self.electricity]
        burnt: dict[str, list[Sum]] = {}
        for m, mode in enumerate(self.modes):
            for t in range(n):
                on, now = self.on[m][t], rate[m][t]
                program.at_most(on.times(mode["low"]), now)
                program.at_most(now, on.times(mode["high"]))
                program.at_most(self.lost[m][t], now.times(self.h))
                rows[t].add(self._power(mode, on, now), self.h)
                self._burn(mode, now.times(self.h), burnt, t)
        ramp = self.process.get("ramp_tph_per_h")
        if ramp is not None:
            high = max(mode["high"] for mode in self.modes)
            for t in range(n):
                now = total([rate[m][t] for m in range(len(self.modes))])
                if t:
                    before = total([rate[m][t - 1] for m in range(len(self.modes))])
                elif state.get("mode") is None or state.get("rate_tph") is None:
                    continue
                else:
                    before = Sum(constant=state["rate_tph"])
                change = now.times(1.0).add(before, -1.0)
                program.at_most(change, self.beginnings[t].times(high).add(ramp * self.h))
                program.at_most(change.times(-1.0), self.ended[t].times(high).add(ramp * self.h))
        return Unit(self.on, rate, self.lost, rows, self.kindled, burnt)

    def _power(self, mode: dict[str, Any], on: Sum, rate: Sum) -> Sum:
        """Power by the rate [MW]: between two neighbouring knots of the curve, a weight on each."""
        inside = [p["rate_tph"] for p in mode.get("power_by_rate", []) if mode["low"] < p["rate_tph"] < mode["high"]]
        knots = sorted({mode["low"], mode["high"], *inside})
        if len(knots) == 1:
            return on.times(power_at(mode, knots[0]))
        program = self.program
        weights = between_knots(program, len(knots), on)
        program.equal(total([w.times(knot) for w, knot in zip(weights, knots, strict=True)]), rate)
        return total([w.times(power_at(mode, knot)) for w, knot in zip(weights, knots, strict=True)])

    def _burn(self, mode: dict[str, Any], tonnes: Sum, burnt: dict[str, list[Sum]], t: int) -> None:
        if "heat" not in mode:
            return
        result = tonnes.times(mode["heat"]["gj_per_t"] / GJ_PER_MWH)
        parts = []
        for fuel in mode["heat"]["fuels"]:
            part = self.program.column()
            self.program.at_most(result.times(fuel.get("least", 0.0)), part)
            self.program.at_most(part, result.times(fuel.get("most", 1.0)))
            burnt.setdefault(fuel["carrier"], [Sum() for _ in range(self.n)])[t].add(part)
            parts.append(part)
        self.program.equal(total(parts), result)


@dataclass
class Plant:
    """All processes in the program: what they draw, give to carriers and emit by step."""

    electricity: list[Sum]
    """Electricity [MWh]."""
    gives: dict[str, list[Sum]]
    """What they give to each carrier, negative: take."""
    emitted: Sum
    """Fossil process emissions [kg]."""
    units: dict[str, Unit]
    uneven: list[Sum] | None = None
    """Electricity by metered interval beyond what it would be if it were even within each step [MWh]; none: it is."""
    most: float = 1e4
    """No step's import or export is more [MWh]."""


def add_plant(program: Program, clock: Clock, raw: dict[str, Any]) -> Plant:
    """All processes, stores and deliveries of a scenario written as a mapping."""
    n = clock.n
    stores = {store["name"]: [Sum() for _ in range(n)] for store in raw.get("stores", [])}
    plant = Plant([Sum() for _ in range(n)], {}, Sum(), {})
    for process in raw.get("processes", []):
        count = process.get("count", 1)
        named = process.get("state", [])
        usual = {"mode": modes_of(process)[0]["name"]} if process.get("must_run") else {}
        states = [*named, *([usual] * (count - len(named)))]
        rows = []
        for i in range(count):
            name = process["name"] if count == 1 else f"{process['name']} {i + 1}"
            unit = Paths(program, clock, process, states[i], closed(clock, raw, name)).unit(states[i])
            plant.units[name] = unit
            rows.append(unit)
            _flows(plant, stores, process, unit, clock)
        if process.get("daily_energy_mwh") is not None:
            for days, share in clock.days():
                result = total([unit.electricity[t] for unit in rows for t in days])
                program.equal(result, share * process["daily_energy_mwh"])
    for store in raw.get("stores", []):
        _store(program, clock, raw, store, stores[store["name"]])
    return plant


def closed(clock: Clock, raw: dict[str, Any], name: str) -> list[bool]:
    """Steps in which a unit is away, for a part of them or all through."""
    spans = [
        (_minutes(clock, item["start"]), _minutes(clock, item["end"]))
        for item in raw.get("state", {}).get("outages", [])
        if item["unit"] == name
    ]
    step = clock.step_min
    return [any(begin < (t + 1) * step and end > t * step for begin, end in spans) for t in range(clock.n)]


def _minutes(clock: Clock, moment: str) -> float:
    return float(timedelta(hours=float(moment.split()[0])) / timedelta(minutes=1))


def _flows(plant: Plant, stores: dict[str, list[Sum]], process: dict[str, Any], unit: Unit, clock: Clock) -> None:
    def place(stream: dict[str, Any]) -> list[Sum]:
        if "store" in stream:
            return stores[stream["store"]]
        return plant.gives.setdefault(stream["carrier"], [Sum() for _ in range(clock.n)])

    for m, mode in enumerate(modes_of(process)):
        for t in range(clock.n):
            result = unit.rate[m][t].times(clock.h)
            good = result.times(1.0).add(unit.lost[m][t], -1.0)
            for stream in mode.get("inputs", []):
                place(stream)[t].add(result, -stream.get("per_t", 1.0))
            for stream in mode.get("outputs", []):
                place(stream)[t].add(good, stream.get("per_t", 1.0))
            for emission in mode.get("emissions", []):
                plant.emitted.add(result, emission["kg_per_t"])
    for t in range(clock.n):
        plant.electricity[t].add(unit.electricity[t])
    for fuels in (unit.kindled, unit.burnt):
        for carrier, rows in fuels.items():
            for t, row in enumerate(rows):
                plant.gives.setdefault(carrier, [Sum() for _ in range(clock.n)])[t].add(row, -1.0)


def _store(program: Program, clock: Clock, raw: dict[str, Any], store: dict[str, Any], net: list[Sum]) -> None:
    """Levels at the end of each step, and what leaves and arrives."""
    import math

    n, h, name = clock.n, clock.h, store["name"]
    for kind, sign in (("deliveries", -1.0), ("arrivals", 1.0)):
        for item in raw.get(kind, []):
            if item["store"] != name:
                continue
            if "amount_t" in item:
                _order(program, clock, item, net)
                continue
            for t in range(n):
                rate = item.get("rate", 0.0)
                rate += sum(w["rate_tph"] * clock.share(t, spans(w["hours"])) for w in item.get("weekly", []))
                net[t].add(sign * rate * h)
    loss = store.get("loss_per_h", 0.0)
    stored = (1 - loss) ** h
    counts = (1 - stored) / (-math.log(1 - loss) * h) if loss else 1.0
    level = Sum(constant=store["level_t"])
    for t in range(n):
        now = program.column(0, store["capacity_t"])
        program.equal(now, level.times(stored).add(net[t], counts))
        level = now
    program.at_most(Sum(constant=store.get("end_level_t", store["level_t"])), level)


def _order(program: Program, clock: Clock, order: dict[str, Any], net: list[Sum]) -> None:
    step = clock.step_min
    release = 0.0 if order.get("release") is None else _minutes(clock, order["release"])
    due = clock.n * step if order.get("due") is None else _minutes(clock, order["due"])
    most = order["amount_t"] if order.get("loading_tph") is None else order["loading_tph"] * clock.h
    loads = []
    for t in range(clock.n):
        if release - 1e-9 <= t * step and (t + 1) * step <= due + 1e-9:
            loads.append(program.column(0, most))
            net[t].add(loads[-1], -1.0)
    program.equal(total(loads), order["amount_t"])
