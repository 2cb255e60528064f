"""What the assets do in a solution, read from the model's variables."""

from __future__ import annotations

import numpy as np

from emberline.models.formulations.site.assets.ports import HubPorts, held
from emberline.models.formulations.site.assets.storage import burns
from emberline.models.problem.flows import HubFlows
from emberline.scenarios.assets import Converter, Storage

BOTH = 1e-7
"""Amount put in and out in the same slot that counts as nothing."""


def burning(made: HubPorts) -> set[int]:
    """Slots in which a store that cannot be filled and emptied at the same time is, in the solution."""
    found: set[int] = set()
    for asset in made.hub.assets:
        if isinstance(asset, Storage) and burns(asset, made.hub):
            put_in, put_out = (np.abs(f.gives.values(made.hub.n)) for f in made.ports[asset.name].flows)
            found.update(np.flatnonzero(np.minimum(put_in, put_out) > BOTH).tolist())
    return found


def read_flows(made: HubPorts) -> HubFlows:
    """What the assets do in the solution that the model's variables hold."""
    hub, n = made.hub, made.hub.n
    amounts = {(f.asset, f.key): f.gives.values(n) for ports in made.ports.values() for f in ports.flows}
    for asset in hub.assets:
        if (
            isinstance(asset, Storage)
            and asset.in_efficiency * asset.out_efficiency == 1
            and not asset.wear_cost_per_unit
        ):
            # without loss or wear only the difference of both matters, and a solver may add anything to both
            through = np.minimum(-amounts[asset.name, "in"], amounts[asset.name, "out"])
            amounts[asset.name, "in"] = amounts[asset.name, "in"] + through
            amounts[asset.name, "out"] = amounts[asset.name, "out"] - through
    on = {}
    for asset in hub.assets:
        if isinstance(asset, Converter):
            ports = made.ports[asset.name]
            load = np.abs(amounts[asset.name, "main"])
            on[asset.name] = (load > 1e-9).astype(float) if ports.on is None else ports.on.values(n)

    def sums(name: str) -> float:
        return float(sum(term.values(n).sum() for ports in made.ports.values() for term in getattr(ports, name)))

    cost, scope1, scope2 = sums("cost"), sums("scope1"), sums("scope2")
    return HubFlows(
        amounts=amounts,
        carriers={(f.asset, f.key): f.carrier for ports in made.ports.values() for f in ports.flows},
        levels={name: held(ports.level, n) for name, ports in made.ports.items() if ports.level is not None},
        on=on,
        dumped={name: held(row, n) for name, row in made.dumped.items()},
        carbon=scope1 + scope2,
        cost=cost,
        full_cost=cost + hub.direct_price_per_kg * scope1 + hub.bought_price_per_kg * scope2,
    )
