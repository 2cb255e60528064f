"""Set-points of a schedule for the battery and the assets of the site."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from emberline.twin.site.assets.setpoints import AssetSetpoints


@dataclass(frozen=True)
class Setpoints:
    """What a schedule tells the assets, per step, shape (n_steps,) each."""

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
