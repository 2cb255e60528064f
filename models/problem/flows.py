"""Flows of a site under a plan by slot, and their totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emberline.scenarios import Scenario
from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.flows.asset_flows import label


@dataclass(frozen=True)
class HubFlows:
    """Flows of the assets in a solution; amounts by slot in the carrier's unit, deliveries are positive."""

    amounts: dict[tuple[str, str], np.ndarray]
    """Amounts by asset and key of the flow."""
    carriers: dict[tuple[str, str], str]
    levels: dict[str, np.ndarray]
    on: dict[str, np.ndarray]
    """On/off state of every machine; a machine that is not switched is on where it has a load."""
    dumped: dict[str, np.ndarray]
    totals: dict[str, float]
    """Totals by metric."""

    def delivered(self, carrier: str) -> np.ndarray:
        """Return the delivery of all assets to a carrier's balance, less vented surplus, shape (n_slots,)."""
        amount = np.sum([a for key, a in self.amounts.items() if self.carriers[key] == carrier], axis=0)
        return np.asarray(amount - self.dumped.get(carrier, 0.0))

    def columns(self, scenario: Scenario, others_mw: Mapping[str, np.ndarray]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the variables of table ``FLOWS`` and their coordinates.

        Args:
            scenario: scenario of the assets.
            others_mw: deliveries of electricity by assets that the model aggregates, by asset.
        """
        site, hours = scenario.site, scenario.horizon.step_h
        units, stores = site.carrier, site.stores
        by_key = {(name, ""): rate for name, rate in others_mw.items()}
        by_key |= {key: amount / hours for key, amount in self.amounts.items()}
        order = [asset.name for asset in site.equipment]
        rates = {key: by_key[key] for key in sorted(by_key, key=lambda key: order.index(key[0]))}
        carriers = dict.fromkeys(((name, "") for name in others_mw), ELECTRICITY) | self.carriers
        names = [carriers[key] for key in rates]

        def table(rows: dict[Any, np.ndarray]) -> np.ndarray:
            return np.array(list(rows.values()), dtype=float).reshape(len(rows), scenario.horizon.n_steps)

        columns = {
            "asset_rate": (("flow", "time"), table(rates)),
            "asset_level": (("store", "time"), table(self.levels)),
            "asset_on": (("machine", "time"), table(self.on)),
            "dumped_rate": (("carrier", "time"), table(self.dumped) / hours),
        }
        coordinates = {
            "flow": _text([label(*key) for key in rates]),
            "flow_asset": ("flow", _text([asset for asset, _ in rates])),
            "flow_carrier": ("flow", _text(names)),
            "flow_unit": ("flow", _text([units[name].rate_unit for name in names])),
            "store": _text(list(self.levels)),
            "store_unit": ("store", _text([units[stores[name].carrier].unit for name in self.levels])),
            "machine": _text(list(self.on)),
            "carrier": _text(list(self.dumped)),
            "carrier_unit": ("carrier", _text([units[name].rate_unit for name in self.dumped])),
        }
        return columns, coordinates


NO_ASSETS = HubFlows({}, {}, {}, {}, {}, {})
"""Flows if the model represents no assets."""


@dataclass(frozen=True)
class Flows:
    """Flows by slot [MWh] and their totals: scope 2, and scope 1 of the fuels that assets use."""

    imported: np.ndarray
    exported: np.ndarray
    pv: np.ndarray
    charge: np.ndarray
    discharge: np.ndarray
    level: np.ndarray
    meter_mw: np.ndarray
    totals: dict[str, float]
    """Totals by metric."""
    over_mwh: float = 0.0
    """Energy above the import limit; 0 in a feasible plan."""
    hub: HubFlows | None = None
    """Flows of the site's assets."""

    def import_share(self) -> np.ndarray:
        """Return the share of import in the electricity of each slot, shape (n_slots,); 1 if there is none."""
        supply = 0.0 if self.hub is None else np.maximum(self.hub.delivered(ELECTRICITY), 0.0)
        all_mwh = self.imported + self.pv + self.discharge + supply - self.exported
        used = all_mwh > 1e-9
        return np.where(used, np.minimum(self.imported / np.where(used, all_mwh, 1.0), 1.0), 1.0)


def _text(names: list[str]) -> np.ndarray:
    return np.array(names, dtype=f"U{max(map(len, names), default=1)}")


TIME_LIMIT_S = 20.0


SETTLE_SHARE = 0.2
"""Share of the time limit for computing what machines actually do in one plan."""
