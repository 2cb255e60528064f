"""Set-points of a schedule for the battery and other assets of the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import xarray as xr

from emberline.scenarios.flows.asset_flows import label


@dataclass(frozen=True)
class Setpoints:
    """Set-points of battery and assets in a schedule, per step, shape (n_steps,) each."""

    charge_mw: np.ndarray
    discharge_mw: np.ndarray
    rates: Mapping[str, np.ndarray] = field(default_factory=dict)
    """``asset_rate`` by its label."""
    on: Mapping[str, np.ndarray] = field(default_factory=dict)
    """``asset_on`` by machine."""
    dumped: Mapping[str, np.ndarray] = field(default_factory=dict)
    """``dumped_rate`` by carrier."""
    by_rule: bool = False
    """Whether battery, PV and wind follow the rules of the baseline instead."""

    @classmethod
    def read(cls, schedule: xr.Dataset) -> Setpoints:
        """Read set-points from a dataset of table ``SCHEDULE``, which may lack variables of assets."""
        charge, discharge = (schedule[name].to_numpy() for name in ("charge_mw", "discharge_mw"))
        rates, on, dumped = (
            dict(zip(schedule[dim].values.tolist(), schedule[name].to_numpy(), strict=True)) if name in schedule else {}
            for name, dim in (("asset_rate", "flow"), ("asset_on", "machine"), ("dumped_rate", "carrier"))
        )
        return cls(charge, discharge, rates, on, dumped)

    def sun(self, could: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Output of PV and wind as planned, as far as it is available, by asset [MW]."""
        return {name: np.clip(self.rate(name), 0.0, available) for name, available in could.items()}

    def rate(self, asset: str, key: str = "") -> list[float]:
        """Planned rate of a flow in each step.

        Raises:
            ValueError: the schedule does not contain the flow.
        """
        name = label(asset, key)
        if name not in self.rates:
            raise ValueError(f"the schedule has no set-point for flow {name!r}")
        return np.asarray(self.rates[name], dtype=float).tolist()


def joined(before: Setpoints | None, after: Setpoints, k: int) -> Setpoints:
    """Set-points of one schedule in the first ``k`` steps, and of another schedule afterwards."""
    if before is None or k <= 0:
        return after

    def both(first: Any, second: Any) -> Any:
        if isinstance(second, Mapping):
            return {key: both(first[key], values) for key, values in second.items()}
        return np.concatenate([np.asarray(first)[:k], np.asarray(second)[k:]])

    names = ("charge_mw", "discharge_mw", "rates", "on", "dumped")
    return replace(after, **{name: both(getattr(before, name), getattr(after, name)) for name in names})
