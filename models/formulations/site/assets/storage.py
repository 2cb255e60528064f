"""A store in the model: what is put in and out at its terminals, and its level at the end of each slot.

Level as in ``Storage.after``: self-loss is per hour and acts continuously, so that the optimum does not depend on the
step. Where filling and emptying at the same time could pay, for it burns a surplus, a binary forbids it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pyomo.environ as pyo

from emberline.models.formulations.site.assets.ports import Flow, Linear, Ports, slots
from emberline.models.kernel.arrays import Variable, constraint
from emberline.models.problem.site_assets import Hub
from emberline.scenarios.assets import Storage


def add_storage(block: pyo.Block, store: Storage, hub: Hub) -> Ports:
    """Put in, put out and level of a store."""
    slots(block, hub.n)
    add_levels(block, store, hub.n, hub.hours)
    if burns(store, hub) and hub.alone:
        one_way(block, store, hub.hours, hub.alone)
    return Ports(
        flows=(
            Flow(store.name, "in", store.carrier, Linear(((block.put_in, -1.0),))),
            Flow(store.name, "out", store.carrier, Linear(((block.put_out, 1.0),))),
        ),
        cost=(Linear(((block.put_out, store.wear_cost_per_unit),)),),
        level=block.level,
    )


def add_levels(block: pyo.Block, store: Storage, n: int, hours: float) -> None:
    """Add amounts put in and out, and the level at each slot's end, to a block with the slots ``T``.

    Args:
        block: with the set ``T`` of slots.
        store: with its levels at the start and at the end.
        n: number of slots.
        hours: length of a slot [h].
    """
    counts = store.effective_hours(hours) / hours
    room_in, room_out = (None if rate is None else rate * hours for rate in (store.in_rate, store.out_rate))
    block.put_in = Variable(block.T, bounds=(0, room_in))
    block.put_out = Variable(block.T, bounds=(0, room_out))
    block.level = Variable(block.T, bounds=(store.lowest, store.highest))
    kept = store.kept(hours)
    gain, loss = counts * store.in_efficiency, counts / store.out_efficiency
    if block.component("LATER") is None:
        block.LATER = pyo.RangeSet(1, n - 1)

    @constraint(block, block.LATER)
    def state(b: Any, t: int) -> Any:
        return b.level[t] == kept * b.level[t - 1] + gain * b.put_in[t] - loss * b.put_out[t]

    block.first = pyo.Constraint(
        expr=block.level[0] == kept * store.start_level + gain * block.put_in[0] - loss * block.put_out[0]
    )
    block.end = pyo.Constraint(expr=block.level[n - 1] >= store.end_level * (1 - 1e-9))


def burns(store: Storage, hub: Hub) -> bool:
    """Whether filling and emptying it at the same time could pay, and is not possible."""
    lossy = store.in_efficiency * store.out_efficiency < 1
    return lossy and not store.both_ways and store.carrier not in hub.harmless


def one_way(block: pyo.Block, store: Storage, hours: float, alone: Collection[int]) -> None:
    """Forbid filling and emptying at the same time in some slots.

    Args:
        block: with the rows of ``add_levels``.
        store: what is filled and emptied.
        hours: length of a slot [h].
        alone: the slots.
    """
    kept, counts = store.kept(hours), store.effective_hours(hours) / hours
    # where no rate is given: as much as fills it, or empties it, whatever it held
    span = (store.highest - store.lowest + store.capacity * (1 - kept)) / max(counts, 1e-9)
    most_in = span / store.in_efficiency if store.in_rate is None else store.in_rate * hours
    most_out = span * store.out_efficiency if store.out_rate is None else store.out_rate * hours
    block.ALONE = pyo.Set(initialize=sorted(alone))
    block.filling = Variable(block.ALONE, domain=pyo.Binary)

    @constraint(block, block.ALONE)
    def in_alone(b: Any, t: int) -> Any:
        return b.put_in[t] <= most_in * b.filling[t]

    @constraint(block, block.ALONE)
    def out_alone(b: Any, t: int) -> Any:
        return b.put_out[t] <= most_out * (1 - b.filling[t])
