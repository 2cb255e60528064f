"""The commands of fronts: what stands on which stream, exit codes, files, and the chart."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from commands import emberline, refused

from emberline.reports.charts import front
from emberline.runs.store import fronts

SITE = """\
name: site
horizon: {start: 2026-06-16, zone: Europe/Berlin, days: 1, step_min: 60}
site:
  grid: {import_limit_mw: 40}
  base_load_mw: 10
  battery: {energy_mwh: 20, power_mw: 10, level_share: 50 %}
market:
  price_per_mwh: {table: de_typical_2018, column: price_eur_per_mwh}
  carbon_intensity_kg_per_mwh: {table: de_typical_2018, column: carbon_intensity_average_kg_per_mwh}
goal: {gap: 0, effort: 120}
"""


@pytest.fixture
def site(tmp_path: Path) -> str:
    path = tmp_path / "site.yaml"
    path.write_text(SITE, encoding="utf-8")
    return str(path)


def test_json_is_json_and_complete(home: Path, site: str, tmp_path: Path) -> None:
    """Proves: one JSON object on standard output with the promised keys, progress on the other, the front kept, the
    file written once."""
    path = tmp_path / "front.csv"
    code = emberline("pareto", site, "--points", "4", "--json", "--output", str(path))
    assert code.returncode == 0, code.stderr
    answer: dict[str, Any] = json.loads(code.stdout)
    for key in ("front", "folder", "points", "knee", "dominated", "same", "failed", "unsearched", "rules", "units"):
        assert key in answer
    for key in ("carbon_kg", "cost", "cost_bound", "gap", "status", "dual_per_t", "difference_per_t", "proven"):
        assert all(key in point for point in answer["points"])
    assert len(answer["points"]) == 4
    assert all(point["dual_per_t"] > 0 for point in answer["points"])
    assert Path(answer["folder"]) == home / "fronts" / answer["front"]
    assert "4 of 4: point" in code.stderr
    assert len(path.read_text().splitlines()) == 2 + 4
    again = emberline("pareto", site, "--points", "4", "--output", str(path))
    assert (again.returncode, len(again.stderr.splitlines())) == (2, 1)
    assert "--force" in again.stderr
    view = emberline("front", answer["front"][:5])
    assert view.returncode == 0
    for part in ("carbon [t CO2e]", "EUR/t", "knee", "baseline", answer["verdict"], answer["front"]):
        assert part in view.stdout
    data = json.loads(emberline("front", "--json").stdout)
    assert data == answer


def test_the_abatement_cost_lies_between_the_duals(home: Path, site: str) -> None:
    """Proves: on a convex front the difference between neighbours lies between their shadow prices.

    Sensitivity: a dual of the looser side, or per kilogram, fails."""
    points = json.loads(emberline("pareto", site, "--points", "6", "--json", "--quiet").stdout)["points"]
    assert len(points) == 6
    for cleaner, cheaper in pairwise(points):
        low, between, high = cheaper["dual_per_t"], cleaner["difference_per_t"], cleaner["dual_per_t"]
        assert low * (1 - 1e-3) <= between <= high * (1 + 1e-3)


def test_quiet_says_nothing(home: Path, site: str) -> None:
    """Proves: without progress standard error is empty."""
    code = emberline("pareto", site, "--points", "2", "--quiet", "--json")
    assert (code.returncode, code.stderr) == (0, "")


def test_no_plan_is_exit_code_1(home: Path, site: str) -> None:
    """Proves: a limit that cannot be kept gives no front, and the one that says so is kept."""
    code = emberline("pareto", site, "--points", "2", "--json", "--set", "site.grid.import_limit_mw=5")
    assert code.returncode == 1, code.stderr
    answer = json.loads(code.stdout)
    assert answer["points"] == []
    assert answer["verdict"].startswith("No front")
    assert fronts.read("last", home).id == answer["front"]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["pareto"], "SCENARIO"),
        (["pareto", "nowhere"], "no such scenario"),
        (["pareto", "melt-shop-small", "--points", "1"], "--points"),
        (["pareto", "melt-shop-small", "--points", "many"], "--points"),
        (["pareto", "melt-shop-small", "--workers", "0"], "--workers"),
        (["pareto", "melt-shop-small", "--set", "goal.gapp=1"], "did you mean gap"),
        (["pareto", "melt-shop-small", "--output", "front.doc"], ".csv, .json, .nc"),
        (["pareto", "melt-shop-small", "--output", "nowhere/front.csv"], "no such folder"),
        (["front"], "no stored front"),
        (["front", "abcd"], "no stored fronts begin"),
    ],
)
def test_mistakes_in_the_command_are_one_line(home: Path, args: list[str], text: str) -> None:
    """Proves: exit code 2, one line on standard error, nothing on standard output, nothing written."""
    refused(emberline(*args), text)
    assert not home.exists()


def test_ctrl_c_takes_the_points_so_far(home: Path) -> None:
    """Proves: one Ctrl-C ends the searches, in workers too, and keeps the points. Sensitivity: 11 take minutes."""
    command = [sys.executable, "-m", "ui", "pareto", "melt-shop-small", "--json", "--workers", "2"]
    command += ["--set", "goal.gap=0", "--set", "goal.effort=120"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ.copy(),
        start_new_session=True,
        # where the tests run in the background Ctrl-C is ignored, and would be by what they start
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stderr is not None
        while "least carbon" not in (line := process.stderr.readline()):
            assert line
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(3)
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=240)
    assert "keeping the points found so far" in err
    answer = json.loads(out)
    assert process.returncode == (0 if answer["points"] else 1)
    assert answer["unsearched"] > 0


def test_the_chart_shows_every_point(home: Path, site: str) -> None:
    """Proves: the chart holds each point, the knee and the baseline, with units on its axes."""
    emberline("pareto", site, "--points", "5", "--quiet", "--json")
    result = fronts.read("last", home).front
    value = front.front(result).to_dict()
    text = json.dumps(value)
    for part in ("carbon [t CO2e]", "cost [EUR]", "EUR/t"):
        assert part in text
    (kinds,) = [[row["kind"] for row in data] for data in value["datasets"].values() if data and "kind" in data[0]]
    assert sorted(kinds) == sorted(["baseline", "knee", *["point"] * (result.data.sizes["point"] - 1)])
