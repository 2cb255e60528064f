"""Set-points of a schedule for the battery, PV and the assets of the site."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.twin.site.assets.setpoints import AssetSetpoints


@dataclass(frozen=True)
class Setpoints:
    """What a schedule tells the assets, per step, shape (n_steps,) each."""

    charge_mw: np.ndarray
    discharge_mw: np.ndarray
    pv_curtailed_mw: np.ndarray
    assets: AssetSetpoints | None = None
    """Of the site's assets, where it has any."""

    @classmethod
    def read(cls, schedule: xr.Dataset) -> Setpoints:
        """From a dataset of table ``SCHEDULE``."""
        charge, discharge, curtailed = (
            schedule[name].to_numpy() for name in ("charge_mw", "discharge_mw", "pv_curtailed_mw")
        )
        return cls(charge, discharge, curtailed, AssetSetpoints.read(schedule))
