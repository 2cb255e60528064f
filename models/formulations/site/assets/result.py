"""What the assets do in a solution, read from the model's variables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.models.formulations.site.assets.ports import Hub, HubPorts, Linear, Ports, held
from emberline.models.formulations.site.assets.storage import burns
from emberline.scenarios.assets import Converter, Storage, of
from emberline.scenarios.assets.account import label
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


def added(hub: Hub, ports: Mapping[str, Ports], component: str) -> list[Linear]:
    """What each asset adds to a component, by slot."""
    if component not in hub.factors:
        return [term for asset in ports.values() for term in getattr(asset, component)]
    terms, factors = [], hub.factors[component]
    takers = {asset.name for asset in hub.assets if asset.sign < 0}
    takers |= {machine.name for machine in of(hub.assets, Converter) if machine.main == "input"}
    for asset in hub.assets:
        factor = factors.get(asset.name, 0.0)
        if factor:
            counted = next(flow for flow in ports[asset.name].flows if flow.key == asset.counted)
            terms.append(counted.gives.scaled(-factor if asset.name in takers else factor))
    return terms


@dataclass(frozen=True)
class HubFlows:
    """What the assets do in a solution; amounts by slot in the carrier's unit, positive = delivered."""

    amounts: dict[tuple[str, str], np.ndarray]
    """By asset and key of the flow."""
    carriers: dict[tuple[str, str], str]
    levels: dict[str, np.ndarray]
    on: dict[str, np.ndarray]
    """Of every machine; one that is not switched is on where it has a load."""
    dumped: dict[str, np.ndarray]
    totals: dict[str, float]
    """By metric."""

    def delivered(self, carrier: str) -> np.ndarray:
        """What all assets together deliver to a carrier's balance, shape (n_slots,); surplus let go is taken off."""
        given = np.sum([a for key, a in self.amounts.items() if self.carriers[key] == carrier], axis=0)
        return np.asarray(given - self.dumped.get(carrier, 0.0))

    def columns(self, hub: Hub) -> tuple[dict[str, Any], dict[str, Any]]:
        """Variables of table ``FLOWS`` and their coordinates."""
        units = hub.carriers

        def table(rows: dict[Any, np.ndarray]) -> np.ndarray:
            return np.array(list(rows.values()), dtype=float).reshape(len(rows), hub.n)

        stores = {store.name: store for store in of(hub.assets, Storage)}
        columns = {
            "asset_rate": (("flow", "time"), table(self.amounts) / hub.hours),
            "asset_level": (("store", "time"), table(self.levels)),
            "asset_on": (("machine", "time"), table(self.on)),
            "dumped_rate": (("carrier", "time"), table(self.dumped) / hub.hours),
        }
        names = list(self.carriers.values())
        coordinates = {
            "flow": _text([label(*key) for key in self.amounts]),
            "flow_asset": ("flow", _text([asset for asset, _ in self.amounts])),
            "flow_carrier": ("flow", _text(names)),
            "flow_unit": ("flow", _text([units[name].rate_unit for name in names])),
            "store": _text(list(self.levels)),
            "store_unit": ("store", _text([units[stores[name].carrier].unit for name in self.levels])),
            "machine": _text(list(self.on)),
            "carrier": _text(list(self.dumped)),
            "carrier_unit": ("carrier", _text([units[name].rate_unit for name in self.dumped])),
        }
        return columns, coordinates


def _text(names: list[str]) -> np.ndarray:
    return np.array(names, dtype=f"U{max(map(len, names), default=1)}")


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
