"""What the assets do in a solution, read from the model's variables."""

from __future__ import annotations

import numpy as np

from emberline.models.formulations.site.assets.ports import HubPorts, added, held
from emberline.models.formulations.site.assets.storage import burns
from emberline.models.problem.flows import HubFlows
from emberline.scenarios.assets import Converter, Storage, of
from emberline.scenarios.metrics import COMPONENTS

BOTH = 1e-7
"""Amount put in and out in the same slot that counts as nothing."""


def burning(made: HubPorts) -> set[int]:
    """Slots in which a store that cannot be filled and emptied at the same time is, in the solution."""
    found: set[int] = set()
    for store in of(made.hub.assets, Storage):
        if burns(store, made.hub):
            put_in, put_out = (np.abs(f.gives.values(made.hub.n)) for f in made.ports[store.name].flows)
            found.update(np.flatnonzero(np.minimum(put_in, put_out) > BOTH).tolist())
    return found


def read_flows(made: HubPorts) -> HubFlows:
    """What the assets do in the solution that the model's variables hold."""
    hub, n = made.hub, made.hub.n
    amounts = {(f.asset, f.key): f.gives.values(n) for ports in made.ports.values() for f in ports.flows}
    for store in of(hub.assets, Storage):
        if store.in_efficiency * store.out_efficiency == 1 and not store.wear_cost_per_unit:
            # without loss or wear only the difference of both matters, and a solver may add anything to both
            through = np.minimum(-amounts[store.name, "in"], amounts[store.name, "out"])
            amounts[store.name, "in"] = amounts[store.name, "in"] + through
            amounts[store.name, "out"] = amounts[store.name, "out"] - through
    on = {}
    for machine in of(hub.assets, Converter):
        ports = made.ports[machine.name]
        load = np.abs(amounts[machine.name, "main"])
        on[machine.name] = (load > 1e-9).astype(float) if ports.on is None else ports.on.values(n)

    sums = {name: float(sum(term.values(n).sum() for term in added(hub, made.ports, name))) for name in COMPONENTS}
    return HubFlows(
        amounts=amounts,
        carriers={(f.asset, f.key): f.carrier for ports in made.ports.values() for f in ports.flows},
        levels={name: held(ports.level, n) for name, ports in made.ports.items() if ports.level is not None},
        on=on,
        dumped={name: held(row, n) for name, row in made.dumped.items()},
        totals={
            metric: sum(factor * sums[name] for name, factor in parts.items()) for metric, parts in hub.parts.items()
        },
    )
