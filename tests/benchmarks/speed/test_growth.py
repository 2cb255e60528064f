"""Growth, start-up and courses of a search: what is fitted, scaled and read off them."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

from benchmarks.instruments import points, scaled
from benchmarks.peers import hub
from benchmarks.peers.compare import Answers
from benchmarks.peers.protocol import peak_mib
from benchmarks.planning import week
from benchmarks.reporting.findings import NEVER
from benchmarks.speed import growth, hub_year, startup


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_the_exponent_of_a_power(power: float) -> None:
    """Proves: c·n^k gives k, whatever c; what was not reached is left out. Sensitivity: a fit without logarithms."""
    sizes = [10.0, 20.0, 40.0, 80.0]
    values = [7 * n**power for n in sizes[:3]]
    assert growth.exponent(sizes, [*values, NEVER]) == pytest.approx(power, abs=1e-9)
    assert growth.exponent(sizes[:2], values[:2]) is None


@pytest.mark.parametrize("heats", [1, 12, 30, 168, 700])
def test_so_many_heats(heats: int) -> None:
    """Proves: as many heats as asked, 24 due by the end of each day. Sensitivity: a last cast that is not shortened."""
    result = scaled.of_heats(heats, 60.0)
    assert len(result.heats) == heats
    assert result.horizon.n_steps == -(-heats // 24) * 96
    by_day: dict[float, int] = {}
    for heat in result.heats:
        by_day[heat.due_min] = by_day.get(heat.due_min, 0) + 1
    assert list(by_day) == sorted(by_day)
    counts = np.cumsum(list(by_day.values()))
    assert all(count <= 24 * (k + 1) for k, count in enumerate(counts))


def test_a_week_of_heats_is_the_bundled_week() -> None:
    """Proves: 168 heats are the bundled week's, in its order. Sensitivity: casts drawn otherwise."""
    from emberline.scenarios import load

    result, bundled = scaled.of_heats(168, 60.0), load("melt-shop-week")
    assert [heat.grade.name for heat in result.heats] == [heat.grade.name for heat in bundled.heats]


@pytest.mark.parametrize("copies", [1, 3])
def test_copies_of_the_hub(copies: int) -> None:
    """Proves: each machine and store so many times, with names of their own, loads and grid with them.

    Sensitivity: copies without load, that would stand idle.
    """
    case, single = scaled.hub_of_copies(copies), next(case for case in hub.cases() if case.name == "week")
    machines = [one.name for key in ("solar", "chps", "boilers", "heat_pumps", "stores") for one in getattr(case, key)]
    assert len(set(machines)) == growth.PER_COPY * copies
    assert sum(case.loads[0].mw) == pytest.approx(copies * sum(single.loads[0].mw))
    assert case.grid.import_limit_mw == copies * single.grid.import_limit_mw


def test_a_point_in_a_process_of_its_own() -> None:
    """Proves: a process plans the smallest hub and tells seconds and memory. Sensitivity: memory of this process."""
    text = points.ask("steps", 120.0, steps=96, time_limit_s=30.0)
    assert text is not None
    assert text["found"]
    assert text["gap"] == 0
    assert text["seconds"]["build"] > 0
    assert 50 < text["peak_mib"] < 1000


def test_a_point_that_takes_too_long_is_none() -> None:
    """Proves: the limit ends a process. Sensitivity: a bench that waits for ever."""
    assert points.ask("steps", 0.05, steps=96, time_limit_s=30.0) is None


def test_a_point_that_fails_says_why() -> None:
    """Proves: one line with the last word of the process. Sensitivity: an empty answer read as none."""
    with pytest.raises(RuntimeError, match=r"exit code 1: .*KeyError"):
        points.ask("nothing", 60.0)


def test_peak_memory_grows_with_what_is_held() -> None:
    """Proves: 64 MiB more are seen. Sensitivity: another unit, or the memory of now after it is given back."""
    before = peak_mib()
    result = np.ones(round((before + 64) * 2**20 / 8))
    assert result[-1] == 1
    del result
    assert peak_mib() >= before + 60


def test_the_solver_is_reached_and_nothing_runs() -> None:
    """Proves: the plan's process ends where the solver starts. Sensitivity: a plan that is made, or refused before."""
    plan = ["-c", startup.UNTIL_SOLVER, "plan", startup.SMALL, "-q"]
    assert startup.spend(plan).code == startup.STARTED
    assert startup.spend([*plan, "--gap", "nonsense"]).code == 2


