"""The command ``prices``: shadow prices of a stored plan as a table, as JSON, and every step as netCDF."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import xarray as xr

from emberline.ui.cli.main import main

SITE = """
name: works
horizon: {start: 2026-06-16, zone: Europe/Berlin, days: 1, step_min: 60}
site:
  grid: {import_limit_mw: 40}
  base_load_mw: 5 MW
  carriers: [{name: gas}, {name: steam}]
  assets:
    - {kind: supply, name: gas grid, carrier: gas, price_per_unit: 36 EUR/MWh, factor: natural_gas}
    - {kind: boiler, name: boiler, fuel: gas, heat: steam, heat_mw: 10 MW, efficiency: 90 %}
    - {kind: load, name: users, carrier: steam, rate: 4 MW}
market: {price_per_mwh: 80 EUR/MWh, carbon_intensity_kg_per_mwh: 400 kg/MWh}
goal: {minimize: cost, caps: {extra_cost_share: null}}
"""


def emberline(*args: str) -> int:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["emberline", *args])
        with pytest.raises(SystemExit) as remaining:
            main()
    return int(remaining.value.code or 0)


def test_a_stored_plan_has_prices(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Proves: steam is worth 36/0.9 = 40 EUR/MWh, electricity its price; the file holds every step; JSON stands alone.

    Sensitivity: prices by step, a second line on standard output.
    """
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))
    (tmp_path / "works.yaml").write_text(SITE, encoding="utf-8")
    assert emberline("plan", str(tmp_path / "works.yaml"), "--quiet") == 0
    capsys.readouterr()
    assert emberline("prices", "last") == 0
    table = capsys.readouterr().out
    assert "steam" in table
    assert "40.00" in table
    assert emberline("prices", "last", "--json", "--output", str(tmp_path / "prices.nc")) == 0
    values = {row["name"]: row for row in json.loads(capsys.readouterr().out)["prices"]}
    assert values["steam"]["mean"] == pytest.approx(40)
    assert values["electricity"]["mean"] == pytest.approx(80)
    with xr.open_dataset(tmp_path / "prices.nc") as data:
        assert data["balance_price"].sizes == {"carrier": 3, "time": 24}
    assert emberline("prices", "last", "--output", str(tmp_path / "prices.nc")) == 2
    assert "exists; overwrite it with --force" in capsys.readouterr().err
