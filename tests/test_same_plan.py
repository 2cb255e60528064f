"""The same case with the same effort gives the same plan: through every entrance, whatever is stored, however busy."""

from __future__ import annotations

import math
import multiprocessing
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import emberline
from emberline.planning.planner import make_plan
from emberline.runs.jobs import queue
from emberline.runs.store import Store
from emberline.scenarios import effort, load

ROOT = Path(__file__).resolve().parents[1]
CASE = {"goal.effort": 1, "goal.time_limit_s": 900, "disturbances.replications": 2}
CHANGES = [f"{key}={value}" for key, value in CASE.items()]


def _busy() -> None:
    end = time.monotonic() + 600
    while time.monotonic() < end:
        sum(range(10_000))


def command(*words: str) -> None:
    """A command that succeeds, with the case's settings."""
    more = [text for change in CHANGES for text in ("--set", change)]
    line = [sys.executable, "-m", "ui", words[0], "melt-shop-small", "--quiet", *words[1:], *more]
    result = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, check=False)
    assert result.returncode == 0, result.stderr


def test_every_entrance_gives_the_same_schedule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: Python, command line with an empty and a full store, a sweep and a job give one schedule of a case, also
    next to a busy process.

    Sensitivity: stored plans that enter by themselves, a limit in seconds, two threads that meet as they come."""
    monkeypatch.setenv("EMBERLINE_HOME", str(tmp_path))
    plan_here = emberline.plan(load("melt-shop-small", CHANGES)).plan.schedule
    command("plan")
    loop = multiprocessing.get_context("spawn").Process(target=_busy, daemon=True)
    loop.start()
    command("plan")
    job = queue.start("melt-shop-small", CHANGES)
    while not queue.status(job).ended:
        time.sleep(0.2)
    loop.kill()
    command("sweep", "--set", "goal.gap=[1 %, 2 %]")
    plans = [Store().open(entry.id).plan for entry in Store().search(limit=9)]
    schedules = [plan.schedule for plan in plans if plan.scenario.goal.gap == 0.01]
    assert (len(plans), len(schedules)) == (5, 4)
    assert plan_here is not None
    assert all(one is not None and one.drop_attrs().equals(plan_here.drop_attrs()) for one in schedules)


def test_where_seconds_are_over_the_plan_says_so() -> None:
    """Proves: a net that is over before the effort ends the search with the best plan found, and the verdict names it.

    Sensitivity: a limit that acts in silence."""
    case = load("melt-shop-small", ["goal.effort=30", "goal.time_limit_s=0.5", "disturbances.replications=0"])
    result = make_plan(case)
    assert result.schedule is not None
    assert any("0.5 s was over before" in str(one) for one in result.omissions)


def test_the_safety_net_leaves_the_judgement_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """Proves: where the safety net of an effort ends the search, the plan is followed on as many days as it was judged
    on as printed.

    Sensitivity: a busy machine that states fewer days."""
    net = effort.net
    monkeypatch.setattr(effort, "net", lambda seconds: net(seconds / 300))
    result = make_plan(load("melt-shop-small", ["goal.effort=30", "goal.replan.every_min=360"]))
    assert any("was over before the effort was" in str(one) for one in result.omissions)
    assert result.replays is not None
    assert result.again is not None
    assert result.again.n == result.replays.n == 100


def test_a_solver_looks_at_the_same_work_whatever_went_before() -> None:
    """Proves: moments at which a running solver looks at what is shared count from where its two threads began.

    Sensitivity: the last look of an earlier search in the process, so that a second plan is another one."""
    rows = []
    effort.reach(math.ceil(effort.counted()))  # from where sixteenths are exact
    for before in (0.0, 0.125, 0.1875):
        effort.spend(before)
        effort.look_due()  # alone it always looks
        effort.spend(before)
        began, looks = effort.counted(), dict[str, list[int]]()

        def work(name: str, began: float = began, looks: dict[str, list[int]] = looks) -> None:
            for step in range(40):
                effort.spend(0.0625)
                if effort.look_due():
                    looks.setdefault(name, []).append(step)

        with effort.in_parallel(partial(work, "other"), "other"):
            work("main")
        rows.append(looks)
    assert rows[0] == rows[1] == rows[2]
    assert rows[0]["main"] == rows[0]["other"] == list(range(3, 40, 4))


def test_two_threads_meet_in_the_order_of_their_work() -> None:
    """Proves: what two threads write and read is ordered by their work, whichever is slower on the clock.

    Sensitivity: a turn that does not wait."""
    for slow in (0, 1):
        rows: list[tuple[int, float]] = []

        def work(side: int, step: float, rows: list[tuple[int, float]] = rows, slow: int = slow) -> None:
            began = effort.counted()
            for _ in range(20):
                if side == slow:
                    time.sleep(0.002)
                effort.spend(step)
                effort.turn()
                rows.append((side, round(effort.counted() - began, 6)))

        with effort.in_parallel(partial(work, 1, 0.75), "other"):
            work(0, 0.5)
        assert [row for row in rows if row[1] <= 8] == sorted(
            (row for row in rows if row[1] <= 8), key=lambda row: (row[1], row[0])
        )
