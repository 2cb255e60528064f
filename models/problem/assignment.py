"""Starts: the unit and time of each named heat, checked and evaluated independently of their origin."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from emberline.models.problem.line import EPS, Key, SlotProblem, Work, energy_cells, even_cells, grouped
from emberline.scenarios.energy_states.record import EnergyStates, idle_pieces


@dataclass(frozen=True)
class Starts:
    """Unit and start slot of every operation and cast; started work stays at its place."""

    unit: tuple[tuple[int, ...], ...]
    """Units by heat and operation."""
    slot: tuple[tuple[int, ...], ...]
    cast_unit: tuple[int, ...]
    cast_slot: tuple[int, ...]

    @classmethod
    def of(cls, problem: SlotProblem, places: Mapping[Key, tuple[int, int]]) -> Starts:
        """Build from unit and slot of all work that is still to start, by key."""

        def place(key: Key, work: Work) -> tuple[int, int]:
            return places[key] if work.started_min is None else (work.units[0], work.window(work.units[0])[0])

        heats = [
            [place((h, i), work) for i, work in enumerate(heat.operations)] for h, heat in enumerate(problem.heats)
        ]
        casts = [place((-1, c), cast) for c, cast in enumerate(problem.casts)]
        unit, slot = (tuple(tuple(pair[part] for pair in heat) for heat in heats) for part in (0, 1))
        return cls(unit, slot, tuple(u for u, _ in casts), tuple(t for _, t in casts))

    def place(self, key: Key) -> tuple[int, int]:
        """Return the unit and slot of an operation or a cast."""
        h, i = key
        return (self.cast_unit[i], self.cast_slot[i]) if h < 0 else (self.unit[h][i], self.slot[h][i])

    def minute(self, problem: SlotProblem, key: Key) -> float:
        """Return the start of an operation or a cast [min]."""
        started = problem.work(key).started_min
        return started if started is not None else self.place(key)[1] * problem.step_min

    def placed(self, problem: SlotProblem) -> Iterator[tuple[Key, Work, int, int, float]]:
        """Yield key, work, unit, slot and start [min] of everything that occupies units; a cast is one work."""
        for key, work in problem.works():
            yield key, work, *self.place(key), self.minute(problem, key)

    def operations(self, problem: SlotProblem) -> Iterator[tuple[int, int, int, float]]:
        """Yield heat, stage, unit (as numbers) and start [min] of each operation, including the heats of casts."""
        for h, heat in enumerate(problem.heats):
            for i, operation in enumerate(heat.operations):
                yield h, operation.stage, self.unit[h][i], self.minute(problem, (h, i))
        for c, cast in enumerate(problem.casts):
            u, begin = self.cast_unit[c], self.minute(problem, (-1, c))
            for h, offset in zip(cast.heats, cast.offsets[u], strict=True):
                yield h, len(problem.stage_units) - 1, u, begin + float(offset)


def in_order(problem: SlotProblem, starts: Starts) -> Starts:
    """Return the same plan with identical heats in the order of their starts; heats of casts are already in order."""
    cast = problem.cast_of()
    alike: dict[tuple[Any, ...], list[int]] = {}
    for h, heat in enumerate(problem.heats):
        if h not in cast and all(operation.started_min is None for operation in heat.operations):
            alike.setdefault(heat.kind, []).append(h)
    place = list(range(len(problem.heats)))
    for heats in alike.values():
        for h, earlier in zip(heats, sorted(heats, key=lambda h: starts.slot[h]), strict=True):
            place[h] = earlier
    return replace(starts, unit=tuple(starts.unit[h] for h in place), slot=tuple(starts.slot[h] for h in place))


def extra_mwh(problem: SlotProblem, starts: Starts) -> dict[int, float]:
    """Return the reheating of each heat [MWh], by the physics of ``Line.reheat_mwh_per_min``."""
    extra = {}
    for h, heat in enumerate(problem.heats):
        if heat.reheat is None or heat.operations[heat.reheat].started_min is not None:
            continue
        waited = 0.0
        for i in range(heat.reheat):
            ready = starts.minute(problem, (h, i)) + heat.operations[i].minutes[starts.unit[h][i]] + heat.quickest[i]
            waited += max(starts.minute(problem, (h, i + 1)) - ready, 0.0)
        extra[h] = problem.reheat_kwh_per_t_min / 1000 * heat.mass_t * waited
    return extra


def line_cells(
    problem: SlotProblem,
    starts: Starts,
    extra: dict[int, float],
    weight: np.ndarray | None = None,
    shares: tuple[np.ndarray, Sequence[dict[int, np.ndarray]]] | None = None,
) -> np.ndarray:
    """Return the energy of the line by cell without started work [MWh], shape (n_cells,).

    Args:
        problem: the line.
        starts: units and slots of the plan.
        extra: reheating by heat [MWh].
        weight: weight of a MWh by stage; None: one.
        shares: weights by heat, and by cast, caster and cell; None: one.
    """
    of_heat = np.ones(len(problem.heats)) if shares is None else shares[0]
    weight = np.ones(len(problem.stage_units)) if weight is None else weight
    load = np.zeros(problem.n_cells)
    for h, heat in enumerate(problem.heats):
        for i, operation in enumerate(heat.operations):
            if operation.started_min is None:
                counts = of_heat[h] * weight[operation.stage]
                problem.draw(load, starts.slot[h][i], counts * operation.cells[starts.unit[h][i]])
        if h in extra and heat.reheat is not None:
            u = starts.unit[h][heat.reheat]
            spread = even_cells(problem, heat.operations[heat.reheat].minutes[u])
            problem.draw(load, starts.slot[h][heat.reheat], of_heat[h] * extra[h] * spread)
    for c, cast in enumerate(problem.casts):
        if cast.started_min is None:
            u = starts.cast_unit[c]
            counts = weight[-1] * (1.0 if shares is None else shares[1][c][u])
            problem.draw(load, starts.cast_slot[c], counts * cast.cells[u])
    return load


def works(problem: SlotProblem, starts: Starts) -> dict[int, list[tuple[float, float]]]:
    """Return start and nominal end of all work of each unit [min]; a cast is one work."""
    return grouped((u, (begin, begin + work.minutes[u])) for _, work, u, _, begin in starts.placed(problem))


def idle_cells(
    problem: SlotProblem, states_of: dict[int, EnergyStates], works_of: dict[int, list[tuple[float, float]]]
) -> np.ndarray:
    """Return the energy by cell of units with energy states outside their works [MWh], shape (n_cells,).

    Args:
        problem: the line.
        states_of: energy states by unit.
        works_of: all works by unit [min], as from ``works``; each gap lies between two of them.
    """
    energy = np.zeros(problem.n_cells)
    for u, states in states_of.items():
        ends, power = list[float](), list[float]()
        for begin, end, mw in idle_pieces(states, works_of.get(u, ()), problem.n_slots * problem.step_min):
            ends += [begin, end]
            power += [0.0, mw]
        if not ends:
            continue
        cells = energy_cells(np.array(ends), np.array(power), problem.cell_min)[: problem.n_cells]
        energy[: len(cells)] += cells
    return energy


def load_cells(problem: SlotProblem, starts: Starts) -> np.ndarray:
    """Return the energy of the line by cell, with started and fixed work and the draw of idle units, (n_cells,)."""
    cells = line_cells(problem, starts, extra_mwh(problem, starts)) + problem.fixed_cells + problem.under_way
    return cells + idle_cells(problem, problem.states, works(problem, starts)) if problem.states else cells


def site_cells(problem: SlotProblem, starts: Starts, n: int) -> np.ndarray:
    """Return ``load_cells`` on the site's ``n`` cells, which may be longer than the line's [MWh], shape (n,)."""
    return load_cells(problem, starts).reshape(n, -1).sum(axis=1)


def idle_column(problem: SlotProblem, starts: Starts) -> dict[str, tuple[str, np.ndarray]]:
    """Return variable ``idle_mw`` of table ``SCHEDULE``; empty if no unit has energy states."""
    if not problem.idle:
        return {}
    cells = idle_cells(problem, problem.idle, works(problem, starts))
    return {"idle_mw": ("time", problem.on_steps(cells) * 60 / (problem.step_min * problem.per_step))}


def line_gives(problem: SlotProblem, starts: Starts) -> dict[str, np.ndarray]:
    """Return the line's output of each carrier by step, with started and fixed work, shape (n_steps,) each."""
    return {
        carrier: problem.on_steps(line_cells(problem, starts, {}, weight) + problem.started_cells(weight))
        + problem.fixed_gives.get(carrier, 0.0)
        for carrier, weight in problem.gives.items()
    }


