"""The commands ``replay`` and ``sweep``: what they print, what they keep, and how they refuse."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import emberline, refused
from works import compared, trajectory, works

from emberline import twin
from emberline.planning.engine.engine import Engine
from emberline.planning.planner import PLAIN, make_plan
from emberline.planning.robustness.ensemble import ensemble
from emberline.runs.store import ensembles
from emberline.runs.store.store import Store
from emberline.scenarios import load
from emberline.ui.cli.studies import printing

SMALL = "melt-shop-small"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the small shop's plan."""
    folder = tmp_path_factory.mktemp("home")
    result = make_plan(
        load(SMALL, ["goal.gap=50 %", "disturbances.replications=0", "disturbances.duration_spread=20 %"]), PLAIN
    )
    store = Store(folder)
    with store.working(result.scenario) as run:
        store.save(run, result)
    return folder


@pytest.fixture(autouse=True)
def _at_home(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMBERLINE_HOME", str(home))


def test_the_same_days_are_planned_again() -> None:
    """Proves: both ways stand side by side, of the same days, as text and as JSON; the file is that of the printed."""
    command = ("replay", "last", "-n", "4", "--workers", "1", "--baseline", "--seed", "6", "--planned-again")
    code = emberline(*command)
    assert code.returncode == 0, code.stderr
    rows = [line.split() for line in code.stdout.splitlines() if line.startswith(("printed and", "planned again"))]
    assert [row[:2] for row in rows] == [["printed", "and"], ["planned", "again"]]
    answer = json.loads(emberline(*command, "--json").stdout)
    again = answer["planned_again"]
    assert again["n"] == answer["n"] == 4
    assert again["quantiles"]["saved_carbon_kg"]["p50"] != answer["quantiles"]["saved_carbon_kg"]["p50"]
    assert f"{again['held']} of 4" in code.stdout


def test_replays_are_reported_and_kept(home: Path) -> None:
    """Proves: chance, interval, quantiles and what broke it, as text and as JSON, and the dataset next to the run."""
    code = emberline("replay", "last", "-n", "30", "--workers", "1", "--baseline", "--seed", "5", "--json")
    assert code.returncode == 0, code.stderr
    answer = json.loads(code.stdout)
    assert (answer["n"], answer["seed"]) == (30, 5)
    assert answer["chance"] == answer["held"] / 30
    assert answer["interval"]["low"] <= answer["chance"] <= answer["interval"]["high"]
    assert answer["quantiles"]["carbon_kg"]["p10"] < answer["quantiles"]["carbon_kg"]["p90"]
    assert sum(row["first"] for row in answer["broke"]) == 30 - answer["held"] > 0
    store = Store(home)
    content = ensembles.read(store.open(store.find("last")), 5)
    assert content.summary().items() <= answer.items()
    text = emberline("replay", "last", "-n", "30", "--workers", "1", "--seed", "5", "--quiet")
    assert text.stderr == ""
    assert f"no limit missed in {answer['held']} of 30 disturbed replays" in text.stdout
    assert ("emberline hold SCENARIO" in text.stdout) == (answer["held"] < 15)
    for words in ("chance to hold", "95 % interval", "P10", "what broke it", "late heats", answer["broke"][0]["unit"]):
        assert words in text.stdout


def test_levels_of_stores_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """Proves: of a works two lines per store say how low it gets and what is in it at the end; an ensemble of an
    earlier release, which has no levels, prints nothing."""
    case = works(hours=4, disturbances={"rate_spread": 0.2, "delivery_spread": 0.2})
    course_of = {"kiln": [("kiln", 100.0)] * 4, "mill": [("mill", 100.0)] * 4}
    result = ensemble(case, twin.dispatch(case), 4, Engine())
    assert result is not None
    by_hand = compared(case, trajectory(case, course_of), trajectory(case, course_of))
    printing.show_stocks(result, by_hand)
    head, *lines = capsys.readouterr().out.strip().splitlines()
    assert head.split()[-2:] == ["worst", "replay"]
    assert [line.split()[0] for line in lines] == ["clinker", "clinker", "cement", "cement"]
    worst = float(result.data["lowest_t"].sel(stock="cement").min())
    assert lines[2].endswith(f"{worst:.0f} t ({worst / 10:.0f} %)")
    printing.show_stocks(
        dataclasses.replace(result, data=result.data.drop_vars(["lowest_t", "last_t", "stock"])), by_hand
    )
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["replay", "abcd"], "no runs begin with 'abcd'"),
        (["replay", "last", "-n", "0"], "--replications"),
        (["replay", "last", "-n", "many"], "--replications"),
        (["replay", "last", "--workers", "0"], "--workers"),
        (["replay", "last", "--cluster", "tcp://127.0.0.1:1"], "--cluster 'tcp://127.0.0.1:1': cannot be reached"),
        (["replay", "last", "--cluster", "there", "--workers", "2"], "drop --workers or --cluster"),
        (["sweep", SMALL], "a sweep needs a list of values"),
        (["sweep", "nowhere", "--set", "goal.gap=[1 %]"], "no such scenario"),
        (["sweep", SMALL, "--set", "goal.gap=[1 %]", "--cluster", "tcp://127.0.0.1:1"], "cannot be reached"),
        (["pareto", SMALL, "--cluster", "there"], "write it as tcp://host:8786"),
    ],
)
def test_mistakes_are_one_line(home: Path, args: list[str], text: str) -> None:
    """Proves: exit code 2, one line on standard error, nothing on standard output."""
    refused(emberline(*args), text)


