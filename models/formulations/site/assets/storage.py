"""A store in the model: amounts put in and out at its terminals, and its level at the end of each slot.

Levels follow ``Storage.after``: self-loss is per hour and acts continuously, so that the optimum does not depend on the
step. If filling and emptying at the same time could pay because it wastes a surplus, a binary forbids it.

The rates of a latent heat store are limited by the level at which a slot begins. If such a curve is concave, it is the
minimum of its segments' lines, with one row for each. Otherwise the level is filled segment by segment.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
import pyomo.core as pyo

from emberline.models.formulations.site.assets.ports import Flow, Linear, Ports, add_segments, slots
from emberline.models.kernel.arrays import Rows, Series, Variable, constraint
from emberline.models.kernel.templates import each, total
from emberline.models.problem.site import Hub
from emberline.scenarios.assets.latent_heat import LatentHeatStore
from emberline.scenarios.assets.storage import Storage


def add_storage(block: pyo.Block, store: Storage, hub: Hub) -> Ports:
    """Add the amounts put in and out of a store, and its level."""
    slots(block, hub.n)
    add_levels(block, store, hub.n, hub.hours)
    if burns(store, hub) and hub.one_way_slots:
        one_way(block, store, hub.hours, hub.one_way_slots)
    return Ports(
        flows=(
            Flow(store.name, "in", store.carrier, Linear(((block.put_in, -1.0),))),
            Flow(store.name, "out", store.carrier, Linear(((block.put_out, 1.0),))),
        ),
        cost=(Linear(((block.put_out, store.wear_cost_per_unit),)),),
        level=block.level,
    )


def add_levels(block: pyo.Block, store: Storage, n: int, hours: float) -> None:
    """Add amounts put in and out, and the level at each slot's end, to a block with slots ``T``.

    Args:
        block: block with the set ``T`` of slots.
        store: store with its levels at the start and at the end.
        n: number of slots.
        hours: length of a slot [h].
    """
    counts = store.effective_hours(hours) / hours
    room_in, room_out = (None if rate is None else rate * hours for rate in (store.in_rate, store.out_rate))
    block.put_in = Variable(block.T, bounds=(0, room_in))
    block.put_out = Variable(block.T, bounds=(0, room_out))
    block.level = Variable(block.T, bounds=(store.lowest, store.highest))
    retention = store.retention(hours)
    gain, loss = counts * store.in_efficiency, counts / store.out_efficiency
    if block.component("LATER") is None:
        block.LATER = pyo.RangeSet(1, n - 1)

    @constraint(block, block.LATER)
    def state(b: Any, t: int) -> Any:
        return b.level[t] == retention * b.level[t - 1] + gain * b.put_in[t] - loss * b.put_out[t]

    block.first = pyo.Constraint(
        expr=block.level[0] == retention * store.start_level + gain * block.put_in[0] - loss * block.put_out[0]
    )
    block.end = pyo.Constraint(expr=block.level[n - 1] >= store.end_level * (1 - 1e-9))


def burns(store: Storage, hub: Hub) -> bool:
    """Return whether filling and emptying a store at the same time could pay but is not possible."""
    return store.one_way and store.carrier not in hub.freely_disposable


def one_way(block: pyo.Block, store: Storage, hours: float, one_way_slots: Collection[int]) -> None:
    """Forbid filling and emptying at the same time in some slots.

    Args:
        block: block with the rows of ``add_levels``.
        store: store that is filled and emptied.
        hours: length of a slot [h].
        one_way_slots: slots in which this is forbidden.
    """
    retention, counts = store.retention(hours), store.effective_hours(hours) / hours
    # without a given rate: the amount that fills it, or empties it, from any level
    span = (store.highest - store.lowest + store.capacity * (1 - retention)) / max(counts, 1e-9)
    most_in = span / store.in_efficiency if store.in_rate is None else store.in_rate * hours
    most_out = span * store.out_efficiency if store.out_rate is None else store.out_rate * hours
    block.ONE_WAY = pyo.Set(initialize=sorted(one_way_slots))
    block.filling = Variable(block.ONE_WAY, domain=pyo.Binary)
    block.in_alone = Rows(block.ONE_WAY, rule=lambda b, t: b.put_in[t] <= most_in * b.filling[t])
    block.out_alone = Rows(block.ONE_WAY, rule=lambda b, t: b.put_out[t] <= most_out * (1 - b.filling[t]))


def one_way_amounts(
    store: Storage, put_in: np.ndarray, put_out: np.ndarray, level: np.ndarray, spare: np.ndarray | float, hours: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the amounts without flows in and out at once, the levels, and the amount that this saves.

    Where the carrier is worth nothing, a solver may add any amount to both. Without this addition, either less is taken
    at the same levels, or the same is taken and more is left in the store.

    Args:
        store: store with its efficiencies.
        put_in: amount put in, by slot.
        put_out: amount put out, by slot.
        level: level at the end of each slot.
        spare: amount that need not be taken in each slot.
        hours: length of a slot [h].
    """
    efficiency = store.in_efficiency * store.out_efficiency
    through = np.minimum(put_in, put_out / efficiency)
    if efficiency < 1:
        through = np.minimum(through, spare / (1 - efficiency))
    through = np.maximum(through, 0.0)
    put_in, put_out = put_in - through, np.maximum(put_out - through * efficiency, 0.0)
    both, retention = np.minimum(put_in, put_out), store.retention(hours)
    more = both * store.effective_hours(hours) / hours * (1 / store.out_efficiency - store.in_efficiency)
    for t in np.flatnonzero(both > 1e-9).tolist() if type(store) is Storage else ():
        raised = level[t:] + more[t] * retention ** np.arange(len(level) - t)
        if (raised <= store.highest * (1 + 1e-9)).all():
            put_in[t], put_out[t] = put_in[t] - both[t], put_out[t] - both[t]
            level = np.concatenate([level[:t], raised])
    return put_in, put_out, level, through * (1 - efficiency)


