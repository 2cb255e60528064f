"""The rules of a line once more, to the minute, from the scenario alone: every way of every heat, and the best of all.

A way is a heat's units and starts at all its stages (before its cast, where there is one); a cast has ways of its own.
Starts lie on steps, all else counts in minutes: durations, transfers, longest waits, set-ups, and outages, which an
operation's own minutes (a cast's: those of all its heats) must not meet. Nothing of the models or the twin is used.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from emberline.scenarios import Case
from emberline.scenarios.case.line import Stage, Unit
from emberline.scenarios.case.scenario import Heat

CLOSE = 1e-6


@dataclass(frozen=True)
class Way:
    """One way of a heat, or of a cast."""

    cost: float
    """By the goal."""
    busy: int
    """A bit for each unit and slot at whose beginning the unit is taken or set up."""
    electricity: np.ndarray
    """Energy by step [MWh]."""
    metered: np.ndarray
    """Energy by metered interval [MWh]."""
    places: tuple[tuple[str, float], ...]
    """Unit and start [min] by stage."""


@dataclass
class Item:
    """What is placed as one: a heat, or a cast with its heats after it."""

    ways: list[Way]
    heats: list[Item] = field(default_factory=list)
    """Of a cast."""
    fits: list[np.ndarray] = field(default_factory=list)
    """For each of these: which of its ways go with which of the cast's, shape (n_cast_ways, n_ways)."""


@dataclass
class Shop:
    """All ways of a scenario."""

    items: list[Item]
    idle: Way
    """Of units that are on all the time; a way counts what it draws beyond."""
    limit_mwh: float


def read(scenario: Case) -> Shop:
    """All ways of the heats and casts of a scenario."""
    return _Reader(scenario).read()


