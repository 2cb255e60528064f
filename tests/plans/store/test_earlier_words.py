"""Runs that earlier releases stored, in their words."""

from __future__ import annotations

import json
from pathlib import Path

import xarray as xr

from emberline.plans.store import netcdf
from emberline.plans.store.earlier_releases import renamed

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