def add_latent_heat_store(block: pyo.Block, store: LatentHeatStore, hub: Hub) -> Ports:
    """Add a store whose rates are limited by its level."""
    ports = add_storage(block, store, hub)
    levels, *curves = store.curve
    if not concave(store):
        # the level before each slot except the first
        block.before = pyo.Block()
        add_segments(block.before, block.LATER, lambda t: block.level[t - 1], np.diff(levels), ordered=True)
    block.most_in, block.most_out = pyo.Block(), pyo.Block()
    for part, amount, rates, first in zip(
        (block.most_in, block.most_out), (block.put_in, block.put_out), curves, store.by_level(store.start_level),
        strict=True,
    ):  # fmt: skip
        part.first = pyo.Constraint(expr=amount[0] <= first * hub.hours)
        slopes = np.diff(rates) / np.diff(levels)
        if len(levels) == 1 or _bends_downward(slopes):
            _add_lines(part, block, amount, levels, rates * hub.hours, slopes * hub.hours)
        else:
            _add_curve(part, block, amount, float(rates[0]) * hub.hours, slopes * hub.hours)
    return ports


def concave(store: LatentHeatStore) -> bool:
    """Return whether both curves are concave, so that no binaries are needed."""
    levels, *curves = store.curve
    return all(_bends_downward(np.diff(rates) / np.diff(levels)) for rates in curves)


def _bends_downward(slopes: np.ndarray) -> bool:
    return bool((np.diff(slopes) <= 1e-9 * np.abs(slopes).max(initial=1e-9)).all())


def _add_lines(
    part: pyo.Block, block: pyo.Block, amount: Any, levels: np.ndarray, most: np.ndarray, slopes: np.ndarray
) -> None:
    """Limit an amount to the line of each segment at the level before."""
    if not len(slopes):  # it has no capacity
        slopes, levels, most = np.zeros(1), np.zeros(2), np.repeat(most, 2)
    part.K = pyo.RangeSet(0, len(slopes) - 1)
    part.slope = Series(part.K, values=slopes)
    part.base = Series(part.K, values=most[:-1] - slopes * levels[:-1])
    part.line = Rows(part.K, block.LATER, rule=lambda b, k, t: amount[t] <= b.base[k] + b.slope[k] * block.level[t - 1])


def _add_curve(part: pyo.Block, block: pyo.Block, amount: Any, base: float, slopes: np.ndarray) -> None:
    """Limit an amount to the curve at the level before, by its segments."""
    part.K = pyo.RangeSet(0, len(slopes) - 1)
    part.slope = Series(part.K, values=slopes)

    @constraint(part, block.LATER)
    def curve(b: Any, t: int) -> Any:
        return amount[t] <= base + total(b.slope[k] * block.before.filled[k, t] for k in each(b.K))