class _Reader:
    def __init__(self, scenario: Case) -> None:
        self.scenario, self.line = scenario, scenario.line
        horizon = scenario.horizon
        self.step, self.n, self.minutes = horizon.step_min, horizon.n_steps, horizon.minutes
        self.meter = scenario.site.grid.metered_interval_min
        self.edges = np.arange(self.n + 1) * self.step
        self.meter_edges = np.arange(round(self.n * self.step / self.meter) + 1) * self.meter
        series = "price_per_mwh" if scenario.goal.minimize == "cost" else "carbon_intensity_kg_per_mwh"
        self.worth = scenario.inputs[series].to_numpy()
        self.place = {unit.name: i for i, unit in enumerate(self.line.units)}
        self.stage_of = {unit.name: stage.name for stage in self.line.stages for unit in stage.units}
        loss = self.line.heat_loss
        self.loss = 0.0 if loss is None else loss.rate_k_per_min * loss.reheat_kwh_per_t_k / 1000
        self.reheating = None if loss is None else loss.reheating_stage

    def read(self) -> Shop:
        idle = sum(unit.states.states[0].power_mw for unit in self.line.units if unit.states is not None)
        always = self._counted([(0.0, self.n * self.step, float(idle))], 0, ())
        limit = self.scenario.site.grid.import_limit_mw
        items = []
        campaign = self.line.campaign_stage
        for _, members in itertools.groupby(self.scenario.heats, key=lambda heat: heat.order):
            heats = list(members)
            items += [self._cast(heats, campaign)] if campaign else [Item(list(self._ways(heat))) for heat in heats]
        return Shop(items, always, math.inf if limit is None else limit * self.meter / 60)

    # ---- energy ---------------------------------------------------------------------------------------------------

    def _counted(
        self, pieces: list[tuple[float, float, float]], busy: int, places: tuple[tuple[str, float], ...]
    ) -> Way:
        """The way that draws in pieces of constant power, by start, end [min] and power [MW]."""
        by_step, by_meter = np.zeros(self.n), np.zeros(len(self.meter_edges) - 1)
        for begin, end, power in pieces:
            for result, edges in ((by_step, self.edges), (by_meter, self.meter_edges)):
                inside = np.minimum(edges[1:], end) - np.maximum(edges[:-1], begin)
                result += np.maximum(inside, 0.0) * power / 60
        return Way(float(by_step @ self.worth), busy, by_step, by_meter, places)

    def _pieces(self, heat: Heat, unit: Unit, begin: float) -> list[tuple[float, float, float]]:
        """Power of an operation beyond what its unit draws when idle."""
        length = self._length(heat, unit)
        idle = 0.0 if unit.states is None else unit.states.states[0].power_mw
        rows, at = [(begin, begin + length, -idle)], begin
        per_tonne = heat.grade.energy_kwh_per_t.get(
            unit.name, heat.grade.energy_kwh_per_t.get(self.stage_of[unit.name])
        )
        # phases are scaled so that the operation draws its energy
        scale = 1.0
        if per_tonne is not None:
            mean = sum(phase.share * phase.power_mw for phase in unit.profile)
            scale = per_tonne * heat.grade.mass_t / 1000 * 60 / length / mean
        for phase in unit.profile:
            rows.append((at, at + phase.share * length, phase.power_mw * scale))
            at += phase.share * length
        return rows

    def _length(self, heat: Heat, unit: Unit) -> float:
        minutes = self.line.duration_min(heat.grade, unit.name)
        assert minutes is not None
        return minutes

    # ---- rules ----------------------------------------------------------------------------------------------------

    def _out(self, unit: Unit, begin: float, end: float) -> bool:
        return any(
            begin < self.minutes(outage.end) - CLOSE and end > self.minutes(outage.start) + CLOSE
            for outage in self.scenario.state.outages
            if outage.unit == unit.name
        )

    def _busy(self, unit: Unit, begin: float, end: float) -> int:
        """Bits of the slots at whose beginning a unit is taken, or being set up after it."""
        first = math.ceil((begin - CLOSE) / self.step)
        last = min(math.ceil((end + unit.setup_min - CLOSE) / self.step), self.n)
        return ((1 << max(last - first, 0)) - 1) << (self.place[unit.name] * self.n + first)

    def _locked(self, heat: Heat, stage: Stage, unit: Unit, begin: float) -> bool:
        """Whether a lock forbids this."""
        for lock in self.scenario.locks:
            if (lock.heat, lock.stage) == (heat.name, stage.name) and (
                (lock.unit is not None and lock.unit != unit.name)
                or (lock.start is not None and abs(begin - self.minutes(lock.start)) > CLOSE)
                or (lock.earliest is not None and begin < self.minutes(lock.earliest) - CLOSE)
                or (lock.latest is not None and begin > self.minutes(lock.latest) + CLOSE)
            ):
                return True
        return False

    def _starts(self, low: float, high: float) -> Iterator[float]:
        for t in range(max(math.ceil((low - CLOSE) / self.step), 0), self.n):
            if t * self.step > high + CLOSE:
                return
            yield t * self.step

    def _ways(self, heat: Heat) -> Iterator[Way]:
        """All ways of a heat through its stages, those of a cast left out."""
        stages = [stage for stage in self.line.stages if not stage.campaign]
        whole = len(stages) == len(self.line.stages)

        def go(
            s: int, ready: dict[str, float], latest: float, places: tuple[tuple[Stage, Unit, float], ...]
        ) -> Iterator[Way]:
            if s == len(stages):
                yield self._way(heat, places)
                return
            stage = stages[s]
            for unit in stage.units:
                length = self._length(heat, unit)
                high = min(latest, heat.due_min - length) if whole and s == len(stages) - 1 else latest
                for begin in self._starts(ready[unit.name], high):
                    if self._out(unit, begin, begin + length) or self._locked(heat, stage, unit, begin):
                        continue
                    end = begin + length
                    after = self.line.stages[s + 1].units if s + 1 < len(self.line.stages) else ()
                    wait = math.inf if stage.longest_wait_min is None else stage.longest_wait_min
                    onward = {other.name: end + self.line.transfer_min(unit.name, other.name) for other in after}
                    yield from go(s + 1, onward, end + wait, (*places, (stage, unit, begin)))

        yield from go(0, dict.fromkeys(self.place, heat.release_min), math.inf, ())

    def _way(self, heat: Heat, places: tuple[tuple[Stage, Unit, float], ...]) -> Way:
        pieces, busy, waited = [], 0, 0.0
        for i, (stage, unit, begin) in enumerate(places):
            length = self._length(heat, unit)
            pieces += self._pieces(heat, unit, begin)
            busy |= self._busy(unit, begin, begin + length)
            if i:
                before, other, start = places[i - 1]
                quickest = min(self.line.transfer_min(a.name, b.name) for a in before.units for b in stage.units)
                waited += max(begin - start - self._length(heat, other) - quickest, 0.0)
            if stage.name == self.reheating:
                pieces.append((begin, begin + length, self.loss * waited * heat.grade.mass_t / length * 60))
        return self._counted(pieces, busy, tuple((unit.name, begin) for _, unit, begin in places))

    def _cast(self, heats: list[Heat], stage: Stage) -> Item:
        ways, rows = [], []
        for unit in stage.units:
            lengths = [self._length(heat, unit) for heat in heats]
            offsets = [sum(lengths[:i]) for i in range(len(heats))]
            for start in self._starts(0.0, self.n * self.step - sum(lengths)):
                begins = [start + offset for offset in offsets]
                late = any(b + w > h.due_min + CLOSE for h, b, w in zip(heats, begins, lengths, strict=True))
                early = len(self.line.stages) == 1 and any(
                    b < h.release_min - CLOSE for h, b in zip(heats, begins, strict=True)
                )
                if late or early or self._out(unit, start, start + sum(lengths)):
                    continue
                pieces = [p for heat, b in zip(heats, begins, strict=True) for p in self._pieces(heat, unit, b)]
                busy = self._busy(unit, start, start + sum(lengths))
                ways.append(self._counted(pieces, busy, ((unit.name, start),)))
                rows.append(begins)
        item = Item(ways)
        if len(self.line.stages) == 1:
            return item
        before = self.line.stages[-2]
        wait = math.inf if before.longest_wait_min is None else before.longest_wait_min
        for i, heat in enumerate(heats):
            entries = list(self._ways(heat))
            fits = np.zeros((len(ways), len(entries)), dtype=bool)
            for w, way in enumerate(entries):
                name, begin = way.places[-1]
                end = begin + self._length(heat, self.line.unit[name])
                for c, cast in enumerate(ways):
                    transfer = self.line.transfer_min(name, cast.places[0][0])
                    fits[c, w] = end + transfer - CLOSE <= rows[c][i] <= end + wait + CLOSE
            item.heats.append(Item(entries))
            item.fits.append(fits)
        return item


