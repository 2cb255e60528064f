"""Runs that earlier releases stored, in their words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from emberline.runs.store import netcdf
from emberline.runs.store.earlier_releases import renamed

EARLIER = json.loads(
    (Path(__file__).resolve().parents[2] / "recorded" / "earlier_words.json").read_text(encoding="utf-8")
)


def test_earlier_releases_had_another_word_for_the_baseline(tmp_path: Path) -> None:
    """Proves: policy, reason and figures in the earlier word are read as the baseline's; names of the plant's own
    stay. Sensitivity: a schedule of an earlier release that is followed as an optimizer's; a reason without words."""
    xr.Dataset(attrs=EARLIER["attributes"]).to_netcdf(tmp_path / "schedule.nc")
    attrs = netcdf.read(tmp_path / "schedule.nc").attrs
    assert attrs == {"policy": "baseline", "reason": "No better switches than the baseline's were found."}
    assert renamed(EARLIER["record"]) == {
        "baseline_held": 3,
        "price": {"cost": {"baseline": 1.0}},
        "reason": "The baseline schedule: it stays.",
        "title": EARLIER["record"]["title"],
    }


@pytest.mark.parametrize("other", [None, "base load", "boiler"])
def test_earlier_releases_kept_base_load_and_pv_apart_from_assets(tmp_path: Path, other: str | None) -> None:
    """Proves: flows of an earlier release, with assets or without, are read with the base load as an asset that takes
    and PV as one that gives. Sensitivity: a base load that delivers, or one that lies over an asset of its name."""
    names = ("base_load_mw", "import_mw", "pv_mw", "pv_curtailed_mw")
    data = xr.Dataset({name: ("time", [2.0, 3.0]) for name in names})
    if other:
        labels = {"flow_asset": other, "flow_carrier": "steam", "flow_unit": "MW"}
        data = data.assign(asset_rate=(("flow", "time"), np.full((1, 2), 5.0)))
        data = data.assign_coords({"flow": [other], **{key: ("flow", [text]) for key, text in labels.items()}})
    data.to_netcdf(tmp_path / "replay.nc")
    read = netcdf.read(tmp_path / "replay.nc")
    name = "site base load" if other == "base load" else "base load"
    assert "base_load_mw" not in read
    assert read["asset_rate"].dims == ("flow", "time")
    assert read["asset_rate"].sel(flow=name).values.tolist() == [-2.0, -3.0]
    assert read["asset_rate"].sel(flow="PV").values.tolist() == [2.0, 3.0]
    assert str(read["flow_carrier"].sel(flow=name).item()) == "electricity"
    if other:
        assert read["asset_rate"].sel(flow=other).values.tolist() == [5.0, 5.0]
        assert str(read["flow_carrier"].sel(flow=other).item()) == "steam"