def test_more_than_there_is_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: replays, sweeps, plans and fronts say what they need and what there is, before work begins;
    within the limit it does."""
    monkeypatch.setenv("EMBERLINE_MEMORY", "256 MiB")
    long = ["--set", "horizon.days=4", "--set", "horizon.step_min=5"]
    for args in (
        ["replay", "last", "-n", "100000"],
        ["sweep", SMALL, "--set", "goal.gap=[1 %]", *long],
        ["plan", SMALL, *long],
        ["pareto", SMALL, *long],
    ):
        refused(emberline(*args), "iB of memory, EMBERLINE_MEMORY has 256 MiB")
    monkeypatch.setenv("EMBERLINE_MEMORY", "1 GiB")
    assert emberline("replay", "last", "-n", "2", "--workers", "1").returncode == 0


def test_a_sweep_is_a_table_of_runs(home: Path) -> None:
    """Proves: both plans with status, gap and run, which open; nothing of it on the wrong stream."""
    code = emberline(
        "sweep", SMALL, "--set", "goal.minimize=[carbon, cost]", "--set", "disturbances.replications=2",
        "--set", "goal.hold=off",
        "--gap", "20 %", "--workers", "1", "--json",
    )  # fmt: skip
    assert code.returncode == 0, code.stderr
    answer = json.loads(code.stdout)
    assert [row["setting"] for row in answer["plans"]] == [{"goal.minimize": "carbon"}, {"goal.minimize": "cost"}]
    store = Store(home)
    for row in answer["plans"]:
        assert store.open(row["run"]).plan.scenario.goal.minimize == row["setting"]["goal.minimize"]
        assert row["gap"] <= 0.2
        assert row["replications"] == 2


def test_ctrl_c_keeps_what_is_done(home: Path) -> None:
    """Proves: one Ctrl-C, heard by every process of the terminal, keeps the replays done; no worker stays."""
    command = [sys.executable, "-m", "ui", "replay", "last", "-n", "3000", "--workers", "2", "--seed", "9", "--json"]

    def hears_ctrl_c() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,
    ) as process:
        assert process.stderr is not None
        while " of 3000" not in process.stderr.readline():
            assert process.poll() is None
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert err.strip().splitlines()[-1].endswith("keeping the replays done so far (press Ctrl-C again to give up)")
    answer = json.loads(out)
    assert 0 < answer["n"] < answer["asked"] == 3000
    assert not survivors(process.pid)


def survivors(group: int) -> list[str]:
    """Processes of a group that are still there after a while."""
    for _ in range(50):
        listed = subprocess.run(["ps", "-eo", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
        rows = [line.split(maxsplit=2) for line in listed.splitlines()]
        working = [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]
        if not working:
            break
        time.sleep(0.2)
    return working
