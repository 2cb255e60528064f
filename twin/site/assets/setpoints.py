"""Set-points of a schedule for the battery and the assets of the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import xarray as xr

from emberline.scenarios.flows.asset_flows import label


@dataclass(frozen=True)
class AssetSetpoints:
    """Set-points of the assets in a schedule, per step, shape (n_steps,) each."""

    rates: Mapping[str, np.ndarray]
    """``asset_rate`` by its label."""
    on: Mapping[str, np.ndarray]
    """``asset_on`` by machine."""
    dumped: Mapping[str, np.ndarray]
    """``dumped_rate`` by carrier."""

    @classmethod
    def read(cls, schedule: xr.Dataset) -> AssetSetpoints:
        """From a dataset of table ``SCHEDULE``; empty where it tells nothing of assets."""

        def rows(name: str, dim: str) -> dict[str, np.ndarray]:
            if name not in schedule:
                return {}
            return dict(zip(schedule[dim].values.tolist(), schedule[name].to_numpy(), strict=True))

        return cls(rows("asset_rate", "flow"), rows("asset_on", "machine"), rows("dumped_rate", "carrier"))

    def sun(self, could: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Output of PV and wind as planned, as far as it is available, by asset [MW]."""
        return {name: np.clip(self.rate(name), 0.0, available) for name, available in could.items()}

    def rate(self, asset: str, key: str = "") -> list[float]:
        """A flow as it was planned.

        Raises:
            ValueError: the schedule does not tell it.
        """
        name = label(asset, key)
        if name not in self.rates:
            raise ValueError(f"the schedule has no set-point for flow {name!r}")
        return np.asarray(self.rates[name], dtype=float).tolist()


@dataclass(frozen=True)
class Setpoints:
    """Set-points of the assets in a schedule, per step, shape (n_steps,) each."""

    charge_mw: np.ndarray
    discharge_mw: np.ndarray
    assets: AssetSetpoints = field(default_factory=lambda: AssetSetpoints({}, {}, {}))
    by_rule: bool = False
    """Whether battery, PV and wind go by the baseline's rules all the same."""

    @classmethod
    def read(cls, schedule: xr.Dataset) -> Setpoints:
        """From a dataset of table ``SCHEDULE``."""
        charge, discharge = (schedule[name].to_numpy() for name in ("charge_mw", "discharge_mw"))
        return cls(charge, discharge, AssetSetpoints.read(schedule))


def joined(before: Setpoints | None, after: Setpoints, k: int) -> Setpoints:
    """Set-points that are those of one schedule in the first ``k`` steps, and those of another from there on."""
    if before is None or k <= 0:
        return after

    def both(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return np.concatenate([np.asarray(one)[:k], np.asarray(other)[k:]])

    rows = {
        name: {key: both(getattr(before.assets, name)[key], values) for key, values in table.items()}
        for name, table in (
            ("rates", after.assets.rates), ("on", after.assets.on), ("dumped", after.assets.dumped),
        )
    }  # fmt: skip
    return replace(
        after, charge_mw=both(before.charge_mw, after.charge_mw),
        discharge_mw=both(before.discharge_mw, after.discharge_mw), assets=replace(after.assets, **rows),
    )  # fmt: skip
