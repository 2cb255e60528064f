"""The command ``emberline``: exit codes, what stands on which stream, and what a crash leaves behind."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from commands import emberline, refused

from emberline.runs.store.store import Store
from emberline.scenarios import bundled
from emberline.scenarios.loading.loading import LIBRARY
from emberline.scenarios.reading.document import read

ROOT = Path(__file__).resolve().parents[3]
UNKEPT = "locks=[{heat: C1-3, stage: casting, start: 1 h}]"
"""The third heat of a cast cannot be cast before it is molten."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("EMBERLINE_HOME", str(folder))
    monkeypatch.delenv("EMBERLINE_DEBUG", raising=False)
    return folder


@pytest.fixture(scope="module")
def home_with_plan(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A home with one plan, and what ``plan --json`` said."""
    home = tmp_path_factory.mktemp("home_with_plan")
    result = process(
        "plan", "melt-shop-small", "--json", "--gap", "50%", "--no-hold",
        env={**os.environ, "EMBERLINE_HOME": str(home)},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return home, json.loads(result.stdout)


@pytest.fixture
def run_id(home: Path, home_with_plan: tuple[Path, dict[str, Any]]) -> str:
    """The id of the plan in this test's own copy of that home."""
    shutil.copytree(home_with_plan[0], home)
    return str(home_with_plan[1]["run"])


def process(*args: str, **kwargs: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ui", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, **kwargs)


def test_help_comes_at_once() -> None:
    """Proves: asking for help imports nothing heavy. Sensitivity: one import of plans at the top fails here."""
    heavy = ("pandas", "numpy", "xarray", "pydantic", "sqlalchemy", "streamlit", "pyomo", "rich.console")
    code = f"import sys, emberline.ui.cli.main; print([name for name in {heavy} if name in sys.modules])"
    completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert completed.stdout.strip() == "[]"

    def seconds(*command: str) -> float:
        """Of the processor: what others do at the same time does not count."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, *command], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    bare = min(seconds("-c", "pass") for _ in range(3))
    assert min(seconds("-m", "ui", "--help") for _ in range(5)) - bare < 0.3


def test_list_and_check(home: Path) -> None:
    """Proves: what is shipped is listed and checks; a check leaves no trace."""
    listed = json.loads(emberline("list", "--json").stdout)
    assert [item["name"] for item in listed] == list(bundled())
    code = emberline("check", "melt-shop-small")
    assert code.returncode == 0
    assert "9 heats, 900 t" in code.stdout
    assert "+02:00" in code.stdout
    assert not home.exists()


def test_check_says_what_the_baseline_cannot_make_with_a_repair(home: Path) -> None:
    """Proves: where nothing is proven, a check names the heats without a place and what would help, and is content.
    Sensitivity: *no mistake found* alone, and a search of a minute for an answer."""
    code = emberline("check", "melt-shop-day", "--set", "site.grid.import_limit_mw=190")
    assert code.returncode == 0
    assert "doubtful" in code.stdout
    assert "the baseline finds no place for C6-1" in code.stdout
    assert "--set horizon.step_min=5" in code.stdout


def test_schema_accepts_the_bundled_scenarios() -> None:
    """Proves: an editor that checks by the schema is content with what is shipped, and finds an unknown key."""
    schema = json.loads(emberline("schema").stdout)
    validator = jsonschema.Draft202012Validator(schema)
    for name in bundled():
        data = read(LIBRARY / f"{name}.yaml").data
        assert not list(validator.iter_errors(data)), name
        assert list(validator.iter_errors({**data, "colour": "red"}))


def test_simulate_gives_the_baseline_figures(home: Path) -> None:
    """Proves: the baseline makes all the steel. Sensitivity: with fewer heats it is less."""
    full = json.loads(emberline("simulate", "melt-shop-small", "--json").stdout)["baseline"]
    assert full["tonnes"] == 900
    less = emberline("simulate", "melt-shop-small", "--json", "--set", "orders.C3.heats=[{grade: wire}]")
    assert json.loads(less.stdout)["baseline"]["tonnes"] == 700
    assert "t CO2e" in emberline("simulate", "melt-shop-small").stdout


def test_plan_json_is_json_and_complete(home_with_plan: tuple[Path, dict[str, Any]]) -> None:
    """Proves: standard output carries one JSON object with the promised keys, and the folder is there."""
    home, text = home_with_plan
    assert Path(text["folder"]) == home / "runs" / text["run"]
    assert (Path(text["folder"]) / "plan.json").is_file()
    for key in ("status", "objective", "bound", "gap", "verdict", "saved"):
        assert key in text
    for part in ("baseline", "schedule", "replay"):
        for key in ("carbon_kg", "cost", "currency", "energy_mwh", "peak_mw", "tonnes"):
            assert key in text[part], (part, key)
    assert text["replay"]["violations"] == []
    assert set(text["replays"]) >= {"n", "held", "quantiles"}
    assert all(seconds >= 0 for seconds in text["seconds"].values())


@pytest.mark.parametrize(("spread", "seldom"), [("20 %", True), ("0 %", False)])
def test_a_plan_that_seldom_holds_names_what_does(home: Path, spread: str, seldom: bool) -> None:
    """Proves: an acceptable plan that holds in less than half of its replays names the command that searches one that
    does, with what was set, ready to be pasted. Sensitivity: a plan that holds names none."""
    change = ["--set", f"disturbances={{duration_spread: {spread}}}"]
    code = emberline("plan", "melt-shop-small", "--gap", "50%", "-q", "--no-hold", *change)
    assert code.returncode == 0, code.stderr
    text = f"emberline hold melt-shop-small --set 'disturbances={{duration_spread: {spread}}}' --set goal.gap=50%\n"
    assert (text in code.stdout) == seldom
    assert ("emberline hold SCENARIO, with the same --set" in emberline("show").stdout) == seldom


def test_show_runs_and_delete(run_id: str) -> None:
    """Proves: a stored plan is found by prefix and as the last one, listed, and deleted only when confirmed."""
    assert json.loads(emberline("show", run_id[:6], "--json").stdout)["run"] == run_id
    text = emberline("show")
    assert text.returncode == 0
    for part in ("baseline", "plan", "saved", "t CO2e", "EUR", "bound", "verdict", run_id):
        assert part in text.stdout
    assert "\x1b" not in text.stdout
    assert [row["id"] for row in json.loads(emberline("runs", "--json").stdout)] == [run_id]
    assert run_id[:8] in emberline("runs").stdout
    unsure = emberline("runs", "--delete", run_id)
    assert (unsure.returncode, len(unsure.stderr.splitlines())) == (2, 1)
    assert emberline("runs", "--delete", run_id[:8], "--yes").returncode == 0
    assert json.loads(emberline("runs", "--json").stdout) == []


@pytest.mark.parametrize("kind", ["xlsx", "csv", "parquet", "nc", "json", "xml", "ics", "html"])
def test_export(run_id: str, tmp_path: Path, kind: str) -> None:
    """Proves: a file of the suffix appears once, a second time only by force; a CSV has its manifest next to it."""
    path = tmp_path / f"plan.{kind}"
    code = emberline("export", "last", "--output", str(path))
    assert code.returncode == 0, code.stderr
    assert code.stdout == f"{path}\n"
    assert path.stat().st_size > 500
    again = emberline("export", "last", "--to", kind, "--output", str(path))
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert emberline("export", "last", "--as", kind, "--output", str(path), "--force").returncode == 0
    names = sorted(item.name for item in tmp_path.iterdir() if item.name != "home")
    assert names == (["plan.csv", "plan.manifest.json"] if kind == "csv" else [path.name])


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--output", "a.xml", "--as", "csv"], "--as csv: the file's name ends in .xml"),
        (["--output", "a.ics", "--unit", "EAF9"], "unit 'EAF9' does nothing in run"),
        (["--output", "a.csv", "--unit", "EAF"], "a unit can be chosen for ics only"),
        (["--output", "a.csv", "--table", "runs"], "has no runs"),
        (["--output", "nowhere/a.csv"], "there is no such folder"),
    ],
)
def test_an_export_that_cannot_be_is_one_line(
    run_id: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], text: str
) -> None:
    """Proves: exit code 2, one line, no file; a file of any name is written where its format is given."""
    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    code = emberline("export", run_id, *args)
    assert (code.returncode, len(code.stderr.splitlines())) == (2, 1), code.stderr
    assert text in code.stderr
    assert list(folder.iterdir()) == []
    assert emberline("export", run_id, "--output", "crew", "--as", "ics", "--unit", "EAF").returncode == 0
    assert (folder / "crew").read_bytes().startswith(b"BEGIN:VCALENDAR")


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["bogus"], "bogus"),
        (["plan"], "SCENARIO"),
        (["plan", "melt-shop-small", "--colour"], "--colour"),
        (["plan", "melt-shop-small", "--time-limit", "long"], "--time-limit"),
        (["plan", "melt-shop-small", "--gap", "200%"], "goal.gap"),
        (["plan", "melt-shop-small", "--set", "goal"], "key.path=value"),
        (["plan", "melt-shop-small", "--set", "goal.gapp=1"], "did you mean gap"),
        (["plan", "nowhere"], "no such scenario"),
        (["check", "nowhere.yaml"], "no such file"),
        (["check", "melt-shop-small", "--set", "goal.minimize=lateness"], "no plan is made for lateness"),
        (["plan", "melt-shop-small", "--set", "goal.minimize=makespan"], "no plan is made for makespan"),
        (["why-not", "melt-shop-small", "--set", "goal.minimize=lateness"], "no plan is made for lateness"),
        (["show"], "no stored run"),
        (["show", "abcd"], "no stored run"),
        (["export", "--to", "doc"], "xlsx, csv, parquet, nc, json, xml, ics, html"),
        (["export", "--output", "plan.doc"], ".xlsx, .csv"),
        (["runs", "--delete", "abcd", "--yes"], "no stored run"),
        (["app", "--port", "0"], "--port"),
        (["roll", "melt-shop-small", "--policy", "rule"], "'--policy': 'rule' is not one of 'search', 'replan'"),
    ],
)
def test_mistakes_in_the_command_are_one_line(home: Path, args: list[str], text: str) -> None:
    """Proves: exit code 2, one line on standard error, nothing on standard output, nothing written."""
    refused(emberline(*args), text)
    assert not home.exists()


def test_twenty_mistakes_twenty_lines(home: Path, tmp_path: Path) -> None:
    """Proves: each mistake of a file has a line of its own with file and line, and nothing is written."""
    text = (LIBRARY / "melt-shop-small.yaml").read_text(encoding="utf-8")
    edits = [
        ("title: Small", "titel: Small"), ("step_min: 15", "step_min: 7"), ("zone: Europe/Berlin", "zone: Mars"),
        ("power_mw: 8 MW}", "power_mw: -8 MW}"), ("power_mw: 64 MW", "power_mw: 64 MWh"),
        ("transfer_min: 8", "transfer_min: soon"), ("longest_wait_min: 60", "longest_wait_min: -1"),
        ("setup_min: 45", "setup_min: [45]"), ("rate_k_per_min: 0.5", "rate_k_per_min: 0.5 K"),
        ("count: 3}]}\n  - {name: C3", "count: -3}]}\n  - {name: C3"), ("grade: wire", "grade: wier"),
        ("import_limit_mw: 75 MW", "import_limit_mw: .nan"), ("peak_mw: 8 MW", "peak_mw: 8 bar"),
        ("energy_mwh: 8 MWh", "energy_mwh: true"), ("per_t: 70 EUR/t", "per_t: 70 USD/t"),
        ("covers: direct", "covers: some"), ("currency: EUR", "currency: EUR\n  currency: EUR"),
        ("mttr_min: 30", "mttr_min: -1"), ("replications: 20", "replications: many"), ("  gap: 1 %", "  gap: 500 %"),
    ]  # fmt: skip
    for old, new in edits:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "plant.yaml"
    path.write_text(text, encoding="utf-8")
    code = emberline("plan", str(path), "--json")
    assert code.returncode == 2
    assert code.stdout == ""
    assert len(code.stderr.splitlines()) == len(edits) == 20, code.stderr
    assert all(line.startswith("plant.yaml:") for line in code.stderr.splitlines())
    assert not home.exists()


def test_what_only_solving_can_show_is_exit_code_1(home: Path) -> None:
    """Proves: a lock that cannot be kept gives no plan, and the run that says so is stored."""
    result = emberline("plan", "melt-shop-small", "--json", "--set", UNKEPT)
    assert result.returncode == 1, result.stderr
    answer = json.loads(result.stdout)
    assert (answer["schedule"], answer["acceptable"]) == (None, False)
    assert answer["verdict"].startswith("No plan")
    code = emberline("show", answer["run"])
    assert code.returncode == 0
    assert "No plan" in code.stdout
    exported = emberline("export", answer["run"], "--output", str(home / "x.xlsx"))
    assert (exported.returncode, len(exported.stderr.splitlines())) == (1, 1)


@pytest.mark.parametrize("delay_s", [0.0, 0.4, 1.5])
def test_kill_9_leaves_a_whole_catalogue(home: Path, run_id: str, delay_s: float) -> None:
    """Proves: after kill -9 the catalogue opens, earlier runs are whole, and the broken run is marked."""
    command = [sys.executable, "-m", "ui", "plan", "melt-shop-day", "--gap", "0", "--quiet"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as start:
        end = time.monotonic() + 120
        while len(Store().search()) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        time.sleep(delay_s)
        start.send_signal(signal.SIGKILL)
        start.communicate()
    states = {row["id"]: row["state"] for row in json.loads(emberline("runs", "--json").stdout)}
    assert states.pop(run_id) == "stored"
    assert list(states.values()) == ["broken"]
    assert emberline("show", run_id).returncode == 0
    (broken,) = states
    code = emberline("show", broken)
    assert (code.returncode, len(code.stderr.splitlines())) == (2, 1)
    assert not [path for path in (home / "runs").iterdir() if path.name.endswith(".partial")]


def hears_ctrl_c() -> None:
    """Where the tests run in the background Ctrl-C is ignored, and would be by what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_takes_the_best_plan_so_far(home: Path) -> None:
    """Proves: one Ctrl-C ends the search and keeps its plan. Sensitivity: without it, it searches for minutes."""
    command = [sys.executable, "-m", "ui", "plan", "melt-shop-day", "--gap", "0", "--time-limit", "300", "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=hears_ctrl_c
    ) as start:
        assert start.stderr is not None
        while "search" not in start.stderr.readline():
            pass
        time.sleep(1)
        start.send_signal(signal.SIGINT)
        out, err = start.communicate(timeout=240)
    assert "taking the best plan so far" in err
    answer = json.loads(out)
    assert start.returncode == (0 if answer["acceptable"] else 1)
    assert Store().open(answer["run"]).plan.status == answer["status"]


def test_a_reader_that_leaves_is_no_error() -> None:
    """Proves: ``emberline schema | head`` is quiet."""
    command = [sys.executable, "-m", "ui", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as start:
        assert start.stdout is not None
        start.stdout.read(10)
        start.stdout.close()
        assert start.stderr is not None
        assert start.stderr.read() == b""
    assert start.returncode == 0


def test_an_error_of_its_own_is_one_line_and_a_file(home: Path, run_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: no stack trace for the user, exit code 3, the details kept; with EMBERLINE_DEBUG the trace itself."""
    monkeypatch.setattr("emberline.runs.store.store.Store.open", lambda store, run: [store][1])
    code = emberline("show", run_id)
    assert code.returncode == 3
    assert len(code.stderr.splitlines()) == 2
    details = Path(code.stderr.splitlines()[1].removeprefix("details: "))
    assert "Traceback" in details.read_text(encoding="utf-8")
    monkeypatch.setenv("EMBERLINE_DEBUG", "1")
    assert "Traceback" in emberline("show", run_id).stderr
