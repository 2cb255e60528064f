"""Shadow prices of a plan's site: value of an additional unit of a carrier, a level or a limit, in the plant's
units."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from emberline.planning.plan.record import Plan
from emberline.scenarios.messages import mark

__all__ = ["prices", "summary"]

KINDS = {
    "balance_price": ("carrier", mark("a unit more of demand costs")),
    "level_price": ("store", mark("a unit more in store saves")),
    "rate_limit_price": ("asset", mark("a unit more of its limit saves")),
    "horizon_limit_price": ("limited", mark("a unit more over the horizon saves")),
    "import_limit_price": ("meter", mark("a MWh more of import limit saves")),
}
"""Variable, its label dimension, and its description."""


@dataclass(frozen=True)
class Price:
    """Shadow price over the horizon."""

    kind: str
    name: str
    says: str
    unit: str
    """Currency, or kg CO2e if the goal is carbon, per unit of the carrier."""
    mean: float
    low: float
    high: float
    steps: int
    """Number of steps in which it is not zero."""


def prices(plan: Plan) -> xr.Dataset | None:
    """Shadow prices of a plan's site, with heats and processes fixed.

    None if there is no plan, or no prices were found in time.
    """
    from emberline.models import shadow_prices

    if plan.schedule is None:
        return None
    baseline = plan.baseline if plan.baseline_complete else None
    return shadow_prices(plan.scenario, plan.envelope, plan.schedule, baseline)


def summary(plan: Plan, price_table: xr.Dataset) -> Iterator[Price]:
    """Yield shadow prices by carrier, store and limit; limits that never bind are left out."""
    measure, site = str(price_table.attrs["measure"]), plan.scenario.site
    cores = {asset.name: site.cores.get(asset.name, asset) for asset in site.assets}
    for kind, (label, text) in KINDS.items():
        if kind not in price_table:
            continue
        data = price_table[kind]
        names = ["grid"] if label == "meter" else data[label].values.tolist()
        for i, name in enumerate(names):
            values = np.atleast_1d(data.to_numpy() if label == "meter" else data.to_numpy()[i])
            if label != "carrier" and not np.abs(values).max(initial=0.0) > 1e-9:
                continue
            carrier = name if label == "carrier" else getattr(cores.get(name), "carrier", "electricity")
            unit = f"{measure}/{site.carrier[carrier].unit}"
            binding = int((np.abs(values) > 1e-9).sum())
            yield Price(kind, name, text, unit, float(values.mean()), float(values.min()), float(values.max()), binding)
