"""A stored run's scenario as a text of its own: the same is planned again, wherever its files were."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from emberline.runs.store import snapshots
from emberline.scenarios import Case, Scenario, bundled, load, loads
from emberline.scenarios.loading.loading import LIBRARY


def stored(scenario: Case) -> Case:
    """As a run reads it back."""
    text = scenario.model_dump_json(exclude_defaults=True)
    return Case.of(Scenario.model_validate_json(text), scenario.inputs)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.parametrize("name", bundled())
def test_what_has_no_files_comes_back_as_it_is(name: str) -> None:
    """Proves: the text says the same, noun by noun. Sensitivity: a factor or default that is lost fails."""
    scenario = load(name)
    path = snapshots.find(snapshots.keep(stored(scenario)))
    assert path is not None
    assert snapshots.load(path).model_dump() == scenario.model_dump()
    assert not list((path.parent / "files").iterdir())


def test_series_of_files_come_back_as_they_were_planned_with(tmp_path: Path) -> None:
    """Proves: hourly values with a factor, shares of a PV plant and a load's profile are on the plan's steps what they
    were, when their files are gone. Sensitivity: a factor that counts twice, or a share taken for a power, fails."""
    rng = np.random.default_rng(4)
    hours = [f"2026-06-{14 + hour // 24:02d}T{hour % 24:02d}:00Z" for hour in range(96)]
    file = tmp_path / "mine.csv"
    rows = (f"{at},{price},{share}\n" for at, price, share in zip(hours, rng.random(96), rng.random(96), strict=True))
    file.write_text("time_utc,price,share\n" + "".join(rows))
    text = (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8").replace("name: melt-shop-small", "name: mine")
    scenario = loads(
        text,
        overrides=[
            f'market.price_per_mwh={{"csv": "{file}", "column": "price", "scale": 3}}',
            f'site.pv={{"peak_mw": 7, "capacity_factor": {{"csv": "{file}", "column": "share"}}}}',
            f'site.base_load_mw={{"csv": "{file}", "column": "share", "unit": "kW"}}',
        ],
    )
    before = {name: scenario.inputs[name].to_numpy().copy() for name in scenario.inputs.data_vars}
    assert np.ptp(before["price_per_mwh"]) > 1
    again = stored(scenario)
    file.unlink()
    path = snapshots.find(snapshots.keep(again))
    assert path is not None
    case = snapshots.load(path)
    assert str(tmp_path / "mine.csv") not in path.read_text(encoding="utf-8")
    for name, values in before.items():
        np.testing.assert_allclose(case.inputs[name].to_numpy(), values, rtol=1e-12, err_msg=str(name))