def test_cpu_seconds_are_those_of_the_process() -> None:
    """Proves: a process that sleeps takes clock, one that computes CPU. Sensitivity: this process's seconds."""
    asleep = startup.spend(["-c", "import time; time.sleep(0.5)"])
    busy = startup.spend(["-c", "import time\nwhile time.process_time() < 0.5: pass"])
    assert asleep.wall_s >= 0.5
    assert asleep.cpu_s < 0.4
    assert busy.cpu_s >= 0.5


def test_another_exit_code_is_an_error() -> None:
    """Proves: a command that fails at once does not count as a fast one. Sensitivity: the code passed over."""
    with pytest.raises(RuntimeError, match="exit code 3 instead of 0"):
        startup.rows("it", ["-c", "raise SystemExit(3)"], 0)


def trajectory() -> week.Trajectory:
    events = [
        week.Event(1.0, 110.0, None, NEVER),
        week.Event(20.0, 104.0, 100.0, 4 / 104),
        week.Event(50.0, 101.0, 100.0, 1 / 101),
        week.Event(90.0, 100.5, 100.0, 0.5 / 100.5),
    ]
    return week.Trajectory(date(2024, 1, 8), events, "best found", [])


def test_what_a_course_had_at_a_time() -> None:
    """Proves: the gap proven by a time, and the first time of a gap. Sensitivity: the next event's gap."""
    assert trajectory().gap_at(10.0) == NEVER
    assert trajectory().gap_at(60.0) == pytest.approx(100 / 101)
    assert trajectory().reached(1.0) == 50.0
    assert trajectory().reached(0.1) == NEVER


def test_a_week_is_judged_at_both_times() -> None:
    """Proves: 1.5 % in 60 s and 1 % in 120 s, the worst week counts, and violations. Sensitivity: the mean of weeks."""
    late = week.Trajectory(date(2024, 1, 15), [week.Event(100.0, 101.8, 100.0, 1.8 / 101.8)], "best found", ["late"])
    judged = [row.within for row in week.findings([trajectory()]).tables[0].rows if row.bar]
    assert judged == [True, True, True]
    findings = week.findings([trajectory(), late])
    assert [row.within for row in findings.tables[0].rows if row.bar] == [False, False, False]
    assert [len(curve) for curve in findings.plots[0].curves.values()] == [3, 1]
    assert findings.plots[1].curves["incumbent"][-1] == (90.0, 1.0)
    assert all(math.isfinite(y) for curve in findings.plots[1].curves.values() for _, y in curve)


def test_the_total_is_judged_against_the_solver() -> None:
    """Proves: all phases count, compared with HiGHS by hand. Sensitivity: the solver's time alone."""

    def side(tool: str, build: float) -> Answers:
        phases = {"build": build, "hand_over": 0.0, "solve": 2.0, "extract": 0.0}
        table = {f"{again}{name}_s": value for again in ("", "again_") for name, value in phases.items()}
        return Answers(tool, [table | {"objective": 1.0, "again_objective": 1.0, "peak_mib": 1.0, "load_s": 1.0}])

    case = hub.cases()[0]
    for build, stored in ((0.4, True), (0.6, False)):
        rows = hub_year.phases(case, [side("HiGHS by hand", 0.0), side("Emberline", build)]).rows
        assert [row.within for row in rows if row.bar] == [stored, stored]


def test_growth_tells_the_largest_size_reached() -> None:
    """Proves: exponent and largest size, what did not end is named. Sensitivity: a failed point counted as zero."""

    def measure(n: int) -> dict[str, object] | None:
        if n == 80:
            return None
        phases = {"build": 0.1 * n**2, "first goal": 0.5 * n}
        return {"found": True, "status": "", "seconds": phases, "twin_s": 1.0, "prepare_s": 1.0, "peak_mib": 100.0}

    table, plots, text = growth.grown("things", (10, 20, 40, 80), growth.SITE, measure)
    row = next(row for row in table.rows if row.what == "building the model, 40 things")
    assert row.median == pytest.approx(160)
    assert row.says == "10.0 at 10; ~ things^2.00; not reached: 80"
    assert text[80] is None
    assert plots[0].curves["solving  ~ things^1.00"][:2] == [(10.0, 5.0), (20.0, 10.0)]
    assert plots[1].y == "MiB"