class Conflict(NamedTuple):
    """A rule of the line that starts violate."""

    kind: str
    """``place`` (unsuitable unit), ``window``, ``outage``, ``held``, ``early`` and ``wait`` (from a stage to the next),
    or ``busy`` (two works on a unit)."""
    keys: tuple[Key, ...]
    """Works concerned: for ``early`` and ``wait`` the operation that is left, for ``busy`` both, the earlier first."""
    says: str


def mistakes(problem: SlotProblem, starts: Starts) -> list[str]:
    """Return the rules of the line that the starts violate, in words; empty for a feasible plan."""
    return [conflict.says for conflict in conflicts(problem, starts)]


def conflicts(problem: SlotProblem, starts: Starts) -> list[Conflict]:
    """Return the rules of the line that starts violate: windows, lags, waits, double use, set-up; empty if feasible.

    This is independent of the formulations, so that it can check them. If any work is on an unsuitable unit, nothing
    else is checked.
    """
    return list(_astray(problem, starts)) or [
        *_out_of_place(problem, starts), *_lags(problem, starts), *_at_once(problem, starts)
    ]  # fmt: skip


def _name(problem: SlotProblem, key: Key) -> str:
    h, i = key
    return f"cast {i}" if h < 0 else f"{problem.heats[h].name} at stage {problem.heats[h].operations[i].stage}"


