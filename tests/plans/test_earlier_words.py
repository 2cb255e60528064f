"""Runs that earlier releases stored, in their words."""

from __future__ import annotations

import json
from pathlib import Path

import xarray as xr

from emberline.plans.store import netcdf
from emberline.plans.store.earlier_releases import renamed


def test_the_foreman_of_earlier_releases_is_the_baseline(tmp_path: Path) -> None:
    """Proves: policy, reason and figures that name the foreman are read as the baseline's; names of the plant's own
    stay. Sensitivity: a schedule of an earlier release that is followed as an optimizer's; a reason without words."""
    xr.Dataset(attrs={"policy": "foreman", "reason": "No better switches than the foreman's were found."}).to_netcdf(
        tmp_path / "schedule.nc"
    )
    attrs = netcdf.read(tmp_path / "schedule.nc").attrs
    assert attrs == {"policy": "baseline", "reason": "No better switches than the baseline's were found."}
    record = {"foreman_held": 3, "price": {"cost": {"foreman": 1.0}}, "reason": "The foreman's list: it stays."}
    read = renamed(json.loads(json.dumps(record | {"title": "Foreman's shop"})))
    assert read == {
        "baseline_held": 3,
        "price": {"cost": {"baseline": 1.0}},
        "reason": "The baseline schedule: it stays.",
        "title": "Foreman's shop",
    }
