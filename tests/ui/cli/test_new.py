"""Command ``emberline new``: a plant from a template, and from a meter's file."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import emberline

from emberline.scenarios import load
from emberline.scenarios.templates.plants import TEMPLATES
from emberline.studies.why import quick


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_plant_can_be_planned(template: str, tmp_path: Path) -> None:
    """Proves: each template becomes a file of the given name that lacks nothing that can be counted."""
    path = tmp_path / "mine.yaml"
    result = emberline("new", template, "mine", "--out", str(path))
    assert result.returncode == 0, result.stderr
    scenario = load(path)
    assert scenario.name == "mine"
    assert quick.shortages(scenario) == []


def test_from_a_meter_alone(tmp_path: Path) -> None:
    """Proves: the file's load and days are those of the plan. Sensitivity: the template's own day."""
    meter = tmp_path / "meter.csv"
    rows = [f"2026-10-0{day} {hour:02d}:00,{1000 + hour}" for day in (5, 6) for hour in range(24)]
    meter.write_text("\n".join(["time,load [kW]", *rows]), encoding="utf-8")
    path = tmp_path / "site.yaml"
    result = emberline("new", "empty", "site", "--meter", str(meter), "--zone", "Europe/Berlin", "-o", str(path))
    assert result.returncode == 0, result.stderr
    scenario = load(path)
    assert scenario.horizon.days == 2
    assert scenario.inputs["base_load_mw"].to_numpy().max() == pytest.approx(1.023)
    assert scenario.site.pv is not None


def test_what_is_refused(tmp_path: Path) -> None:
    """Proves: an unknown template, a name that is none and a file that exists are one line each, nothing is written."""
    path = tmp_path / "a.yaml"
    for words, text in (
        (("nope",), "no such template"),
        (("melt-shop", "a b"), "name: must be a name"),
        (("melt-shop", "a", "--zone", "UTC"), "--zone belongs to --meter"),
    ):
        result = emberline("new", *words, "-o", str(path))
        assert result.returncode == 2
        assert text in result.stderr
        assert not path.exists()
    assert emberline("new", "melt-shop", "-o", str(path)).returncode == 0
    assert "exists" in emberline("new", "melt-shop", "-o", str(path)).stderr
    assert "melt-shop" in emberline("new").stdout