def _astray(problem: SlotProblem, starts: Starts) -> Iterator[Conflict]:
    """Yield works on a unit that may not do them, such as one that a later lock excludes."""
    for key, work, u, _, _ in starts.placed(problem):
        if u not in work.units:
            yield Conflict("place", (key,), f"{_name(problem, key)} on a unit that cannot take it")


def _out_of_place(problem: SlotProblem, starts: Starts) -> Iterator[Conflict]:
    """Yield works that start outside their window, or while their unit is unavailable or occupied."""
    for key, work, u, at, begin in starts.placed(problem):
        if work.started_min is not None:
            continue
        first, last = work.window(u)
        if not first <= at <= last:
            text = f"{_name(problem, key)} starts in slot {at}, outside {first}…{last}"
            yield Conflict("window", (key,), text)
        if problem.is_out(u, begin, work.planned[u]):
            yield Conflict("outage", (key,), f"{_name(problem, key)} while {problem.units[u]} is not available")
        if not problem.free[u, max(at, 0) : max(at + work.occupy[u], 0)].all():
            yield Conflict("held", (key,), f"{_name(problem, key)} while {problem.units[u]} is held already")


def _lags(problem: SlotProblem, starts: Starts) -> Iterator[Conflict]:
    """Yield heats that leave a stage too early for the next one, or wait too long for it."""
    for link in problem.links():
        (unit, here), (next_unit, there) = map(starts.place, link)
        least, most = problem.lag(link, (unit, next_unit))
        key, _ = link
        heat, stage = problem.heats[key[0]].name, problem.work(key).stage
        if there - here < least:
            yield Conflict("early", (key,), f"{heat} leaves stage {stage} too early for the next")
        if there - here > most:
            yield Conflict("wait", (key,), f"{heat} waits too long after stage {stage}")


def _at_once(problem: SlotProblem, starts: Starts) -> Iterator[Conflict]:
    """Yield works that occupy a unit at the same time, set-ups included."""
    use: dict[int, list[tuple[float, float, Key]]] = {}
    for key, work, u, _, begin_min in starts.placed(problem):
        begin = begin_min / problem.step_min
        use.setdefault(u, []).append((begin, begin + work.occupy[u], key))
    for u, spans in use.items():
        spans.sort()
        for place, (_, end, first) in enumerate(spans):
            for begin, _, second in itertools.islice(spans, place + 1, None):
                if begin >= end - EPS:
                    break
                text = f"{problem.units[u]} is used by {_name(problem, first)} and {_name(problem, second)} at once"
                yield Conflict("busy", (first, second), text)


def from_schedule(problem: SlotProblem, schedule: xr.Dataset, *, near: bool = False) -> Starts | None:
    """Return the starts of a schedule on the slots; None if it is incomplete or not on the grid.

    Args:
        problem: the line.
        schedule: table ``SCHEDULE``.
        near: whether starts between slots move to the nearest one, which may violate lags.
    """
    off = 0.5 if near else 1e-6
    unit = schedule["unit"].to_numpy()
    start = schedule["start_min"].to_numpy()
    index = {name: u for u, name in enumerate(problem.units)}
    places: dict[Key, tuple[int, int]] = {}
    for (h, i), work in problem.works():
        if work.started_min is not None:
            continue
        at = problem.casts[i].heats[0] if h < 0 else h, work.stage
        slot = start[at] / problem.step_min
        if not np.isfinite(slot) or abs(slot - round(slot)) > off:
            return None
        places[h, i] = index[str(unit[at])], round(slot)
    return Starts.of(problem, places)