def best(shop: Shop) -> float | None:
    """The least cost of all plans, by trying them: depth first, cut off where what is left cannot be better.

    None: there is no plan.
    """
    least = [_least(item) for item in shop.items]
    if not all(map(math.isfinite, least)):
        return None
    order = sorted(range(len(shop.items)), key=lambda i: len(shop.items[i].ways))
    remaining = [sum(least[i] for i in order[k:]) for k in range(len(order) + 1)]
    least_cost = math.inf
    only_adds = not shop.idle.metered.any()

    def over(load: np.ndarray) -> bool:
        return bool((load > shop.limit_mwh + CLOSE).any())

    def place(k: int, spent: float, busy: int, load: np.ndarray) -> None:
        nonlocal least_cost
        if spent + remaining[k] >= least_cost - 1e-9 or (only_adds and over(load)):
            return
        if k == len(order):
            if not over(load):
                least_cost = spent
            return
        item = shop.items[order[k]]
        for c in np.argsort([way.cost for way in item.ways], kind="stable"):
            way = item.ways[c]
            if not busy & way.busy:
                heats(k, item, int(c), 0, spent + way.cost, busy | way.busy, load + way.metered)

    def heats(k: int, item: Item, c: int, i: int, spent: float, busy: int, load: np.ndarray) -> None:
        if i == len(item.heats):
            place(k + 1, spent, busy, load)
            return
        rows = [item.heats[i].ways[w] for w in np.flatnonzero(item.fits[i][c])]
        later = sum(
            min((item.heats[j].ways[w].cost for w in np.flatnonzero(item.fits[j][c])), default=math.inf)
            for j in range(i + 1, len(item.heats))
        )
        for way in sorted(rows, key=lambda way: way.cost):
            if spent + way.cost + later + remaining[k + 1] >= least_cost - 1e-9:
                return
            if not busy & way.busy:
                heats(k, item, c, i + 1, spent + way.cost, busy | way.busy, load + way.metered)

    place(0, shop.idle.cost, 0, shop.idle.metered)
    return least_cost if math.isfinite(least_cost) else None


def _least(item: Item) -> float:
    """What a heat, or a cast with its heats, costs at least by itself."""
    result = math.inf
    for c, way in enumerate(item.ways):
        heats = [
            min((item.heats[i].ways[w].cost for w in np.flatnonzero(fits[c])), default=math.inf)
            for i, fits in enumerate(item.fits)
        ]
        result = min(result, way.cost + sum(heats))
    return result
