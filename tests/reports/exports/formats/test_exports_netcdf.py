"""netCDF: every dataset comes back as it was."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from exported import HOSTILE, PLANS, TITLE, renamed, stored_run

from emberline.reports.exports import export
from emberline.reports.exports.formats.programs import groups
from emberline.reports.exports.manifest import manifest


@pytest.mark.parametrize("plant", list(PLANS))
def test_every_group_comes_back_equal(tmp_path: Path, plant: str) -> None:
    """Proves: every dataset of a run comes back equal, with its units, and the file tells the manifest.

    Sensitivity: texts as numbers, times moved by a zone, a unit lost."""
    run = stored_run(plant)
    path = export(run, "nc", tmp_path / "plan.nc")
    with xr.open_datatree(path) as tree:
        result = groups(run)
        assert list(tree.children) == list(result)
        for name, data in result.items():
            back = tree[name].to_dataset().load()
            xr.testing.assert_equal(back, data)
            units = {key: variable.attrs.get("units") for key, variable in data.data_vars.items()}
            assert {key: variable.attrs.get("units") for key, variable in back.data_vars.items()} == units
        assert {"inputs", "schedule", "replay", "baseline", "ledger_by_step"} <= set(result)
        assert tree["replay"]["import_mw"].attrs["units"] == "MW"
        text = tree.attrs
    for name, value in manifest(run).items():
        message = text[name]
        assert message == value if isinstance(value, str) else json.loads(message or "null") == value, name


def test_a_day_of_25_hours(tmp_path: Path) -> None:
    """Proves: times are UTC, a step apart all through the night of the clocks; the zone stands next to them.

    Sensitivity: local times go back by an hour."""
    run = stored_run("2026-10-25")
    with xr.open_datatree(export(run, "nc", tmp_path / "plan.nc")) as tree:
        times = tree["replay"].to_dataset()["time"].to_numpy()
        assert tree.attrs["time_zone"] == "Europe/Berlin"
    assert len(times) == 100
    assert times[0] == np.datetime64("2026-10-24T22:00")
    assert set(np.diff(times)) == {np.timedelta64(15, "m")}


def test_hostile_names_are_labels(tmp_path: Path) -> None:
    """Proves: names are values of labels, never names of variables or files. Sensitivity: ``=F|0`` as a variable."""
    run = renamed(stored_run("line"))
    with xr.open_datatree(export(run, "nc", tmp_path / "plan.nc")) as tree:
        text = set(tree["replay"].to_dataset()["op_heat"].values.tolist())
        assert text == {HOSTILE[name] for name in ("A-1", "A-2", "B-1")}
        assert tree.attrs["title"] == TITLE
        names = {str(name) for group in tree.children for name in tree[group].data_vars}
    assert all(name.replace("_", "").isalnum() for name in names)
