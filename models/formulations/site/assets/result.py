"""What the assets do in a solution, read from the model's variables."""

from __future__ import annotations

import numpy as np

from emberline.models.formulations.site.assets.ports import HubPorts, added, slot_values
from emberline.models.formulations.site.assets.storage import burns, one_way_amounts
from emberline.models.problem.flows import HubFlows
from emberline.scenarios.assets import ELECTRICITY, Converter, Storage, of
from emberline.scenarios.metrics import COMPONENTS

BOTH = 1e-5
"""Share of the most that is put in or out that may go the other way in the same slot: nothing."""


def burning(hub_ports: HubPorts) -> set[int]:
    """Slots in which a store that cannot be filled and emptied at the same time is, in the solution."""
    slots: set[int] = set()
    for store in of(hub_ports.hub.assets, Storage):
        if burns(store, hub_ports.hub):
            slots |= both_ways(*(f.gives.values(hub_ports.hub.n) for f in hub_ports.ports[store.name].flows))
    return slots


def both_ways(put_in: np.ndarray, put_out: np.ndarray) -> set[int]:
    """Slots in which something is put in and out, of either sign."""
    amounts = np.abs([put_in, put_out])
    return set(np.flatnonzero(amounts.min(axis=0) > BOTH * max(float(amounts.max(initial=0.0)), 1.0)).tolist())


def read_flows(hub_ports: HubPorts, spare: np.ndarray | None = None) -> HubFlows:
    """Flows of the assets in the solution that the model's variables hold.

    Args:
        hub_ports: the assets.
        spare: electricity in each slot that may be left untaken [MWh]; what is left so is taken off it.
    """
    hub, n = hub_ports.hub, hub_ports.hub.n
    amounts = {(f.asset, f.key): f.gives.values(n) for ports in hub_ports.ports.values() for f in ports.flows}
    spare = np.zeros(n) if spare is None else spare
    dumped = {name: slot_values(row, n) for name, row in hub_ports.dumped.items()}
    levels = {name: slot_values(ports.level, n) for name, ports in hub_ports.ports.items() if ports.level is not None}
    for store in of(hub.assets, Storage):
        lossless = store.in_efficiency * store.out_efficiency == 1
        if store.wear_cost_per_unit or (store.both_ways and not lossless):
            continue
        into, out = (store.name, "in"), (store.name, "out")
        most = np.inf if store.carrier in dumped else spare if store.carrier == ELECTRICITY else 0.0
        put_in, amounts[out], levels[store.name], freed = one_way_amounts(
            store, -amounts[into], amounts[out], levels[store.name], most, hub.hours
        )
        amounts[into] = -put_in
        if store.carrier in dumped:
            dumped[store.carrier] = dumped[store.carrier] + freed
        elif store.carrier == ELECTRICITY:
            spare -= freed
    on = {}
    for machine in of(hub.assets, Converter):
        ports = hub_ports.ports[machine.name]
        load = np.abs(amounts[machine.name, "main"])
        on[machine.name] = (load > 1e-9).astype(float) if ports.on is None else ports.on.values(n)

    sums = {name: float(sum(term.values(n).sum() for term in added(hub, hub_ports.ports, name))) for name in COMPONENTS}
    return HubFlows(
        amounts=amounts,
        carriers={(f.asset, f.key): f.carrier for ports in hub_ports.ports.values() for f in ports.flows},
        levels=levels,
        on=on,
        dumped=dumped,
        totals={
            metric: sum(factor * sums[name] for name, factor in parts.items()) for metric, parts in hub.parts.items()
        },
    )
