"""Operation of the assets, and the variables of table ``FLOWS`` that record it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.columns import Rows
from emberline.scenarios.flows.asset_flows import label
from emberline.twin.site.assets.plant import SitePlant


class HubRun:
    """Operation of the assets, shape (n_steps,) each; positive rates are deliveries.

    Args:
        plant: simulated plant at the end of its horizon.
        renewables: output of PV and wind.
    """

    def __init__(self, plant: SitePlant, renewables: Mapping[str, np.ndarray]) -> None:
        self.hub = hub = plant.hub
        tanks = {tank.name: tank for tank in plant.all_tanks}
        trades = {trade.name: trade.sign * trade.rates for trade in plant.all_trade}
        by_asset: dict[str, dict[str, np.ndarray]] = {
            name: machine.core.delivered(machine.loads, machine.starts, hub.hours, hub.series[name])
            for name, machine in plant.machines.items()
        }
        by_asset |= {name: {"in": -tank.ins, "out": tank.outs} for name, tank in tanks.items()}
        by_asset |= {name: {"": rate} for name, rate in (hub.fixed | trades | dict(renewables)).items()}
        flows = [(asset, key, rate) for asset in hub.assets for key, rate in by_asset[asset.name].items()]
        self.rates = {(asset.name, key): rate for asset, key, rate in flows}
        """Rates by asset and key of the flow, as in ``carriers``."""
        self.carriers = {(asset.name, key): asset.flows[key] for asset, key, _ in flows}
        self.levels = {name: tank.levels for name, tank in tanks.items()}
        self.on = {name: machine.ons for name, machine in plant.machines.items()}
        self.dumped, self.violations = plant.dumping, plant.violations

    @property
    def electricity_mw(self) -> np.ndarray:
        """Net output of the other assets to the busbar minus vented electricity [MW], without loads and sources."""
        net = np.zeros(self.hub.n) - self.dumped.get(ELECTRICITY, 0.0)
        for (asset, key), rate in self.rates.items():
            if self.carriers[asset, key] == ELECTRICITY and asset not in (*self.hub.renewables, *self.hub.fixed):
                net = net + rate
        return net

    def variables(self, renewables: Mapping[str, np.ndarray], dumped_mw: np.ndarray) -> dict[str, Rows]:
        """Variables of table ``FLOWS`` with their coordinates.

        Args:
            renewables: used output of PV and wind [MW].
            dumped_mw: electricity vented in addition [MW].
        """
        hub = self.hub
        rates = {**self.rates, **{(name, ""): used for name, used in renewables.items()}}
        dumped = dict(self.dumped)
        if ELECTRICITY in dumped:
            dumped[ELECTRICITY] = dumped[ELECTRICITY] + dumped_mw
        names = list(self.carriers.values())
        stores = hub.scenario.site.stores
        # in the order of the scenario file, as in the model
        levels = {name: self.levels[name] for name in stores}

        def table(rows: Mapping[Any, np.ndarray], **labels: Iterable[str]) -> Rows:
            values = np.array(list(rows.values()), dtype=float).reshape(len(rows), hub.n)
            return Rows(values, {name: _text(tuple(column)) for name, column in labels.items()})

        return {
            "asset_rate": table(
                rates,
                flow=(label(*key) for key in rates),
                flow_asset=(asset for asset, _ in rates),
                flow_carrier=names,
                flow_unit=(hub.carriers[name].rate_unit for name in names),
            ),
            "asset_level": table(
                levels, store=levels, store_unit=(hub.carriers[store.carrier].unit for store in stores.values())
            ),
            "asset_on": table(self.on, machine=self.on),
            "dumped_rate": table(
                dumped, carrier=dumped, carrier_unit=(hub.carriers[name].rate_unit for name in dumped)
            ),
        }


@lru_cache(maxsize=256)
def _text(names: tuple[str, ...]) -> np.ndarray:
    """Labels as an array that all runs of a site share."""
    labels = np.array(names, dtype=np.str_)
    labels.setflags(write=False)
    return labels
