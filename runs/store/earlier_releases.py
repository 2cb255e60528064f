"""Conversion of records of earlier releases to current words (``emberline.scenarios.earlier_words``) and structure."""

from __future__ import annotations

from typing import Any

import xarray as xr

from emberline.scenarios.assets.quantity import ELECTRICITY
from emberline.scenarios.case.site import BASE_LOAD, PV
from emberline.scenarios.earlier_words import reworded

TEXTS = ("policy", "reason", "verdict", "status")
"""Attributes of datasets, and keys of a run's summary, that may contain earlier words."""


def renamed(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record with texts and keys in current words, including nested ones."""
    return {
        reworded(key): renamed(value) if isinstance(value, dict) else reworded(value) if key in TEXTS else value
        for key, value in record.items()
    }


def with_assets(data: xr.Dataset) -> xr.Dataset:
    """Return flows with base load and PV among the assets; earlier they were separate variables."""
    if "base_load_mw" not in data or "import_mw" not in data:
        return data
    names = data["flow_asset"].values.tolist() if "asset_rate" in data else []
    rows = [data["asset_rate"]] if names else []
    for rate, asset in ((data["pv_mw"], PV), (-data["base_load_mw"], BASE_LOAD)):
        name = f"site {asset}" if asset in names else asset
        labels = {"flow_asset": name, "flow_carrier": ELECTRICITY, "flow_unit": "MW"}
        row = rate.expand_dims(flow=[name], axis=-2)
        rows.insert(0, row.assign_coords({key: ("flow", [text]) for key, text in labels.items()}))
    remaining = data.drop_dims("flow", errors="ignore").drop_vars(["base_load_mw", "pv_mw", "pv_curtailed_mw"])
    return remaining.assign(asset_rate=xr.concat(rows, "flow"))
