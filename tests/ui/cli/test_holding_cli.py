"""The command ``hold``: what it prints, keeps and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import emberline

SMALL = ("melt-shop-small", "--set", "goal.gap=50 %", "--workers", "1", "-n", "20", "--time-limit", "10")


@pytest.fixture(autouse=True)
def _at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path / "home"))


def test_a_plan_that_holds_is_reported_and_kept() -> None:
    """Proves: exit code 0, the answer as JSON and in the run's folder, the judgement next to it, and the run shown and
    exported as any other. Sensitivity: a report that is not the run's."""
    calm = [
        "disturbances.duration_spread=1 %", "disturbances.energy_spread=0", "disturbances.breakdowns=[]",
        "disturbances.margins=[{stage: melting, wait_min: 10}, {stage: ladle, slack_min: 5, wait_min: 15}]",
        "disturbances.due_margin_min=30", "site.grid.import_limit_mw=90", "site.battery=null",
    ]  # fmt: skip
    code = emberline("hold", *SMALL, *(part for text in calm for part in ("--set", text)), "--level", "50%", "--json")
    assert code.returncode == 0, code.stderr
    answer = json.loads(code.stdout)
    assert answer["holds"]
    assert answer["status"] == "holds"
    assert answer["level"] == 0.5
    folder = Path(answer["folder"])
    assert json.loads((folder / "holding.json").read_text(encoding="utf-8"))["robust"] == answer["robust"]
    assert len(list(folder.glob("ensemble-*.nc"))) == 1
    data = json.loads(emberline("show", answer["run"], "--json").stdout)
    assert (data["replays"]["n"], data["replays"]["held"]) == (20, answer["robust"]["held"])
    assert set(answer["price"]) == {"carbon_kg", "cost", "peak_mw"}


def test_what_cannot_hold_is_stored_and_reported_with_code_1() -> None:
    """Proves: the answer says why, with both plans and what broke it. Sensitivity: a plan that is reported as
    holding."""
    code = emberline("hold", *SMALL, "--set", "disturbances.breakdowns=[{unit: CC, mtbf_h: 4, mttr_min: 300}]",
                     "--level", "0.99", "-q")  # fmt: skip
    assert code.returncode == 1, code.stderr
    assert "at 99.0 %" in code.stdout
    assert "cannot be made to hold" in code.stdout or "the time limit was reached" in code.stdout
    for word in ("this plan", "plain plan", "baseline", "price", "what broke it", "run"):
        assert word in code.stdout, word


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("--level", "1.2"), "--level 1.2: must be a share between 0 and 1"),
        (("--level", "99.99%"), "at most 99.9%"),
        (("--cvar", "0.9"), "--cvar: needs --samples"),
        (("--samples", "5", "--level", "0.9"), "--level: samples vary prices only"),
        (("--samples", "5"), "samples are of a site alone"),
        (("--set", "disturbances={}"), "nothing is disturbed"),
        (("--set", "disturbances.hold=1"), "disturbances.hold"),
        (("--set", "disturbances.margins=[{stage: rolling}]"), "unknown stage 'rolling'"),
    ],
)
def test_mistakes_are_one_line(args: tuple[str, ...], text: str, tmp_path: Path) -> None:
    """Proves: exit code 2, one line, nothing written. Sensitivity: a trace."""
    code = emberline("hold", "melt-shop-small", *args)
    assert code.returncode == 2
    assert text in code.stderr
    assert len(code.stderr.strip().splitlines()) == 1
    assert code.stdout == ""
    assert not (tmp_path / "home" / "runs").exists()


def test_the_schema_knows_margins() -> None:
    """Proves: editors see them. Sensitivity: keys that only the code knows."""
    text = json.loads(emberline("schema").stdout)["$defs"]
    assert {"hold", "margins", "due_margin_min", "import_margin_mw"} <= set(text["Disturbances"]["properties"])
    assert set(text["StageMargin"]["properties"]) == {"stage", "quantile", "slack_min", "wait_min"}
